# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""ServerGroupSoftAntiAffinityWeigher: away from the group (Nova: ``weights/affinity.py``)."""

from __future__ import annotations

from ansible_collections.kvmfleet.compute.plugins.plugin_utils.scheduler.host_state import HostState
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.scheduler.request import Request
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.scheduler.weighers.base import HostWeigher


class ServerGroupSoftAntiAffinityWeigher(HostWeigher):
    """Fewer members of a soft-anti-affinity group on the host are better."""

    option = "soft_anti_affinity_weight_multiplier"

    def raw(self, host: HostState, request: Request) -> float:
        group = request.group
        return -len(group.members & host.instances.keys()) if group and group.policy == "soft-anti-affinity" else 0
