# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The option ``hosts`` of actions that not every host of the play is asked by."""

from __future__ import annotations

import typing as t

import pytest
from ansible.errors import AnsibleActionFail

from ansible_collections.kvmfleet.compute.plugins.plugin_utils.edge.host_answer import is_for_others


@pytest.mark.parametrize(
    ("given", "is_left_out"), [({}, False), ({"hosts": None}, False), ({"hosts": ["h1", "h2"]}, False), ({"hosts": ["h2"]}, True), ({"hosts": []}, True)]
)
def test_whom_a_task_is_not_for(given: dict[str, t.Any], is_left_out: bool) -> None:
    args = {"operation": "apply", **given}
    assert is_for_others(args, "h1") is is_left_out
    assert args == {"operation": "apply"}, "it is the controller's"


def test_one_name_is_no_list_of_names() -> None:
    with pytest.raises(AnsibleActionFail, match="hosts: must be a list of names of hosts"):
        is_for_others({"hosts": "h10"}, "h1")
