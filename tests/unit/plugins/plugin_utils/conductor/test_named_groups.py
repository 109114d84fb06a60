# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which security groups a host has to know the members of, and what of it the module on the host is given."""

from __future__ import annotations

import typing as t

import pytest
from ansible.errors import AnsibleActionFail

from ansible_collections.kvmfleet.compute.plugins.action.security_groups import share_of_round
from ansible_collections.kvmfleet.compute.plugins.module_utils.shapes import GroupRules
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.conductor import rounds
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.conductor.named_groups import named_groups
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.shapes import Placed
from ansible_collections.kvmfleet.compute.tests.unit import make


def rules(name: str, *remotes: str | None) -> GroupRules:
    return t.cast(GroupRules, {"id": name, "name": name, "rules": [{"direction": "ingress", "ethertype": "IPv4", "remote_group": key} for key in remotes]})


GROUPS = [rules("web", None), rules("db", "web", "admin", "web"), rules("admin", "admin")]


def server(name: str, *groups: str, host: str = "h1", **changes: t.Any) -> Placed:
    of = make.instance(name, project_id="p", security_groups=[{"id": group, "name": group} for group in groups])
    return make.placed(of, host, **changes)


def test_a_new_server_needs_what_rules_of_its_own_groups_name() -> None:
    assert named_groups([server("a", "web")], GROUPS) == []
    assert named_groups([server("a", "web"), server("b", "db")], GROUPS) == ["p/web", "p/admin"]


def test_of_a_server_that_is_there_the_host_knows_the_groups() -> None:
    assert named_groups([server("a", "web", action="start")], GROUPS) == ["p/web", "p/admin"]


def test_a_host_is_given_what_is_placed_on_it() -> None:
    placed = [server("a", "db"), server("b", "web", host="h2")]
    state = rounds.first(placed, [], run=make.run(), max_attempts=3, group_members={}, cached_images={}, security_groups=GROUPS)
    assert share_of_round({"round": state}, "h1") == {"wanted": ["p/web", "p/admin"], "staying": ["a"]}
    assert share_of_round({"round": state}, "h2") == {"wanted": [], "staying": ["b"]}
    assert share_of_round({"round": state}, "h3") == {}
    with pytest.raises(AnsibleActionFail, match="round_variable"):
        share_of_round({}, "h1")
