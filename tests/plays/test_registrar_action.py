# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The module for the registrar in a play: which host it is asked as, and what the controller notes."""

from __future__ import annotations

import pathlib
import sys
import time
import typing as t

from ansible_collections.kvmfleet.compute.tests.plays import local_play
from ansible_collections.kvmfleet.compute.tests.unit import make

HOSTS = ("h1", "h2")


def asked(folder: pathlib.Path, *tasks: dict[str, t.Any], options: tuple[str, ...] = ()) -> None:
    """A play over two hosts with folders of their own."""
    variables = {host: {"ansible_python_interpreter": sys.executable, "state": str(folder / f"state-{host}")} for host in HOSTS}
    done = local_play.run(folder, list(tasks), {host: {} for host in HOSTS}, variables, *options)
    assert done.returncode == 0, done.stdout + done.stderr


def call(operation: str, state: str = "state", **options: t.Any) -> dict[str, t.Any]:
    return {"kvmfleet.compute.registrar": {"operation": operation, "state_path": f"{{{{ {state} }}}}", **options}, "register": "said"}


def holds(*conditions: str) -> dict[str, t.Any]:
    return {"ansible.builtin.assert": {"that": list(conditions)}}


BEGIN = {"run": "run", "lasts_s": 60}


def test_a_host_is_asked_as_itself_and_a_delegated_task_as_the_host_that_it_goes_to(tmp_path: pathlib.Path) -> None:
    begin = time.monotonic()
    asked(
        tmp_path,
        call("begin", offer=make.offer(make.epoch()), request=BEGIN),
        holds(
            "said.changed",
            "said.refused is none",
            "said.held.epoch.registrar == 'h1'",
            "(said.answer or {}).registrar | default('') == ('h1' if inventory_hostname == 'h1' else '')",
            f"said.answered_at >= {begin}",
        ),
        {**call("begin", "hostvars['h1'].state", request=BEGIN), "delegate_to": "h1"},
        holds("said.answer.registrar == 'h1'", "not said.changed", "said.answer.ticket.ticket in (2, 3)"),
    )


def test_check_mode_takes_nothing(tmp_path: pathlib.Path) -> None:
    tasks = [call("begin", offer=make.offer(make.epoch()), request=BEGIN), holds("said.held.epoch is none", "not said.changed")]
    asked(tmp_path, *tasks, options=("--check",))
    assert not list(tmp_path.glob("state-*"))


def test_a_refusal_is_no_failure_and_what_is_no_request_is_one_with_a_sentence(tmp_path: pathlib.Path) -> None:
    request = {"epoch": {"number": 1, "id": "epoch 1"}, "ticket": 1, "claimed": [], "absent": []}
    asked(
        tmp_path,
        call("settle", request=request),
        holds("said.refused.error_class == 'EpochMissing'", "said.answer is none"),
        {**call("begin", request={"run": "run"}), "ignore_errors": True},
        holds("said.msg == 'request: to begin it needs lasts_s'"),
    )
