# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who is where in the fleet: the zone of each host, and every server; pure."""

from __future__ import annotations

import typing as t

from ansible_collections.kvmfleet.compute.plugins.plugin_utils.shapes import Fleet, FleetHost, FleetInstance


def zones_of(fleet: Fleet) -> dict[str, str]:
    """The availability zone of each host that is in one."""
    zones: dict[str, str] = {}
    for aggregate in fleet["aggregates"]:
        if "availability_zone" in aggregate["metadata"]:
            for host in aggregate["hosts"]:
                zones.setdefault(host, str(aggregate["metadata"]["availability_zone"]))
    return zones


def records_of(host: FleetHost) -> list[FleetInstance]:
    """The instance records of one host."""
    # A shape can't narrow a field of the one that it extends: what the host reported has host and live here.
    instances: list[t.Any] = host["instances"]
    return instances


def records(fleet: Fleet) -> list[FleetInstance]:
    """Every instance record of the fleet."""
    return [record for host in fleet["hosts"].values() if host["state"] for record in records_of(host["state"])]
