# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The role's round of claims, with a registrar on one host and without: the real module there, and another host that says that it has claimed."""

from __future__ import annotations

import json
import pathlib
import re
import sys
import typing as t

import pytest

from ansible_collections.kvmfleet.compute.tests.plays import local_play
from ansible_collections.kvmfleet.compute.tests.unit import make
from ansible_collections.kvmfleet.compute.tests.unit.plugins.plugin_utils.allocation.run import Registrar, Run, fleet

CLAIMS = {"ansible.builtin.include_role": {"name": "kvmfleet.compute.create_server", "tasks_from": "compute_claim.yml"}}
MODULE = "kvmfleet.compute.registrar"


def variables(folder: pathlib.Path, **changes: t.Any) -> dict[str, t.Any]:
    """What the role's stages have registered before: one server, a, that is placed on h2; ``changes``: of what the api stage returned."""
    registrar = Registrar("h1", "h2")
    facts = fleet(make.host("h1"), make.host("h2", memory_mb=9000))
    run = Run(registrar, facts, [(make.instance("a"), [make.requested_network()])], agreement=registrar.begin())
    (folder / "fleet.json").write_text(json.dumps(facts))
    api = {
        "agreement": run.agreement,
        "instances": run.requests,
        "request_specs": run.specs,
        "groups": [],
        "kept_ports": [],
        "joined_fleet": str(folder / "fleet.json"),
        **changes,
    }
    return {"__create_server_api": api, "__create_server_conducted": {"round": run.round}, "__create_server_secrets": {"skipped": True}}


def grants(folder: pathlib.Path) -> list[str]:
    """The grants that h2 was shown, as they stand in the module's arguments."""
    return [grant for text in local_play.given(folder, "h2") for grant in re.findall(r'\\*"grant\\*": \{.*?\}\}', text)]


@pytest.mark.parametrize("outcome", ["claimed", "refused"])
def test_a_claim_is_reserved_shown_and_settled(tmp_path: pathlib.Path, outcome: str) -> None:
    error = None if outcome == "claimed" else {"error_class": "X", "message": "no", "reschedule": False}
    both = variables(tmp_path)
    # Each host has a state folder of its own.
    own = {host: {**both, "compute_state_path": str(tmp_path / f"state of {host}")} for host in ("h1", "h2")}
    own["h1"]["ansible_python_interpreter"] = sys.executable
    begin = {"operation": "begin", "request": {"run": "r", "lasts_s": 600}, "offer": {"epoch": Registrar("h1", "h2").epoch, "expected": None}}
    state_path = str(tmp_path / "state of h1")
    tasks = [
        {MODULE: {**begin, "state_path": state_path}, "delegate_to": "h1", "run_once": True},
        CLAIMS,
        {MODULE: {"operation": "reservations", "state_path": state_path}, "delegate_to": "h1", "run_once": True, "register": "ledger"},
        {
            "ansible.builtin.assert": {
                "that": [
                    "__create_server_conducted.round.stage == 'build'" if outcome == "claimed" else "__create_server_conducted.round.stage == 'done'",
                    "__create_server_conducted.round.reserved.open == []",
                    # Its own ticket is open yet: what was claimed counts for it, and of what was refused there was nothing.
                    f"ledger.answer.reservations | map(attribute='server') | list == {['a'] if outcome == 'claimed' else []}",
                    "ledger.answer.reservations | rejectattr('released_at') | list == []",
                ]
            }
        },
    ]
    answers = {"h1": {}, "h2": {"servers": [make.outcome("a", outcome, "claim", error=error)], "changed": True}}
    done = local_play.run(tmp_path, tasks, answers, own)
    assert done.returncode == 0, done.stdout + done.stderr
    assert local_play.modules(tmp_path, "h2") == ["AnsiballZ_server.py"]
    assert len(grants(tmp_path)) == 1
    assert not (tmp_path / "state of h2").exists()


@pytest.mark.parametrize("changes", [{"agreement": None}, {}])
def test_without_a_registrar_nothing_is_reserved_and_nothing_is_shown(tmp_path: pathlib.Path, changes: dict[str, t.Any]) -> None:
    both = variables(tmp_path, **changes)
    if not changes:
        del both["__create_server_api"]["agreement"]
    checks = ["__create_server_conducted.round.stage == 'build'", "__create_server_reserved.round is not defined"]
    answers = {"h1": {}, "h2": {"servers": [make.outcome("a", "claimed", "claim")], "changed": True}}
    done = local_play.run(tmp_path, [CLAIMS, {"ansible.builtin.assert": {"that": checks}}], answers, {"h1": both, "h2": both})
    assert done.returncode == 0, done.stdout + done.stderr
    assert (local_play.modules(tmp_path, "h1"), local_play.modules(tmp_path, "h2"), grants(tmp_path)) == ([], ["AnsiballZ_server.py"], [])


def test_without_the_registrar_nothing_is_claimed_and_every_server_has_its_sentence(tmp_path: pathlib.Path) -> None:
    both = variables(tmp_path)
    ssh = tmp_path / "ssh"
    ssh.write_text("#!/bin/sh\necho 'No route to host' >&2\nexit 255\n")
    ssh.chmod(0o755)
    cut_off = {"ansible_connection": "ssh", "ansible_ssh_executable": str(ssh), "ansible_host": "192.0.2.1"}
    checks = ["__create_server_conducted.round.stage == 'done'", "'RegistrarUnreachable' in __create_server_conducted.lost[0]"]
    tasks = [CLAIMS, {"ansible.builtin.assert": {"that": [*checks, "ansible_play_hosts == ['h1', 'h2']"]}}]
    done = local_play.run(tmp_path, tasks, {"h1": {}, "h2": {}}, {"h1": {**both, **cut_off}, "h2": both})
    assert done.returncode == 0, done.stdout + done.stderr
    assert local_play.modules(tmp_path, "h2") == []
