# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""PciPassthroughFilter: PCI devices (Nova: ``pci_passthrough_filter``)."""

from __future__ import annotations

from ansible_collections.kvmfleet.compute.plugins.module_utils.reason import Reason
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.hardware import pci_pools
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.scheduler.filters.base import HostFilter
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.scheduler.host_state import HostState
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.scheduler.request import Request


class PciPassthroughFilter(HostFilter):
    """The host has the PCI devices that the flavor's aliases ask for; where they are matters to NUMATopologyFilter."""

    def reason(self, host: HostState, request: Request) -> Reason | None:
        why = pci_pools.shortage(host.pci_pools, request.pci_requests)
        return why._replace(by=self.name, text=str(why)) if why else None
