# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""With --diff a run shows what it changes of a server that is there, and without it no result has differences."""

from __future__ import annotations

import pathlib
import typing as t

import pytest

from ansible_collections.kvmfleet.compute.plugins.module_utils.remedies import RERUN
from ansible_collections.kvmfleet.compute.plugins.module_utils.shapes import Drift
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.conductor import rounds
from ansible_collections.kvmfleet.compute.tests.plays import local_play
from ansible_collections.kvmfleet.compute.tests.unit import make

POWER: Drift = {"path": "power_state", "wanted": "running", "actual": "shutdown", "remedy": RERUN}
XML = {"before_header": "no domain", "after_header": "b", "before": "", "after": "<domain>\n  <name>b</name>\n</domain>\n"}


@pytest.mark.parametrize("arguments", [(), ("--diff",)])
@pytest.mark.parametrize("said", [[XML], "no list", None])
def test_what_is_changed_is_shown_if_it_is_asked_for(tmp_path: pathlib.Path, arguments: tuple[str, ...], said: object) -> None:
    state = rounds.first(
        [make.placed(make.instance("a"), action="start", drift=[POWER])], [], run=make.run(), max_attempts=1, group_members={}, cached_images={}
    )
    tasks: list[dict[str, t.Any]] = [
        {"kvmfleet.compute.server": {"state": "active", "round_variable": "conducted"}, "register": "done"},
        {"ansible.builtin.assert": {"that": f"(done.diff is defined) == {bool(arguments)}"}},
    ]
    answer = {"changed": True, "servers": [make.outcome("a", "started", "build")], **({"diff": said} if said else {})}
    done = local_play.run(tmp_path, tasks, {"h1": answer}, {"h1": {"conducted": {"round": state}}}, *arguments)
    assert done.returncode == 0, done.stdout + done.stderr
    assert ('-power_state: "shutdown"\n+power_state: "running"\n' in done.stdout) == bool(arguments)
    assert ("+  <name>b</name>\n" in done.stdout) == (bool(arguments) and isinstance(said, list))
