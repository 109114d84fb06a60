# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a killed run has reserved, and not claimed: the next run of the same controller has it at once, though a claim may still be on its way."""

from __future__ import annotations

import pathlib
import typing as t

import pytest
from integration.conftest import Fleet, server

from .halfway import HalfwayRun
from .there import servers, violations

LONG_S = 300  # longer than the test: nothing here ends by its deadline


@pytest.mark.parametrize("registrar", ["sqlite", pytest.param("postgresql", marks=pytest.mark.campaign)], indirect=True)
def test_the_next_run_has_at_once_what_a_killed_one_had_reserved_and_a_claim_that_still_waits_is_refused(
    fleet: Fleet, tmp_path: pathlib.Path, registrar: dict[str, t.Any]
) -> None:
    variables = {**registrar, "compute_reservation_timeout_s": LONG_S}
    asked = server("web", networks=[{"name": "dual"}], availability_zone="az2:h2")
    killed = HalfwayRun(tmp_path / "killed", {**variables, "compute_servers": [asked]})
    claim = killed.go_on_to_claim(fleet, "h2")
    killed.kill()
    again = fleet.create({**asked, "availability_zone": "az1:h1"}, **variables)
    assert again.code == 0, again.output
    there = servers(fleet)
    assert [(server.host, server.name.rpartition("/")[2]) for server in there] == [("h1", "web")]
    claim.go_on()
    assert servers(fleet) == there
    assert violations(there, 1, 1) == []
