# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Each host gets its own share of the round and of the secrets."""

from __future__ import annotations

import json
import typing as t

import pytest
from ansible.errors import AnsibleActionFail

from ansible_collections.kvmfleet.compute.plugins.action.server import share_of_round, share_of_secrets
from ansible_collections.kvmfleet.compute.plugins.action.server_conduct import ActionModule, read_reports
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.conductor import rounds
from ansible_collections.kvmfleet.compute.tests.unit import make

SECRETS = {"secrets": {"a": {"user_data": "YQ==", "admin_pass": None}, "b": {"user_data": None, "admin_pass": "swordfish"}}, "changed": False}


def conducted() -> dict[str, t.Any]:
    placed = [make.placed(make.instance("a")), make.placed(make.instance("b"), "h2")]
    return {"round": rounds.first(placed, [], run=make.run(), max_attempts=3, group_members={}, cached_images={})}


def test_a_host_gets_its_own_servers_only() -> None:
    servers, run = share_of_round(conducted(), "h2")
    assert [server["instance"]["uuid"] for server in servers] == ["b"]
    assert run == make.run()
    assert share_of_round(conducted(), "h9")[0] == []


def test_a_variable_that_is_no_round_is_named() -> None:
    for registered in (None, {}, {"skipped": True}, "text"):
        with pytest.raises(AnsibleActionFail, match="round_variable"):
            share_of_round(registered, "h1")


def test_secrets_go_by_the_id_of_a_server() -> None:
    servers, _run = share_of_round(conducted(), "h2")
    assert json.loads(share_of_secrets(SECRETS, servers) or "") == {"b": {"user_data": None, "admin_pass": "swordfish"}}
    assert json.loads(share_of_secrets(SECRETS, [{"uuid": "a"}]) or "") == {"a": SECRETS["secrets"]["a"]}


@pytest.mark.parametrize("registered", [None, {"skipped": True}, {"secrets": {}}])
def test_without_secrets_nothing_is_sent(registered: t.Any) -> None:
    assert share_of_secrets(registered, [{"uuid": "a"}]) is None


def test_reports_are_read_of_the_hosts_of_the_stage() -> None:
    hostvars = {"h1": {"out": {"servers": []}}, "h2": {"other": 1}}
    assert read_reports(hostvars, ["h1", "h2"], "out") == [{"h1": {"servers": []}, "h2": {}}]


def test_a_round_of_another_stage_is_settled_by_nobody() -> None:
    state = conducted()["round"]
    args = {"round": state, "stage": "build", "outcomes_variable": "out", "image_variable": None}
    assert ActionModule._next(args, {}) == state
    hostvars = {"h1": {"out": {"servers": [make.outcome("a", "claimed", "claim")]}}, "h2": {"out": {"unreachable": True}}}
    after = ActionModule._next({**args, "stage": "claim"}, hostvars)
    assert {uuid: server["status"] for uuid, server in after["servers"].items()} == {"a": "claimed", "b": "unknown"}
