# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""ComputeFilter: the host's service is up (Nova: ``compute_filter``). A disabled one never gets here."""

from __future__ import annotations

from ansible_collections.kvmfleet.compute.plugins.plugin_utils.scheduler.filters.base import HostFilter
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.scheduler.host_state import HostState
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.scheduler.request import Request


class ComputeFilter(HostFilter):
    """Drops hosts that are forced down or were not heard of for service_down_time."""

    run_filter_once_per_request = True

    def reason(self, host: HostState, request: Request) -> str | None:
        service = host.service
        if service.get("forced_down"):
            return "forced down"
        age = service.get("heartbeat_age") or 0
        most: int = self.config.get("DEFAULT", "service_down_time")
        return f"down: last seen {age:g} s ago, more than {most} s" if age > most else None
