# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From a round in which every server has its place to a plan that is kept; pure."""

from __future__ import annotations

import typing as t

from ansible_collections.kvmfleet.compute.plugins.plugin_utils.plan.capacity import resources_of
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.plan.digest import digest_of
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.plan.requests import Hider
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.shapes import Fleet, Plan, PlannedHost, PlannedServer, Round

VERSION = 1


class Unplanned(ValueError):
    """A server of the round has no place, so that there is no plan; the message names it."""


class Origin(t.NamedTuple):
    """By what, and when, a plan is made."""

    collection_version: str
    created_at: str  # ISO 8601, UTC
    salt: str  # random text


def fleet_id(fleet: Fleet) -> str | None:
    """The id of the epoch that enrolled the fleet, as the first host that holds one says; None if none does."""
    for host in fleet["hosts"].values():
        held = host["state"].get("registrar") if host["state"] else None
        epoch = held.get("epoch") if held else None
        if epoch:
            return epoch["fleet"]
    return None


def plan_of(state: Round, fleet: Fleet, requests: list[t.Any], origin: Origin) -> Plan:
    """The plan; ``state``: the round that follows the scheduler. Unplanned if a server has no place."""
    servers: list[PlannedServer] = []
    for server in state["servers"].values():
        placed = server["placed"]
        if placed is None or server["status"] == "failed":
            lost = placed or server["unplaced"]
            raise Unplanned(f"server {lost['instance']['display_name'] if lost else ''} has no place")
        servers.append(
            {
                "request_index": placed["request_index"],
                "host": placed["host"],
                "node": placed["node"],
                "is_new": placed["action"] == "build",
                "instance": placed["instance"],
            }
        )
    if not servers:
        raise Unplanned("there is no server to plan")
    hosts: dict[str, PlannedHost] = {}
    for planned in servers:
        facts = fleet["hosts"][planned["host"]]["state"]
        if facts:
            hosts[planned["host"]] = {"uuid": facts.get("uuid") or "", "resources": resources_of(facts)}
    hider = Hider(origin.salt)
    plan: Plan = {
        "version": VERSION,
        "collection_version": origin.collection_version,
        "created_at": origin.created_at,
        "fleet": fleet_id(fleet),
        "project": servers[0]["instance"]["project_id"],
        "salt": origin.salt,
        "requests": [hider.hidden(request) for request in requests],
        "hosts": hosts,
        "servers": servers,
        "digest": "",
    }
    plan["digest"] = digest_of(plan)
    return plan
