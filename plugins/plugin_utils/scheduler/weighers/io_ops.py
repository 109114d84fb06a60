# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""IoOpsWeigher: servers being built (Nova: ``weights/io_ops.py``)."""

from __future__ import annotations

from ansible_collections.kvmfleet.compute.plugins.plugin_utils.scheduler.host_state import HostState
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.scheduler.request import Request
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.scheduler.weighers.base import HostWeigher


class IoOpsWeigher(HostWeigher):
    """Fewer servers being built are better (the multiplier is negative)."""

    option = "io_ops_weight_multiplier"
    minval = 0

    def raw(self, host: HostState, request: Request) -> float:
        return host.num_io_ops
