# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""DifferentHostFilter: away from certain servers (Nova: ``affinity_filter``)."""

from __future__ import annotations

from ansible_collections.kvmfleet.compute.plugins.plugin_utils.scheduler.filters.base import HostFilter
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.scheduler.host_state import HostState
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.scheduler.request import Request


class DifferentHostFilter(HostFilter):
    """The hint different_host names servers to stay away from."""

    run_filter_once_per_request = True

    def reason(self, host: HostState, request: Request) -> str | None:
        wanted = request.hints.get("different_host")
        here = set([wanted] if isinstance(wanted, str) else wanted or []) & host.instances.keys()
        return f"server {sorted(here)[0]} is on the host" if here else None
