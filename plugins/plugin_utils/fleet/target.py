# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where a request wants to be: the one reader of ``zone:host:node``, and the one that finds it in the fleet; pure.

Follows ``API.parse_availability_zone``, ``ServersController._validate_host_availability_zone``, ``nova/availability_zones.py: get_availability_zones`` and
``API._validate_host_or_node``.
"""

from __future__ import annotations

import typing as t
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from ansible_collections.kvmfleet.compute.plugins.plugin_utils.lines import named
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.schema.fault import Fault
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.shapes import Aggregate, Target

# The zone of hosts that no aggregate puts into one, and the zone of Nova's own services: it restricts nothing.
DEFAULT_ZONE, INTERNAL_ZONE = "nova", "internal"
MOST_SHOWN = 20


class InvalidTarget(ValueError):
    """The text is no target; the message says what one looks like."""


def parse(text: str | None) -> Target:
    """The target of ``zone``, ``zone:host``, ``zone::node`` or ``zone:host:node``, as it is written; InvalidTarget for more colons."""
    if not text or ":" not in text:
        return {"zone": text or None, "host": None, "node": None}
    if text.count(":") > 2:
        raise InvalidTarget("must be zone, zone:host, zone::node or zone:host:node")
    zone, host, node = [*text.split(":"), ""][:3]
    return {"zone": zone or None, "host": host or None, "node": node or None}


def is_forced(target: Target) -> bool:
    """True if a host or a node is named."""
    return bool(target["host"] or target["node"])


@dataclass(frozen=True)
class Places:
    """The hosts, nodes and zones that a target can name."""

    hosts: Mapping[str, str]  # own spelling, by lower-case name
    nodes: Mapping[str, str]  # own spelling, by lower-case name
    node_of: Mapping[str, str]  # the node of each host, both in their own spelling
    zone_of: Mapping[str, str]  # the zone of each host that an aggregate puts into one
    available: frozenset[str]  # zones with an enabled host


def places(hosts: Iterable[Mapping[str, t.Any]], aggregates: Iterable[Aggregate]) -> Places:
    """``hosts``: {name, node, service {disabled}}, of which only the name is needed: a node has its host's name, and a host is enabled."""
    zones: dict[str, list[str]] = {}
    for aggregate in aggregates:
        zone = aggregate["metadata"].get("availability_zone")
        for host in aggregate["hosts"] if zone else []:
            zones.setdefault(host, []).append(str(zone))
    names: dict[str, str] = {}
    node_of: dict[str, str] = {}
    available = {INTERNAL_ZONE}
    for item in hosts:
        name = str(item["name"])
        names.setdefault(name.lower(), name)
        node_of[name] = str(item.get("node") or name)
        if not (item.get("service") or {}).get("disabled"):
            available.update(zones.get(name, [DEFAULT_ZONE]))
    nodes = {node.lower(): node for node in reversed(node_of.values())}
    return Places(names, nodes, node_of, {name: found[0] for name, found in zones.items()}, frozenset(available))


def places_of(fleet: Mapping[str, t.Any]) -> Places:
    """The places of a fleet; a host that can't be read is there and counts as enabled."""
    return places(({**(entry["state"] or {}), "name": name} for name, entry in fleet["hosts"].items()), fleet["aggregates"])


class Resolution(t.NamedTuple):
    """A target as the fleet has it, or why not."""

    target: Target  # hosts and nodes in the fleet's own spelling; what the fleet doesn't know is left as it is written
    faults: list[Fault]  # paths below the field
    warnings: list[str]  # sentences


def _shown(names: Iterable[str]) -> str:
    return named(sorted(names), MOST_SHOWN)


def resolve(text: str | None, known: Places) -> Resolution:
    """The target of a request's ``availability_zone`` in the fleet.

    A zone that the forced host is not in is dropped with a warning, as in Nova, where a forced node without its host is in no zone. A forced host that
    does not exist is no fault here: Nova's scheduler finds no valid host for it.
    """
    try:
        target = parse(text)
    except InvalidTarget as error:
        return Resolution({"zone": None, "host": None, "node": None}, [Fault("", text, str(error), "InvalidInput")], [])
    zone, host, node = target["zone"], target["host"], target["node"]
    if host:
        host = known.hosts.get(host.lower(), host)
    if node:
        node = known.nodes.get(node.lower(), node)
    warnings: list[str] = []
    if zone and (host or node):
        own = known.zone_of.get(host) if host else None
        if zone != (own or DEFAULT_ZONE):
            where = f"host {host} is in zone {own or DEFAULT_ZONE}" if host else f"node {node} is named without its host"
            warnings.append(f"availability zone {zone} is ignored: {where}")
            zone = None
    faults: list[Fault] = []
    # As in Nova: the zone of any text with a place for a host in it, be it empty, is left to the scheduler.
    has_host = ":" in (text or "") and "::" not in (text or "")
    if zone and not has_host and zone not in known.available:
        rule = f"is not available: no enabled host is in this zone; available: {_shown(known.available - {INTERNAL_ZONE}) or 'none'}"
        faults.append(Fault("", zone, rule, "InvalidRequest"))
    return Resolution({"zone": zone, "host": host, "node": node}, faults, warnings)


def unknown(target: Target, known: Places) -> Iterator[Fault]:
    """The host or node that the fleet does not have (ComputeHostNotFound)."""
    host, node = target["host"], target["node"]
    if host and host.lower() not in known.hosts:
        yield Fault("", host, f"unknown host; known: {_shown(known.node_of)}", "ComputeHostNotFound")
    if node and node.lower() not in known.nodes:
        yield Fault("", node, f"unknown node; known: {_shown(known.nodes.values())}", "ComputeHostNotFound")


def destination(host: str | None, node: str | None, known: Places) -> Resolution:
    """The fields ``host`` and ``hypervisor_hostname`` in the fleet; faults carry the field's name as their path."""
    own_host = known.hosts.get(host.lower()) if host else None
    own_node = known.nodes.get(node.lower()) if node else None
    faults: list[Fault] = []
    if host and own_host is None:
        faults.append(Fault("host", host, f"unknown host; known: {_shown(known.node_of)}", "ComputeHostNotFound"))
    if node and own_node is None:
        faults.append(Fault("hypervisor_hostname", node, f"unknown node; known: {_shown(known.nodes.values())}", "ComputeHostNotFound"))
    elif own_host and own_node and known.node_of[own_host] != own_node:
        faults.append(Fault("hypervisor_hostname", node, f"is not the node of host {own_host}, which has {known.node_of[own_host]}", "ComputeHostNotFound"))
    return Resolution({"zone": None, "host": own_host or host, "node": own_node or node}, faults, [])
