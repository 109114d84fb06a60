# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Servers that exist already: matched by (project, name), and what has to be done with them; pure."""

from __future__ import annotations

from ansible_collections.kvmfleet.compute.plugins.plugin_utils.shapes import FleetInstance

# A host's text in a sentence.
MOST_SHOWN = 64


def find(records: list[FleetInstance]) -> dict[tuple[str, str], FleetInstance]:
    """The records by (project, name); of a server in migration the one that it still runs by."""
    # Whoever says of itself that it is the target comes first here, so that it never takes the place of the server.
    ordered = sorted(records, key=lambda record: not record.get("migrating"))
    return {(record["project_id"], record["display_name"]): record for record in ordered}


def migrations(records: list[FleetInstance]) -> dict[str, str]:
    """{id: the host that a migration is making it on}."""
    return {record["uuid"]: record["host"] for record in records if record.get("migrating")}


def is_live(record: FleetInstance) -> bool:
    """True if a run is at work on this server; ``live`` is found out when the fleet is read."""
    return record["vm_state"] == "building" and record["live"]


def conflict(record: FleetInstance) -> str:
    """Who is at work on a live server, and for how long its claim holds; what the host says of the run is cut."""
    run, left = record["run"], record["lease_left_s"]
    whose = f"run {run['id'][:MOST_SHOWN]} of controller {run['controller'][:MOST_SHOWN]}" if run else "a run"
    if record["locked"]:
        why = f"a process on host {record['host']} is at work on it"
    else:
        why = f"host {record['host']} keeps the claim for another {left} s" if left is not None else f"host {record['host']} does not say for how long"
    return f"is being built by {whose}: {why}; wait for it, or take it over with compute_take_over: true"


def action_for(record: FleetInstance) -> str:
    """``finish`` what a dead run left, ``start`` what is off or whose start was cut off, else ``none``."""
    if record["vm_state"] == "building":
        return "finish"
    if record["power_state"] == "paused" and record["run"] and not record["locked"]:
        return "start"
    return "none" if record["power_state"] in ("running", "blocked", "paused", "suspended") else "start"
