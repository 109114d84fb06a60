# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""PCIWeigher: PCI devices (Nova: ``weights/pci.py``)."""

from __future__ import annotations

from ansible_collections.kvmfleet.compute.plugins.plugin_utils.scheduler.host_state import HostState
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.scheduler.request import Request
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.scheduler.weighers.base import HostWeigher

MAX_DEVICES = 100


class PCIWeigher(HostWeigher):
    """Fewer free PCI devices are better, so that hosts with many stay free for those who need them."""

    option = "pci_weight_multiplier"

    def raw(self, host: HostState, request: Request) -> float:
        free: int = sum(pool["count"] for pool in host.pci_pools)
        return MAX_DEVICES - min(free, MAX_DEVICES - 1)
