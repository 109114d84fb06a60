# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""ServerGroupAffinityFilter: with the other members of the group (Nova: ``affinity_filter``)."""

from __future__ import annotations

from ansible_collections.kvmfleet.compute.plugins.plugin_utils.scheduler.filters.base import Filter
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.scheduler.host_state import HostState
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.scheduler.request import Request


class ServerGroupAffinityFilter(Filter):
    """On a host that has members of an affinity group, once any has."""

    def is_local(self, request: Request) -> bool:
        # The first member's host shuts out all others.
        return request.group is None or request.group.policy != "affinity"

    def reason(self, host: HostState, request: Request) -> str | None:
        group = request.group
        if group is None or group.policy != "affinity":
            return None
        hosts = self.group_hosts.get(group.uuid, set())
        return None if not hosts or host.host in hosts else f"the members of group {group.name} are on {', '.join(sorted(hosts))}"
