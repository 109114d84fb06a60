# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""AggregateInstanceExtraSpecsFilter: extra specs match the metadata of the host's aggregates (Nova: ``aggregate_instance_extra_specs``)."""

from __future__ import annotations

from ansible_collections.kvmfleet.compute.plugins.plugin_utils.scheduler.extra_specs import match
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.scheduler.filters.base import HostFilter
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.scheduler.host_state import HostState
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.scheduler.request import Request

SCOPE = "aggregate_instance_extra_specs"


class AggregateInstanceExtraSpecsFilter(HostFilter):
    """Each unscoped extra spec, and each in the scope aggregate_instance_extra_specs, must match."""

    run_filter_once_per_request = True

    def reason(self, host: HostState, request: Request) -> str | None:
        metadata = host.metadata() if request.extra_specs else {}
        for key, wanted in request.extra_specs.items():
            scope, colon, name = key.partition(":")
            if colon and scope != SCOPE:
                continue
            values = metadata.get(name if colon else key)
            if not values:
                return f"{key}: no aggregate of the host has it, {wanted} requested"
            if not any(match(value, wanted) for value in values):
                return f"{key}: the aggregates have {', '.join(sorted(values))}, {wanted} requested"
        return None
