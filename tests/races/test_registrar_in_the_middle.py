# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The registrar is lost, or another one, in the middle of a run: nothing is there twice, a sentence says what to do, and the next run is good."""

from __future__ import annotations

import pathlib
import typing as t

import pytest
from integration.conftest import Fleet, Play, server

from .halfway import HalfwayRun
from .there import servers, violations

pytestmark = [pytest.mark.campaign, pytest.mark.parametrize("registrar", ["sqlite"], indirect=True)]
WEB = server("web", networks=[{"name": "dual"}], availability_zone="az2:h2")


@pytest.fixture
def run(fleet: Fleet, tmp_path: pathlib.Path, registrar: dict[str, t.Any]) -> HalfwayRun:
    """It is about to reserve at h1, the registrar, for a server on h2."""
    fleet.forget_registrar()
    assert fleet.create(server("first", availability_zone="az2:h2")).code == 0
    fleet.remove_servers()
    return HalfwayRun(tmp_path / "run", {"compute_servers": [WEB]})


def names(fleet: Fleet) -> list[str]:
    """What is there, nothing of it twice."""
    there = servers(fleet)
    assert violations(there, 2, 2) == []
    return sorted(server.name.rpartition("/")[2] for server in there)


def flat(play: Play) -> str:
    """The output with its lines joined, as callbacks fold long ones."""
    return " ".join(play.output.split())


def test_a_registrar_that_is_cut_off_before_the_run_reserves(fleet: Fleet, run: HalfwayRun) -> None:
    fleet.testbed("cut", "h1")
    try:
        run.go_on()
        lost = run.end()
    finally:
        fleet.testbed("heal", "h1")
    assert lost.code == 2, lost.output
    assert "the registrar on host h1 can't be asked, and nothing is created without it" in flat(lost)
    assert "run again when it is back, or move it: ansible-playbook kvmfleet.compute.registrar -e registrar_operation=move" in flat(lost)
    assert names(fleet) == []
    again = fleet.create(WEB)
    assert again.code == 0, again.output
    assert names(fleet) == ["web"]


def test_a_registrar_whose_host_dies_while_a_claim_is_under_way(fleet: Fleet, run: HalfwayRun) -> None:
    claim = run.go_on_to_claim(fleet, "h2")
    fleet.testbed("kill-host", "h1")
    try:
        claim.go_on()
        made = run.end()
    finally:
        fleet.testbed("reboot", "h1")
    # What was granted is claimed and built; the registrar does not hear of it.
    assert made.code == 0, made.output
    assert "the registrar was not told what became of the claims" in flat(made)
    assert names(fleet) == ["web"]
    again = fleet.create(WEB, {**WEB, "name": "other"})
    assert again.code == 0, again.output
    assert names(fleet) == ["other", "web"]


def test_a_registrar_that_is_moved_while_a_claim_is_under_way(fleet: Fleet, run: HalfwayRun) -> None:
    claim = run.go_on_to_claim(fleet, "h2")
    moved = fleet.play("kvmfleet.compute.registrar", {"registrar_operation": "move", "registrar_host": "h3"})
    assert moved.code == 0, moved.output
    claim.go_on()
    refused = run.end()
    assert refused.code == 2, refused.output
    assert "EpochOver" in refused.output
    assert "run again" in flat(refused)
    assert names(fleet) == []
    again = fleet.create(WEB)
    assert again.code == 0, again.output
    assert names(fleet) == ["web"]
