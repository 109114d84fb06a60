# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the hosts have, by virsh alone, and what of it is there twice or too often."""

from __future__ import annotations

import collections
import typing as t

from integration.conftest import Fleet

from ansible_collections.kvmfleet.compute.plugins.module_utils import record as records


class There(t.NamedTuple):
    """A server: its domain's record, and its MAC addresses as QEMU has them."""

    host: str
    uuid: str
    name: str
    group: str | None
    is_running: bool
    macs: tuple[str, ...]  # of the live XML
    addresses: tuple[str, ...]  # of the record

    def __str__(self) -> str:
        return f"{self.name} ({self.uuid[:8]}) on {self.host}"


def servers(fleet: Fleet) -> list[There]:
    """Every server of the fleet."""
    found = []
    for host in fleet.hosts.values():
        running = host.domains("--state-running")
        for domain in sorted(host.domains("--all")):
            xml = host.xml(domain)
            element = xml.find(f"metadata/{{{records.NAMESPACE}}}{records.TAG}")
            assert element is not None, f"{domain} on {host.name} has no record"
            record = records.from_element(element)
            macs = tuple(mac.get("address", "").lower() for mac in xml.findall("devices/interface/mac"))
            addresses = tuple(ip["ip_address"] for port in record["ports"] for ip in port["fixed_ips"])
            assert macs == tuple(port["mac_address"] for port in record["ports"]), f"{domain} on {host.name}: {macs}"
            name = f"{record['project_id']}/{record['display_name']}"
            found.append(There(host.name, record["uuid"], name, record["group"]["name"] if record["group"] else None, domain in running, macs, addresses))
    return found


def violations(there: list[There], quota: int, most_per_host: int) -> list[str]:
    """What may not be; all networks of the races are on one bridge."""
    things: dict[str, list[There]] = collections.defaultdict(list)
    for server in there:
        for thing in (f"id {server.uuid}", f"name {server.name}", *(f"MAC {mac}" for mac in server.macs), *(f"IP {ip}" for ip in server.addresses)):
            things[thing].append(server)
    found = [f"{thing}: {', '.join(map(str, owners))}" for thing, owners in sorted(things.items()) if len(owners) > 1]
    members = collections.Counter((server.group, server.host) for server in there if server.group)
    found += [f"group {group} has {count} members on {host}" for (group, host), count in sorted(members.items()) if count > most_per_host]
    if len(there) > quota:
        found.append(f"{len(there)} servers, and the quota is {quota}")
    return found
