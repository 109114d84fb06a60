# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What each host has of each resource, and what the servers of a run take of it; pure."""

from __future__ import annotations

import typing as t

from ansible_collections.kvmfleet.compute.plugins.module_utils.capacity import inventories, requested_resources
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.fleet.census import zones_of
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.fleet.target import DEFAULT_ZONE
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.shapes import Fleet, FleetHost, HostEntry, Placed, Round

RESOURCES = ("VCPU", "MEMORY_MB", "DISK_GB")


class Bar(t.NamedTuple):
    """One resource of a host, or of all of them, in its unit and with the allocation ratio in it: the parts of ``size``."""

    reserved: int
    used: int
    new: int
    free: int

    @property
    def size(self) -> int:
        """All of it; more than the host has to give if more than that is used."""
        return self.reserved + self.used + self.new + self.free


class HostRow(t.NamedTuple):
    """A host of the fleet."""

    name: str
    zone: str
    note: str  # why it takes no servers, if that is known
    servers: list[str]  # names of the run's new servers
    bars: dict[str, Bar]  # by resource class; empty: the host could not be read


def _bar(state: FleetHost, resource: str, new: int) -> Bar:
    inventory = inventories(state).get(resource)
    total, capacity = 0, 0
    if inventory:
        total = int(inventory["total"] * inventory["allocation_ratio"])
        capacity = int((inventory["total"] - inventory["reserved"]) * inventory["allocation_ratio"])
    used = max(0, (state.get("used") or {}).get(resource, 0))
    return Bar(max(0, total - max(0, capacity)), used, new, max(0, capacity - used - new))


def _note(entry: HostEntry) -> str:
    state = entry["state"]
    if state is None:
        return f"{entry['status']}: {entry['error'] or 'no facts'}"
    if state["service"]["disabled"]:
        why = state["service"]["disabled_reason"]
        return f"disabled: {why}" if why else "disabled"
    return ""


def _new(state: Round) -> dict[str, list[Placed]]:
    """The new servers by host. One that failed takes nothing; one of which nothing is known may be there."""
    found: dict[str, list[Placed]] = {}
    for server in state["servers"].values():
        placed = server["placed"]
        if placed and placed["action"] == "build" and server["status"] != "failed":
            found.setdefault(placed["host"], []).append(placed)
    return found


def host_rows(fleet: Fleet, state: Round) -> list[HostRow]:
    """Every host, in the order of the inventory, with what it had when the run began and what the run's new servers take."""
    zones = zones_of(fleet)
    new = _new(state)
    rows = []
    for name, entry in fleet["hosts"].items():
        servers = new.get(name, [])
        taken = [requested_resources(item["instance"]["flavor"], item["instance"]["image"] is None) for item in servers]
        facts = entry["state"]
        bars = {resource: _bar(facts, resource, sum(one.get(resource, 0) for one in taken)) for resource in RESOURCES} if facts else {}
        rows.append(HostRow(name, zones.get(name, DEFAULT_ZONE), _note(entry), [item["instance"]["display_name"] for item in servers], bars))
    return rows


def fleet_bars(rows: list[HostRow]) -> dict[str, Bar]:
    """The sum of all hosts, by resource class."""
    read = [row.bars for row in rows if row.bars]
    return {
        name: Bar(
            sum(bars[name].reserved for bars in read),
            sum(bars[name].used for bars in read),
            sum(bars[name].new for bars in read),
            sum(bars[name].free for bars in read),
        )
        for name in RESOURCES
    }
