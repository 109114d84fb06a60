# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""ServerGroupAntiAffinityFilter: not too many members of the group on the host (Nova: ``affinity_filter``)."""

from __future__ import annotations

from ansible_collections.kvmfleet.compute.plugins.module_utils.reason import Reason
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.scheduler.filters.base import Filter
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.scheduler.host_state import HostState
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.scheduler.request import Request


class ServerGroupAntiAffinityFilter(Filter):
    """At most max_server_per_host members of an anti-affinity group on one host."""

    def is_local(self, request: Request) -> bool:
        # A server that is somewhere already passes there, and each pick is of another server.
        return not request.is_known

    def reason(self, host: HostState, request: Request) -> Reason | None:
        group = request.group
        if group is None or group.policy != "anti-affinity" or request.instance_uuid in host.instances:
            return None
        here = len(group.members & host.instances.keys())
        if here < group.max_per_host:
            return None
        return self.refusal(f"{here} members of group {group.name} on the host, at most {group.max_per_host} allowed", group.max_per_host - here, 1)
