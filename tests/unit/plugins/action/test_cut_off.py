# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A host whose task was cut off by its time-out is asked nothing more: nothing would end that wait."""

from __future__ import annotations

import contextlib
import typing as t

import pytest
from ansible.plugins.action import ActionBase

from ansible_collections.kvmfleet.compute.plugins.plugin_utils.edge.host_answer import HostAction, ModuleAction


class TimeIsOver(BaseException):
    """As Ansible raises it in the middle of whatever an action does."""


def removed(monkeypatch: pytest.MonkeyPatch, name: str, error: BaseException | None) -> list[str | None]:
    """The folders that an action removes on the host after asking it in this way."""
    found: list[str | None] = []

    def ask(_self: object, *_args: object, **_options: object) -> dict[str, object]:
        if error:
            raise error
        return {}

    monkeypatch.setattr(ActionBase, name, ask)
    monkeypatch.setattr(ActionBase, "_remove_tmp_path", lambda _self, path, _force=False: found.append(path))
    monkeypatch.setattr(ModuleAction, "__abstractmethods__", frozenset())
    empty: t.Any = None
    action = ModuleAction(empty, empty, empty, empty, empty, empty)
    with contextlib.suppress(TimeIsOver, OSError):
        getattr(action, name)("one", "two")
    action._remove_tmp_path("/tmp/ansible")
    return found


@pytest.mark.parametrize("name", ["_low_level_execute_command", "_transfer_file"])
def test_who_was_cut_off_is_not_asked_to_remove_a_folder(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    assert removed(monkeypatch, name, TimeIsOver()) == []


@pytest.mark.parametrize("name", ["_low_level_execute_command", "_transfer_file"])
@pytest.mark.parametrize("error", [None, OSError("no")])
def test_who_has_answered_is(monkeypatch: pytest.MonkeyPatch, name: str, error: BaseException | None) -> None:
    assert removed(monkeypatch, name, error) == ["/tmp/ansible"]


def test_all_ways_to_a_host_are_watched() -> None:
    assert {"_low_level_execute_command", "_transfer_file", "_remove_tmp_path"} <= set(vars(HostAction))
