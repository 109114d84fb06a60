# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""NUMATopologyFilter: NUMA cells, dedicated CPUs and page sizes (Nova: ``numa_topology_filter``)."""

from __future__ import annotations

from ansible_collections.kvmfleet.compute.plugins.module_utils.reason import Reason
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.hardware import numa_fit
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.scheduler.filters.base import Filter
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.scheduler.host_state import HostState
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.scheduler.request import Request, Way


class NUMATopologyFilter(Filter):
    """The guest's NUMA cells fit into the host's, with its PCI devices near enough."""

    def is_local(self, request: Request) -> bool:
        # As in Nova the next pick starts from the cells as the last one fitted them.
        return request.numa is None

    def reason(self, host: HostState, request: Request) -> Reason | str | None:
        if request.numa is None:
            return None
        if not host.numa:
            number = len(request.numa.cells)
            return self.refusal(f"the host reports no NUMA cells, {number} requested", 0, number)
        if self._wants_siblings(request) and all(len(core) <= 1 for cell in host.numa for core in cell.siblings):
            return "cores have one thread, policy require needs siblings"
        ratios = (host.cpu_allocation_ratio, host.ram_allocation_ratio)
        guest = request.numa.copy()
        ways = request.open_ways.get(host.host, request.ways)
        passed: list[Way] = []
        why: Reason | None = None
        # Once for each way of claiming the host's CPUs, on the same guest as in Nova: what one fit wrote into it, the next one starts from.
        for way in ways:
            found, refusal = numa_fit.fit(host.numa, guest, ratios, host.pci_pools, request.pci_requests, request.pack_numa)
            if found:
                passed.append(way)
            why = why or refusal
        if why and not passed:
            return why._replace(by=self.name)
        if len(passed) < len(ways):
            request.open_ways[host.host] = passed
        host.numa_ratios = ratios
        return None

    @staticmethod
    def _wants_siblings(request: Request) -> bool:
        of_image = request.image_properties
        policies = (request.extra_specs.get("hw:cpu_policy"), of_image.get("hw_cpu_policy"))
        thread_policies = (request.extra_specs.get("hw:cpu_thread_policy"), of_image.get("hw_cpu_thread_policy"))
        return "dedicated" in policies and "require" in thread_policies
