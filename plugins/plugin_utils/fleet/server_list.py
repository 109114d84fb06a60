# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The servers of a fleet as lines of text, by project; pure."""

from __future__ import annotations

import typing as t
from collections.abc import Iterable

from ansible_collections.kvmfleet.compute.plugins.plugin_utils.columns import aligned, cut
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.fleet.census import records_of
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.fleet.left_out import left_out
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.fleet.nova_view import addresses_of, by_preference, status_of
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.printable import printable
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.shapes import Fleet, FleetInstance

# With what Ansible puts before a line of a message it has 80 columns.
WIDTH = 72
INDENT = "  "
HEAD = ("SERVER", "STATE", "HOST", "ADDRESS")
# The columns that are cut if there is no room, the first one first; an address that is cut is none.
ELASTIC = (0, 2)


class ServerList(t.TypedDict):
    """The servers, and the hosts that may have more."""

    lines: list[str]  # with one for hosts of the fleet that are not among these
    unread: list[str]  # a sentence for each host that could not be read


def _row(record: FleetInstance) -> tuple[str, ...]:
    addresses = by_preference(addresses_of(record["ports"]))
    more = f" +{len(addresses) - 1}" if len(addresses) > 1 else ""
    state = "BUILD" if record["vm_state"] == "building" else status_of(record["power_state"])
    return tuple(map(printable, (record["display_name"], state, record["host"], f"{addresses[0]}{more}" if addresses else "-")))


def _section(project: str, records: Iterable[FleetInstance]) -> list[str]:
    rows = sorted(map(_row, records))
    table = [INDENT + line for line in aligned([HEAD, *rows], WIDTH - len(INDENT), ELASTIC)]
    return [cut(f"project {printable(project)}: {len(rows)} {'server' if len(rows) == 1 else 'servers'}", WIDTH), *table]


def server_list(fleet: Fleet) -> ServerList:
    """A table for each project, and a sentence if there is no server at all."""
    read = [entry["state"] for entry in fleet["hosts"].values() if entry["state"]]
    by_project: dict[str, list[FleetInstance]] = {}
    for host in read:
        for record in records_of(host):
            if not record.get("migrating"):
                by_project.setdefault(record["project_id"], []).append(record)
    lines = [line for project in sorted(by_project) for line in _section(project, by_project[project])]
    missing = left_out(fleet)
    return {
        "lines": (lines or [f"There is no server on the {len(read)} hosts that were read."]) + ([f"note: {printable(missing)}"] if missing else []),
        "unread": [f"{name}: {printable(entry['error'] or entry['status'])}" for name, entry in fleet["hosts"].items() if not entry["state"]],
    }
