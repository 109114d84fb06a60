# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""ComputeCapabilitiesFilter: extra specs ``capabilities:…`` match the host (Nova: ``compute_capabilities_filter``)."""

from __future__ import annotations

import json
import typing as t

from ansible_collections.kvmfleet.compute.plugins.plugin_utils.scheduler.extra_specs import match
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.scheduler.filters.base import HostFilter
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.scheduler.host_state import HostState
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.scheduler.request import Request


def capability(host: HostState, scope: list[str]) -> t.Any:
    """The host's value at a path: an attribute, else a statistic; text in between is JSON."""
    found: t.Any = host
    for name in scope:
        if isinstance(found, str):
            try:
                found = json.loads(found)
            except ValueError:
                return None
        if isinstance(found, HostState):
            own = getattr(found, name, None)
            found = own if own is not None else found.stats.get(name)
        elif isinstance(found, dict):
            found = found.get(name)
        else:
            return None
        if found is None:
            return None
    return found


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
                # Without a scope only what the host knows counts: the rest is other filters' business.
                if not hasattr(host, key) and key not in host.stats:
                    continue
            elif scope.pop(0) != "capabilities":
                continue
            found = capability(host, scope)
            if found is None:
                return f"{key}: the host has none, asked {wanted}"
            if not match(str(found), wanted):
                return f"{key}: {found}, asked {wanted}"
        return None
