# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A user's own filter and weigher, which look at other hosts than the one they are asked about."""

from __future__ import annotations

from ansible_collections.kvmfleet.compute.plugins.plugin_utils.scheduler.filters.base import Filter
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.scheduler.host_state import HostState
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.scheduler.request import Request
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.scheduler.weighers.base import Weigher


class EvenFilter(Filter):
    """A host with an odd position while a group has members anywhere is out."""

    def reason(self, host: HostState, request: Request) -> str | None:
        return "odd" if host.position % 2 and any(self.group_hosts.values()) else None


class CrowdWeigher(Weigher):
    """Hosts weigh by how many servers of the request's group there are anywhere."""

    option = "ram_weight_multiplier"

    def raw(self, host: HostState, request: Request) -> float:
        return len(request.group.members) * (host.position % 3) if request.group else host.num_instances
