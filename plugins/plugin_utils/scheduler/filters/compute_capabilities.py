# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""ComputeCapabilitiesFilter: extra specs ``capabilities:…`` match the host (Nova: ``compute_capabilities_filter``)."""

from __future__ import annotations

import json
from collections.abc import Mapping

from ansible_collections.kvmfleet.compute.plugins.plugin_utils.scheduler.extra_specs import match
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.scheduler.filters.base import HostFilter
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.scheduler.host_state import HostState
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.scheduler.request import Request


def capability(host: HostState, scope: list[str]) -> object:
    """The host's value at a path: an attribute, else a statistic; text in between is JSON. None if there is no such value."""
    if not scope:
        return host
    first, *rest = scope
    own: object = getattr(host, first, None)
    value = own if own is not None else host.stats.get(first)
    for name in rest:
        if isinstance(value, str):
            try:
                value = json.loads(value)
            except ValueError:
                return None
        if not isinstance(value, Mapping):
            return None
        value = value.get(name)
    return value


class ComputeCapabilitiesFilter(HostFilter):
    """Compares extra specs with attributes, CPU information and statistics of the host."""

    run_filter_once_per_request = True

    def reason(self, host: HostState, request: Request) -> str | None:
        specs = dict(request.extra_specs)
        bits = specs.pop("hw:maxphysaddr_bits", None)
        if bits is not None:
            specs["capabilities:cpu_info:maxphysaddr:bits"] = f">= {bits}"
        for key, wanted in specs.items():
            scope = key.split(":")
            if len(scope) == 1:
                # Without a scope only what the host knows counts; other filters see to the rest.
                if not hasattr(host, key) and key not in host.stats:
                    continue
            elif scope.pop(0) != "capabilities":
                continue
            found = capability(host, scope)
            if found is None:
                return f"{key}: the host has none, {wanted} requested"
            if not match(str(found), wanted):
                return f"{key}: the host has {found}, {wanted} requested"
        return None
