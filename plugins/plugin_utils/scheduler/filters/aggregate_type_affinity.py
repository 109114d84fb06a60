# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""AggregateTypeAffinityFilter: aggregates kept for some flavors (Nova: ``type_filter``)."""

from __future__ import annotations

from ansible_collections.kvmfleet.compute.plugins.plugin_utils.scheduler.filters.base import HostFilter
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.scheduler.host_state import HostState
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.scheduler.request import Request


class AggregateTypeAffinityFilter(HostFilter):
    """The metadata instance_type lists the flavors that the host takes."""

    run_filter_once_per_request = True

    def reason(self, host: HostState, request: Request) -> str | None:
        names = {part.strip() for value in host.metadata_values("instance_type") for part in value.split(",")}
        return None if not names or request.flavor.get("name") in names else f"kept for flavors {', '.join(sorted(names))}"
