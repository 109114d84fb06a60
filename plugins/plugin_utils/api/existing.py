# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Servers that exist already: matched by (project, name), what has to be done with them, and how they differ from the request; pure."""

from __future__ import annotations

from collections.abc import Iterator

from ansible_collections.kvmfleet.compute.plugins.module_utils.shapes import Drift, Image, Instance, Port, ServerGroup
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.shapes import FleetInstance, RequestedNetwork

# (the request's field, what is asked for, what is there)
Compared = tuple[str, object, object]


def find(records: list[FleetInstance]) -> dict[tuple[str, str], FleetInstance]:
    """The records by (project, name); of a server in migration the one that it still runs by."""
    # Whoever says of itself that it is the target comes first here, so that it never takes the place of the server.
    ordered = sorted(records, key=lambda record: not record.get("migrating"))
    return {(record["project_id"], record["display_name"]): record for record in ordered}


def is_live(record: FleetInstance) -> bool:
    """True if a run is at work on this server; ``live`` is found out when the fleet is read."""
    return record["vm_state"] == "building" and record["live"]


def action_for(record: FleetInstance) -> str:
    """``finish`` what a dead run left, ``start`` what is off, else ``none``."""
    if record["vm_state"] == "building":
        return "finish"
    return "none" if record["power_state"] in ("running", "blocked", "paused", "suspended") else "start"


def _image_of(image: Image | None) -> str | None:
    return (image["checksum"] or image["id"]) if image else None


def _name_of(thing: Image | ServerGroup | None) -> str | None:
    return thing["name"] if thing else None


def drift(instance: Instance, zone: str | None, networks: list[RequestedNetwork], record: FleetInstance) -> list[Drift]:
    """Where a request asks for something else than the server is; ``zone`` and ``networks`` are those that it asks for."""
    compared = (*_compared(instance, zone, record), *_compared_networks(networks, record["ports"]))
    return [{"path": path, "wanted": wanted, "actual": actual} for path, wanted, actual in compared if wanted != actual]


def _compared(instance: Instance, zone: str | None, record: Instance) -> Iterator[Compared]:
    """What a request can say and a record keeps."""
    yield "description", instance["display_description"], record["display_description"]
    yield "hostname", instance["hostname"], record["hostname"]
    yield "key_name", instance["key_name"], record["key_name"]
    yield "metadata", instance["metadata"], record["metadata"]
    yield "config_drive", instance["config_drive"], record["config_drive"]
    yield "accessIPv4", instance["access_ip_v4"], record["access_ip_v4"]
    yield "accessIPv6", instance["access_ip_v6"], record["access_ip_v6"]
    wanted, actual = instance["flavor"], record["flavor"]
    yield "flavorRef", wanted["name"], actual["name"]
    if wanted["name"] == actual["name"]:
        yield "flavorRef.vcpus", wanted["vcpus"], actual["vcpus"]
        yield "flavorRef.memory_mb", wanted["memory_mb"], actual["memory_mb"]
        yield "flavorRef.root_gb", wanted["root_gb"], actual["root_gb"]
        yield "flavorRef.ephemeral_gb", wanted["ephemeral_gb"], actual["ephemeral_gb"]
        yield "flavorRef.swap", wanted["swap"], actual["swap"]
        yield "flavorRef.extra_specs", wanted["extra_specs"], actual["extra_specs"]
    if _image_of(instance["image"]) != _image_of(record["image"]):
        yield "imageRef", _name_of(instance["image"]), _name_of(record["image"])
    yield "tags", sorted(set(instance["tags"])), sorted(set(record["tags"]))
    yield "group", _name_of(instance["group"]), _name_of(record["group"])
    yield "security_groups", sorted(g["name"] for g in instance["security_groups"]), sorted(g["name"] for g in record["security_groups"])
    if zone:
        yield "availability_zone", zone, record["availability_zone"]


def _compared_networks(wanted: list[RequestedNetwork], ports: list[Port]) -> Iterator[Compared]:
    yield "networks", [item["network"]["name"] for item in wanted], [port["network_name"] for port in ports]
    for index, (item, port) in enumerate(zip(wanted, ports, strict=False)):
        actual = [ip["ip_address"] for ip in port["fixed_ips"]]
        if item["fixed_ip"] and item["fixed_ip"] not in actual:
            yield f"networks[{index}].fixed_ip", item["fixed_ip"], ", ".join(actual)
