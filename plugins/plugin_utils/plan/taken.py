# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who has the addresses of a plan now; pure."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from ansible_collections.kvmfleet.compute.plugins.module_utils.network.segment import normal
from ansible_collections.kvmfleet.compute.plugins.module_utils.shapes import Port
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.fleet.census import records_of
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.fleet.segments import Place, Segments, own_addresses
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.shapes import FleetHost, KeptPort

# A host's text in a sentence.
MOST_SHOWN = 160


class Taken:
    """The MAC addresses and addresses of the fleet, and who has them."""

    def __init__(self, hosts: Collection[FleetHost], kept_ports: Collection[KeptPort]) -> None:
        self._segments = Segments(hosts)
        self._of_hosts = own_addresses(hosts)
        # The holder's id, and what to call it.
        self._macs: dict[str, tuple[str, str]] = {}
        self._places: dict[Place, tuple[str, str]] = {}
        for host in hosts:
            for domain in host.get("domains") or ():
                holder = (str(domain.get("uuid")), f"domain {str(domain.get('name'))[:MOST_SHOWN]} on host {host['name']}")
                self._macs.update((mac.lower(), holder) for mac in domain["mac_addresses"])
        for host in hosts:
            for record in records_of(host) if host.get("instances") else ():
                holder = (record["uuid"], f"{record['display_name'][:MOST_SHOWN]} on host {host['name']}")
                for port in record["ports"]:
                    self._macs[port["mac_address"].lower()] = holder
                    self._places.update((place, holder) for place in self._segments.places_of(port))
        self._kept: dict[Place, str] = {}
        for kept in kept_ports:
            for ip in kept["ip_addresses"]:
                self._kept.update((place, "a port of compute_ports") for place in self._segments.places(kept["network_id"], kept["binding"], ip))

    def of_others(self, port: Port, uuid: str) -> Iterator[tuple[str, str]]:
        """(address, who has it), of the addresses of a server's port that others have by now."""
        mac = port["mac_address"].lower()
        owner, name = self._macs.get(mac, (uuid, ""))
        if owner != uuid:
            yield mac, name
        for ip in port["fixed_ips"]:
            address = ip["ip_address"]
            for place in sorted(self._segments.places(port["network_id"], port["binding"], address)):
                owner, name = self._places.get(place, (uuid, ""))
                if owner == uuid and place in self._kept and not port["preexisting"]:
                    owner, name = "", self._kept[place]
                if owner != uuid:
                    yield address, name
                    break
            else:
                if normal(address) in self._of_hosts:
                    yield address, f"host {self._of_hosts[normal(address)]} itself"
