# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""IoOpsFilter and AggregateIoOpsFilter: not too many servers being built (Nova: ``io_ops_filter``)."""

from __future__ import annotations

from ansible_collections.kvmfleet.compute.plugins.module_utils.reason import Reason
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.scheduler.filters.base import HostFilter
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.scheduler.host_state import HostState
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.scheduler.request import Request


class IoOpsFilter(HostFilter):
    """Fewer than max_io_ops_per_host servers are being built on the host."""

    def reason(self, host: HostState, request: Request) -> Reason | None:
        most = self.most(host)
        number = host.num_io_ops
        return None if number < most else self.refusal(f"{number} I/O operations on the host, at most {most:g} allowed", most - number, 1)

    def most(self, host: HostState) -> float:
        """How many are allowed."""
        most: float = self.config.filter("max_io_ops_per_host")
        return most


class AggregateIoOpsFilter(IoOpsFilter):
    """The same, with max_io_ops_per_host of the host's aggregates."""

    def most(self, host: HostState) -> float:
        """The least of the aggregates."""
        return host.number_of("max_io_ops_per_host", super().most(host), int)
