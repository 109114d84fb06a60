# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The controller asks the registrar's host: plays over a local host with the real module, or with one that answers as it likes, or not at all."""

from __future__ import annotations

import json
import pathlib
import subprocess
import sys
import typing as t

import pytest
from ansible.plugins.action import ActionBase

from ansible_collections.kvmfleet.compute.plugins.action.server_reserve import ActionModule
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.allocation.reservation import Refusal
from ansible_collections.kvmfleet.compute.tests.plays import local_play
from ansible_collections.kvmfleet.compute.tests.unit import make
from ansible_collections.kvmfleet.compute.tests.unit.plugins.plugin_utils.allocation.run import Registrar, Run, fleet

BEGIN = {"run": "r", "lasts_s": 600}
REAL = {"ansible_python_interpreter": sys.executable}


def play(
    folder: pathlib.Path, checks: list[str], answer: object, variables: dict[str, t.Any], before: t.Sequence[dict[str, t.Any]] = (), *arguments: str
) -> subprocess.CompletedProcess[str]:
    """A run that asks for one server on h1, with what it is to come to; ``before``: tasks that come first."""
    registrar = Registrar("h1")
    run = Run(registrar, fleet(make.host("h1")), [(make.instance("a"), [make.requested_network()])], agreement=registrar.begin(), max_attempts=1)
    (folder / "fleet.json").write_text(json.dumps(run.facts))
    given = {"round": run.round, "agreement": run.agreement, "instances": run.requests, "request_specs": run.specs, "joined_fleet": str(folder / "fleet.json")}
    ask = {name: f"{{{{ of_run.{name} }}}}" for name in given}
    reserve = {"kvmfleet.compute.server_reserve": {**ask, "state_path": str(folder / "state")}, "delegate_to": "h1", "run_once": True, "register": "reserved"}
    tasks = [*before, reserve, {"ansible.builtin.debug": {"var": "reserved"}}, {"ansible.builtin.assert": {"that": checks}}]
    return local_play.run(folder, tasks, {"h1": answer}, {"h1": {"of_run": given, **variables}}, *arguments)


def test_the_registrar_s_host_grants_and_is_told(tmp_path: pathlib.Path) -> None:
    epoch = Registrar("h1").epoch
    module: dict[str, t.Any] = {"state_path": str(tmp_path / "state"), "operation": "begin", "request": BEGIN}
    begin = {"kvmfleet.compute.registrar": {**module, "offer": {"epoch": epoch, "expected": None}}, "register": "begun"}
    done = play(
        tmp_path,
        [
            "begun.answer.ticket.ticket == 1",
            "reserved.round.stage == 'claim'",
            "reserved.round.reserved.open == ['a']",
            "reserved.round.grants.h1.ticket == 1",
            "reserved.round.servers.a.placed.instance.ports[0].fixed_ips[0].ip_address == '192.0.2.1'",
            "not reserved.changed",
        ],
        {},
        REAL,
        [begin],
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_registrar_that_refuses_fails_the_servers_and_not_the_play(tmp_path: pathlib.Path) -> None:
    # The host holds no epoch.
    done = play(tmp_path, ["reserved.round.stage == 'done'", "reserved.round.servers.a.status == 'failed'", "reserved.round.grants == {}"], {}, REAL)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(
    "answer",
    [
        {"refused": None, "answer": None},
        {"refused": None, "answer": {"granted": "all"}},
        {"answer": {}},
        {"failed": True, "msg": "no such thing"},
        {"refused": {"error_class": "RegistrarUnreachable"}, "ansible_facts": {"compute_project": "mine"}},
    ],
)
def test_an_answer_that_is_none_fails_the_servers(tmp_path: pathlib.Path, answer: t.Any) -> None:
    error = "reserved.round.servers.a.error"
    done = play(tmp_path, ["reserved.round.stage == 'done'", f"{error}.error_class == 'RegistrarUnreachable'", "compute_project is not defined"], answer, {})
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_host_that_can_t_be_reached_stays_in_the_play_and_the_servers_have_failed(tmp_path: pathlib.Path) -> None:
    ssh = tmp_path / "ssh"
    ssh.write_text("#!/bin/sh\necho 'No route to host' >&2\nexit 255\n")
    ssh.chmod(0o755)
    cut_off = {"ansible_connection": "ssh", "ansible_ssh_executable": str(ssh), "ansible_host": "192.0.2.1"}
    error = "reserved.round.servers.a.error"
    done = play(tmp_path, [f"{error}.error_class == 'RegistrarUnreachable'", f"'registrar_operation=move' in {error}.message"], {}, cut_off)
    assert done.returncode == 0, done.stdout + done.stderr


def test_nothing_is_asked_in_check_mode(tmp_path: pathlib.Path) -> None:
    done = play(tmp_path, ["reserved.round == of_run.round"], {}, {}, (), "--check")
    assert done.returncode == 0, done.stdout + done.stderr
    assert local_play.modules(tmp_path, "h1") == []


class TimeIsOver(BaseException):
    """As Ansible raises it in the middle of whatever an action does."""


@pytest.mark.parametrize(("error", "raised"), [(TimeIsOver("Timed out after 300 second(s)."), Refusal), (KeyboardInterrupt(), KeyboardInterrupt)])
def test_a_registrar_that_hangs_is_not_waited_for(monkeypatch: pytest.MonkeyPatch, error: BaseException, raised: type[BaseException]) -> None:
    def hang(_self: object, **_options: object) -> dict[str, object]:
        raise error

    monkeypatch.setattr(ActionBase, "_execute_module", hang)
    monkeypatch.setattr(ActionModule, "__abstractmethods__", frozenset())
    empty: t.Any = None
    request: t.Any = {}
    args: t.Any = {"agreement": {"epoch": Registrar("h1").epoch}, "dsn": None, "state_path": None}
    with pytest.raises(raised):
        ActionModule(empty, empty, empty, empty, empty, empty)._ask("reserve", request, args, {})
