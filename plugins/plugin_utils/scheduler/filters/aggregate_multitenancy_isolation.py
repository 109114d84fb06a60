# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""AggregateMultiTenancyIsolation: aggregates kept for some projects (Nova: ``aggregate_multitenancy_isolation``)."""

from __future__ import annotations

from ansible_collections.kvmfleet.compute.plugins.plugin_utils.scheduler.filters.base import HostFilter
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.scheduler.host_state import HostState
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.scheduler.request import Request


class AggregateMultiTenancyIsolation(HostFilter):
    """A host whose aggregates name projects (filter_tenant_id…) takes those only."""

    run_filter_once_per_request = True

    def reason(self, host: HostState, request: Request) -> str | None:
        projects = {value for key, values in host.metadata().items() if key.startswith("filter_tenant_id") for value in values}
        return None if not projects or request.project_id in projects else f"kept for projects {', '.join(sorted(projects))}"
