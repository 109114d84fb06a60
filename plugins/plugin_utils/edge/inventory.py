# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The hosts and groups of the running inventory, from the variables of a task."""

from __future__ import annotations

import typing as t
from collections.abc import Collection, Mapping

from ansible_collections.kvmfleet.compute.plugins.plugin_utils.edge.play_hosts import HostVariables


def names_of(variables: Mapping[str, t.Any]) -> tuple[frozenset[str], frozenset[str]]:
    """(hosts, groups)."""
    groups: Mapping[str, Collection[str]] = variables.get("groups") or {}
    login_group = variables.get("compute_login_group")
    return frozenset(map(str, groups.get("all") or ())), frozenset(map(str, [*groups, *([login_group] if login_group else [])]))


def set_elsewhere(variables: Mapping[str, t.Any], names: Collection[str]) -> dict[str, str]:
    """Where those variables are set that the task does not see, in words: a group, and a host of it."""
    groups: Mapping[str, Collection[str]] = variables.get("groups") or {}
    missing = {name for name in names if variables.get(name) is None}
    found: dict[str, str] = {}
    seen: set[str] = set()
    # The variables of a group are those of each of its hosts, and a look at a host takes time.
    for group, host in ((str(group), str(next(iter(hosts)))) for group, hosts in groups.items() if hosts and group != "all"):
        if host not in seen and len(found) < len(missing):
            seen.add(host)
            for name in HostVariables(variables["hostvars"], host, missing - set(found)).raw:
                found[name] = f"host {host} of the group {group}" if group != "ungrouped" else f"host {host}"
    return found


def server_id(variables: Mapping[str, t.Any], host: str) -> object:
    """The ``kvmfleet_id`` of a host; None if it has none."""
    return HostVariables(variables["hostvars"], host, ("kvmfleet_id",)).get("kvmfleet_id")
