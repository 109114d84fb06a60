# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""IoOpsFilter and AggregateIoOpsFilter: not too many servers being built (Nova: ``io_ops_filter``)."""

from __future__ import annotations

import typing as t

from ansible_collections.kvmfleet.compute.plugins.plugin_utils.scheduler.filters.base import HostFilter
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.scheduler.host_state import HostState
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.scheduler.request import Request


class IoOpsFilter(HostFilter):
    """Fewer than max_io_ops_per_host servers are being built on the host."""

    def reason(self, host: HostState, request: Request) -> str | None:
        most = self.most(host)
        return None if host.num_io_ops < most else f"{host.num_io_ops} I/O operations, {most:g} may be"

    def most(self, host: HostState) -> float:
        """How many there may be."""
        return t.cast(float, self.config.filter("max_io_ops_per_host"))


class AggregateIoOpsFilter(IoOpsFilter):
    """The same, with max_io_ops_per_host of the host's aggregates."""

    def most(self, host: HostState) -> float:
        """The least of the aggregates."""
        return host.number_of("max_io_ops_per_host", super().most(host), int)
