# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""BuildFailureWeigher: builds that failed (Nova: ``weights/compute.py``)."""

from __future__ import annotations

from ansible_collections.kvmfleet.compute.plugins.plugin_utils.scheduler.host_state import HostState
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.scheduler.request import Request
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.scheduler.weighers.base import HostWeigher


class BuildFailureWeigher(HostWeigher):
    """Fewer failed builds since the last success are better."""

    option = "build_failure_weight_multiplier"

    def multiplier(self, host: HostState) -> float:
        """Negative, as a failure is a fault."""
        return -1 * super().multiplier(host)

    def raw(self, host: HostState, request: Request) -> float:
        return host.failed_builds
