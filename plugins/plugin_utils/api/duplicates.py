# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What must be unique over the fleet and is there twice: a server's id or name, or a MAC address or fixed IP in one segment; pure.

A copy is left by a host that came back, by a migration without the end of it, or by a clone; or a host lies. Nobody can tell from here which one is right, so
none of them is touched. A copy that a migration is making is none.
"""

from __future__ import annotations

import ipaddress
import typing as t
from collections.abc import Iterable, Iterator

from ansible_collections.kvmfleet.compute.plugins.module_utils.network.segment import medium
from ansible_collections.kvmfleet.compute.plugins.module_utils.shapes import Error, Port
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.shapes import Fleet, FleetInstance

ERROR_CLASS = "DuplicateServer"
MOST_SHOWN = 80


class Holder(t.NamedTuple):
    """Who has it."""

    host: str  # inventory name
    name: str  # of the server, or of a domain without a record
    uuid: str  # of it


class Duplicate(t.NamedTuple):
    """One thing that several have."""

    thing: str  # id, name, MAC address or address
    value: str  # as it is there
    holders: tuple[Holder, ...]  # at least two

    def __str__(self) -> str:
        held = " and ".join(f"{holder.name[:MOST_SHOWN]} on host {holder.host}" for holder in self.holders)
        return f"{self.thing} {self.value[:MOST_SHOWN]} is there {len(self.holders)} times: {held}"


def _segment(port: Port, host: str) -> tuple[str, str, str]:
    """Where frames meet: a bridge of one name on all hosts, a VLAN of one of Open vSwitch, too, a libvirt network on its host alone."""
    binding = port["binding"]
    return (*medium(binding), host if binding["type"] == "libvirt_network" else "")


def _held(record: FleetInstance) -> Iterator[tuple[str, tuple[object, ...]]]:
    """(thing, key by which nobody else may have it; the last part is shown)."""
    yield "id", (record["uuid"],)
    yield "name", (record["project_id"], record["display_name"])
    for port in record["ports"]:
        segment = _segment(port, record["host"])
        yield "MAC address", (*segment, port["mac_address"].lower())
        for ip in port["fixed_ips"]:
            yield "address", (*segment, str(ipaddress.ip_address(ip["ip_address"])))


def _of_domains(fleet: Fleet) -> Iterator[tuple[Holder, str]]:
    """Domains without a record, such as a copy of a server that was made by hand, and their ids."""
    for name, entry in fleet["hosts"].items():
        for domain in entry["state"]["domains"] if entry["state"] else ():
            if domain.get("foreign") and domain.get("uuid"):
                yield Holder(name, domain.get("name") or "a domain", domain["uuid"]), domain["uuid"]


def find(fleet: Fleet, records: Iterable[FleetInstance]) -> list[Duplicate]:
    """What several have; of the same servers the first of id, name, MAC address and address."""
    holders: dict[tuple[str, tuple[object, ...]], dict[Holder, None]] = {}
    for record in records:
        if record.get("migrating"):
            continue
        holder = Holder(record["host"], record["display_name"], record["uuid"])
        for item in _held(record):
            holders.setdefault(item, {})[holder] = None
    for holder, uuid in _of_domains(fleet):
        found = holders.get(("id", (uuid,)))
        if found is not None:
            found[holder] = None
    duplicates: dict[frozenset[tuple[str, str]], Duplicate] = {}
    for (thing, key), having in holders.items():
        if len(having) > 1:
            # Servers with one id share their addresses too: what tells most is enough.
            duplicates.setdefault(frozenset((holder.host, holder.uuid) for holder in having), Duplicate(thing, str(key[-1]), tuple(having)))
    return list(duplicates.values())


class Duplicates:
    """The duplicates of a fleet, by the servers that they concern."""

    def __init__(self, found: Iterable[Duplicate]) -> None:
        self._of: dict[tuple[str, str], list[Duplicate]] = {}
        for duplicate in found:
            for holder in duplicate.holders:
                self._of.setdefault((holder.host, holder.uuid), []).append(duplicate)

    def error(self, record: FleetInstance) -> Error | None:
        """Why nothing may be done with a server; None if nothing of it is there twice."""
        found = self._of.get((record["host"], record["uuid"]))
        if not found:
            return None
        hosts = sorted({holder.host for duplicate in found for holder in duplicate.holders})
        remedy = f"see which one is right, and remove the other (delete_server with compute_delete_ids and compute_delete_host: {' or '.join(hosts)})"
        return {"error_class": ERROR_CLASS, "message": f"{found[0]}; {remedy}", "reschedule": False}
