# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""SameHostFilter: together with certain servers (Nova: ``affinity_filter``)."""

from __future__ import annotations

from ansible_collections.kvmfleet.compute.plugins.plugin_utils.scheduler.filters.base import HostFilter
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.scheduler.host_state import HostState
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.scheduler.request import Request


class SameHostFilter(HostFilter):
    """The hint same_host names servers to be with."""

    run_filter_once_per_request = True

    def reason(self, host: HostState, request: Request) -> str | None:
        wanted = request.hints.get("same_host")
        if not wanted or set([wanted] if isinstance(wanted, str) else wanted) & host.instances.keys():
            return None
        return "no server of same_host is on the host"
