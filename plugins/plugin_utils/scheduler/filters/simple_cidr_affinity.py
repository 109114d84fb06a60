# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""SimpleCIDRAffinityFilter: near an address (Nova: ``affinity_filter``)."""

from __future__ import annotations

import ipaddress

from ansible_collections.kvmfleet.compute.plugins.plugin_utils.scheduler.filters.base import HostFilter
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.scheduler.host_state import HostState
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.scheduler.request import Request


class SimpleCIDRAffinityFilter(HostFilter):
    """The host's address lies in build_near_host_ip / cidr."""

    run_filter_once_per_request = True

    def reason(self, host: HostState, request: Request) -> str | None:
        near = request.hints.get("build_near_host_ip")
        if not near:
            return None
        network = ipaddress.ip_network(f"{near}{request.hints.get('cidr', '/24')}", strict=False)
        if host.host_ip is None:
            return f"the address of the host is unknown, one in {network} is requested"
        return None if ipaddress.ip_address(host.host_ip) in network else f"{host.host_ip} is not in {network}"
