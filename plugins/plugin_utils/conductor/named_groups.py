# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which security groups a host has to know the members of, for what a round has placed there; pure."""

from __future__ import annotations

from collections.abc import Iterable

from ansible_collections.kvmfleet.compute.plugins.module_utils.network.filters.names import group_key
from ansible_collections.kvmfleet.compute.plugins.module_utils.shapes import GroupRules
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.shapes import Placed


def named_groups(placed: Iterable[Placed], groups: Iterable[GroupRules]) -> list[str]:
    """What rules of these servers' groups name, by key. Of a server that is there already its host knows the groups: it may have any of the round's."""
    named = {group["id"]: [rule["remote_group"] for rule in group["rules"] if rule["remote_group"] is not None] for group in groups}
    found: dict[str, None] = {}
    for server in placed:
        instance = server["instance"]
        own = [group["id"] for group in instance["security_groups"]] if server["action"] == "build" else named
        found.update((group_key(remote, instance["project_id"]), None) for group in own for remote in named.get(group, ()))
    return list(found)
