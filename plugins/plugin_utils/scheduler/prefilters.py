# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is decided before any filter: disabled hosts, zone, traits, capacity, networks; pure.

Stands for Placement's allocation candidates with Nova's pre-filters (``nova/scheduler/request_filter.py``).
"""

from __future__ import annotations

from ansible_collections.kvmfleet.compute.plugins.module_utils.network.vif.table import vif_of
from ansible_collections.kvmfleet.compute.plugins.module_utils.reason import Reason
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.scheduler.config import Config
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.scheduler.host_state import HostState
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.scheduler.request import Request, Way
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.shapes import Aggregate


def zones(hosts: list[HostState]) -> set[str]:
    """The availability zones that any aggregate makes."""
    return {value for host in hosts for value in host.metadata_values("availability_zone")}


def _network(host: HostState, request: Request) -> Reason | None:
    networks = host.facts.get("networks")
    if networks is None:
        return None
    for wanted in request.networks:
        vif, binding = vif_of(wanted["binding"]), wanted["binding"]
        missing = vif.missing(binding, networks) or vif.too_small(binding, wanted.get("mtu"), networks)
        if missing is None and wanted.get("limited"):
            missing = vif.unlimited(binding, networks)
        if missing is None and wanted.get("served"):
            missing = networks.get("no_dhcp")
        if missing:
            return Reason(f"network {wanted['name']}", missing)
        why = vif.unfiltered(binding, networks) if wanted.get("port_security_enabled") else None
        if why:
            return Reason(f"network {wanted['name']}", why)
    return None


def _isolated(host: HostState, request: Request, config: Config) -> Reason | None:
    """``isolate_aggregates`` and ``require_tenant_aggregate``, if the options ask for them."""
    if config.get("scheduler", "enable_isolated_aggregate_filtering"):
        for aggregate in host.aggregates:
            kept = {key.removeprefix("trait:") for key, value in aggregate["metadata"].items() if key.startswith("trait:") and value == "required"}
            if kept - request.required_traits:
                return Reason(f"aggregate {aggregate['name']}", f"kept for requests with trait {', '.join(sorted(kept))}")
    if request.tenant_aggregates and not request.tenant_aggregates & {aggregate["name"] for aggregate in host.aggregates}:
        return Reason(f"not in an aggregate of project {request.project_id}")
    return None


def tenant_aggregates(aggregates: list[Aggregate], project: str | None, config: Config) -> set[str]:
    """The aggregates whose metadata names the project, if the options restrict it to them; LookupError if it must have one and has none."""
    if not config.get("scheduler", "limit_tenants_to_placement_aggregate"):
        return set()
    names = {
        aggregate["name"]
        for aggregate in aggregates
        if any(key.startswith("filter_tenant_id") and value == project for key, value in aggregate["metadata"].items())
    }
    if not names and config.get("scheduler", "placement_aggregate_required_for_tenants"):
        raise LookupError(f"no aggregate is kept for project {project}")
    return names


def reason(host: HostState, request: Request, known_zones: set[str], config: Config) -> Reason | None:
    """Why a host is no candidate; None if it qualifies."""
    if host.disabled:
        return Reason("disabled", host.service.get("disabled_reason") or "no reason given")
    # A zone that no aggregate makes restricts nothing, as in Nova.
    if request.zone and request.zone in known_zones and request.zone not in host.metadata_values("availability_zone"):
        own = ", ".join(sorted(host.metadata_values("availability_zone"))) or "no zone"
        return Reason("availability zone", f"the host is in {own}, {request.zone} requested")
    why = _isolated(host, request, config) or _network(host, request)
    if why:
        return why
    refusals = [_refusal(host, way) for way in request.ways]
    if None not in refusals:
        return refusals[0]
    if any(refusals):
        request.open_ways[host.host] = [way for way, refusal in zip(request.ways, refusals, strict=True) if refusal is None]
    return None


def _refusal(host: HostState, way: Way) -> Reason | None:
    missing = way.required_traits - host.traits
    if missing:
        number = len(way.required_traits)
        return Reason("traits", f"the host lacks {', '.join(sorted(missing))}", number - len(missing), number)
    forbidden = way.forbidden_traits & host.traits
    if forbidden:
        return Reason("traits", f"the host has the forbidden {', '.join(sorted(forbidden))}")
    return host.shortage(way.resources)
