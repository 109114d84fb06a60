# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Servers that are there already: matched by (project, name), what has to be done with them, and where they differ from the request; pure."""

from __future__ import annotations

import typing as t

Record = dict[str, t.Any]

# What a request can say and a record keeps; (path, field of instance and record).
COMPARED = (
    ("description", "display_description"),
    ("hostname", "hostname"),
    ("key_name", "key_name"),
    ("metadata", "metadata"),
    ("config_drive", "config_drive"),
    ("accessIPv4", "access_ip_v4"),
    ("accessIPv6", "access_ip_v6"),
)


def find(records: list[Record]) -> dict[tuple[str, str], Record]:
    """The records by (project, name)."""
    return {(record["project_id"], record["display_name"]): record for record in records}


def is_live(record: Record) -> bool:
    """Is a run at work on this server? (``live`` is found out where the fleet is read.)"""
    return record["vm_state"] == "building" and bool(record.get("live"))


def action_for(record: Record) -> str:
    """``finish`` what a dead run left, ``start`` what is off, else ``none``."""
    if record["vm_state"] == "building":
        return "finish"
    return "none" if record["power_state"] in ("running", "blocked", "paused", "suspended") else "start"


def _image_of(image: Record | None) -> t.Any:
    return (image or {}).get("checksum") or (image or {}).get("id")


def drift(instance: Record, zone: str | None, networks: list[Record], record: Record) -> list[dict[str, t.Any]]:
    """[{path, wanted, actual}] where a request asks for something else than the server is; ``zone`` and ``networks`` are those that it asks for."""
    found: list[dict[str, t.Any]] = []

    def compare(path: str, wanted: t.Any, actual: t.Any) -> None:
        if wanted != actual:
            found.append({"path": path, "wanted": wanted, "actual": actual})

    for path, field in COMPARED:
        compare(path, instance[field], record.get(field))
    flavor = record.get("flavor") or {}
    if instance["flavor"]["name"] != flavor.get("name"):
        compare("flavorRef", instance["flavor"]["name"], flavor.get("name"))
    else:
        for key in ("vcpus", "memory_mb", "root_gb", "ephemeral_gb", "swap", "extra_specs"):
            compare(f"flavorRef.{key}", instance["flavor"][key], flavor.get(key))
    if _image_of(instance["image"]) != _image_of(record.get("image")):
        compare("imageRef", (instance["image"] or {}).get("name"), (record.get("image") or {}).get("name"))
    compare("tags", sorted(set(instance["tags"])), sorted(set(record.get("tags") or [])))
    compare("group", (instance["group"] or {}).get("name"), (record.get("group") or {}).get("name"))
    compare("security_groups", sorted(g["name"] for g in instance["security_groups"]), sorted(g["name"] for g in record.get("security_groups") or []))
    if zone:
        compare("availability_zone", zone, record.get("availability_zone"))
    _compare_networks(networks, record.get("ports") or [], compare)
    return found


def _compare_networks(wanted: list[Record], ports: list[Record], compare: t.Callable[[str, t.Any, t.Any], None]) -> None:
    compare("networks", [(item["network"] or {}).get("name") for item in wanted], [port["network_name"] for port in ports])
    for index, (item, port) in enumerate(zip(wanted, ports, strict=False)):
        if item["fixed_ip"]:
            actual = [ip["ip_address"] for ip in port["fixed_ips"]]
            if item["fixed_ip"] not in actual:
                compare(f"networks[{index}].fixed_ip", item["fixed_ip"], ", ".join(actual))
