# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""HypervisorVersionWeigher: newer hypervisors (Nova: ``weights/hypervisor_version.py``)."""

from __future__ import annotations

from ansible_collections.kvmfleet.compute.plugins.plugin_utils.scheduler.host_state import HostState
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.scheduler.request import Request
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.scheduler.weighers.base import HostWeigher


class HypervisorVersionWeigher(HostWeigher):
    """Newer is better."""

    option = "hypervisor_version_weight_multiplier"

    def raw(self, host: HostState, request: Request) -> float:
        return host.hypervisor_version or 0
