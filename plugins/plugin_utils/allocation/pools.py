# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The addresses that the registrar may choose from: of each subnet in each segment what neither the facts nor the catalogue have taken, as ranges; pure.

Never in a pool are the subnet's gateway and DNS servers, the hypervisors' own addresses, what ports of the catalogue keep, and what servers have in any
segment of the network (``fleet/segments.py``).
"""

from __future__ import annotations

import ipaddress
from collections.abc import Collection, Iterable, Iterator

from ansible_collections.kvmfleet.compute.plugins.module_utils.network.segment import Segment, medium
from ansible_collections.kvmfleet.compute.plugins.module_utils.shapes import AddressPool, Binding
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.allocation.addresses import chosen_from, name_servers, ranges
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.fleet.census import records_of
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.fleet.segments import Segments, own_addresses
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.shapes import FleetHost, KeptPort, Network, Subnet

Number = tuple[int, int]  # an address: its version and the number that it is


def _number(address: str) -> Number:
    parsed = ipaddress.ip_address(address)
    return parsed.version, int(parsed)


class Pools:
    """The pools that were asked for, by key, as a request to the registrar has them."""

    def __init__(self, hosts: Collection[FleetHost], kept_ports: Iterable[KeptPort]) -> None:
        self.segments = Segments(hosts)
        self.made: dict[str, AddressPool] = {}
        self._hosts = {_number(address) for address in own_addresses(hosts)}
        self._taken: dict[Segment, set[Number]] = {}
        # Many ports are on few networks.
        self._found: dict[tuple[str, str, str], list[set[Number]]] = {}
        for kept in kept_ports:
            self._take(kept["network_id"], kept["binding"], kept["ip_addresses"])
        for host in hosts:
            for record in records_of(host):
                for port in record["ports"]:
                    self._take(port["network_id"], port["binding"], [ip["ip_address"] for ip in port["fixed_ips"]])
        self._keys: dict[tuple[str, str, str], str] = {}

    def _take(self, network_id: str, binding: Binding, addresses: Iterable[str]) -> None:
        key = (network_id, *medium(binding))
        places = self._found.get(key)
        if places is None:
            places = self._found[key] = [self._taken.setdefault(segment, set()) for segment in self.segments.of(network_id, binding)]
        numbers = [_number(address) for address in addresses]
        for place in places:
            place.update(numbers)

    def keys(self, network: Network, version: int, segment: str) -> list[str]:
        """The keys of the pools of a network's subnets of one IP version, in their order; the pools are made."""
        return [self._key(network, subnet, segment) for subnet in chosen_from(network) if ipaddress.ip_network(subnet["cidr"]).version == version]

    def _key(self, network: Network, subnet: Subnet, segment: str) -> str:
        """A pool's key is for people: it stands in the sentence that says that it is empty."""
        of = (network["id"], subnet["cidr"], segment)
        if of not in self._keys:
            key = f"{subnet['cidr']} of network {network['name']} on {segment}"
            self._keys[of] = f"{key} ({network['id']})" if key in self.made else key
            version = ipaddress.ip_network(subnet["cidr"]).version
            self.made[self._keys[of]] = {"segment": segment, "version": version, "free": list(self._free(network, subnet, version))}
        return self._keys[of]

    def _free(self, network: Network, subnet: Subnet, version: int) -> Iterator[tuple[int, int]]:
        never = {_number(address) for address in (*name_servers(subnet, network), *([subnet["gateway_ip"]] if subnet["gateway_ip"] else []))}
        taken = never.union(self._hosts, *(self._taken.get(place, ()) for place in self.segments.of(network["id"], network["binding"])))
        numbers = sorted(number for of_version, number in taken if of_version == version)
        for first, last in ranges(subnet):
            for number in numbers:
                if first <= number <= last:
                    if first < number:
                        yield first, number - 1
                    first = number + 1
            if first <= last:
                yield first, last
