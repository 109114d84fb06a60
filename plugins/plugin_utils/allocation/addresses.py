# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""MAC and fixed IP addresses of a whole run, chosen between placement and claim; pure.

Stands for Neutron's ``db_base_plugin_v2`` address allocation. A port keeps what it got on every retry. Where there is a
registrar it chooses the automatic addresses anew, of the same pools without what other runs are about to take (``pools.py``).

1. Taken is what any record or domain of the fleet has, foreign domains' MAC addresses too. An address is taken in its segment: on the bridge or the libvirt
   network, whatever the catalogue calls it now.
2. Before anything is chosen, the addresses that requests and the catalogue's ports name are reserved: no automatic choice may hand them out.
3. Server by server, in the order of the placements, each requested network becomes a port: with the addresses of its port made beforehand, with the one that
   is asked for, with those of the plan that is built, or with one for each IP version of the network; and with one in each subnet whose addresses guests
   make of their MAC address.
4. An automatic choice walks a subnet's pools upwards, and each pool once in a run: what it has passed is taken. The gateway, the subnet's DNS servers
   and the hypervisors' own addresses are never given out.
5. What a port got is taken from then on. A server whose network has none left gets no ports at all; what was chosen for it in this run stays unused.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Collection, Iterable, Iterator

from ansible_collections.kvmfleet.compute.plugins.module_utils.network.segment import normal
from ansible_collections.kvmfleet.compute.plugins.module_utils.shapes import AddressPair, FixedIp, Port
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.address_modes import address_mode, is_made_by_guests, made_of, subnet_of
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.fleet.segments import Place, Segments, own_addresses
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.port_security import is_secured
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.shapes import CataloguePort, FleetHost, KeptPort, Network, RequestedNetwork, Subnet

MAC_PREFIX = "fa:16:3e"


class NoMoreFixedIps(Exception):
    """A network's allocation pools hold no free address."""


class AddressBook:
    """The addresses that are taken: those of the records and domains of the fleet, and those handed out in this run."""

    def __init__(
        self, hosts: Collection[FleetHost], random_mac_tail: Callable[[], int], new_uuid: Callable[[], str], kept_ports: Iterable[KeptPort] = ()
    ) -> None:
        self._tail = random_mac_tail
        self._new_uuid = new_uuid
        self._segments = Segments(hosts)
        self._of_hosts = own_addresses(hosts)
        self._macs: set[str] = set()
        self._taken: set[Place] = set()
        self._pools: dict[tuple[str, str], Iterator[str]] = {}
        for kept in kept_ports:
            self._macs.update([kept["mac_address"]] if kept["mac_address"] else [])
            for ip in kept["ip_addresses"]:
                self._taken |= self._segments.places(kept["network_id"], kept["binding"], ip)
        for host in hosts:
            for domain in host.get("domains") or []:
                self._macs.update(mac.lower() for mac in domain["mac_addresses"])
            for record in host.get("instances") or []:
                for port in record.get("ports") or []:
                    self._take(port)

    def _take(self, port: Port) -> None:
        self._macs.add(port["mac_address"].lower())
        self._taken |= self._segments.places_of(port)

    def reserve(self, wanted: Iterable[RequestedNetwork]) -> None:
        """Take the addresses that requests name before any automatic choice could hand them out."""
        for request in wanted:
            for ip in named(request):
                self._taken |= self._segments.places(request["network"]["id"], request["network"]["binding"], ip)

    def port(self, wanted: RequestedNetwork) -> Port:
        """The port of one requested network; NoMoreFixedIps if an address is to be chosen and none is left."""
        network, made, planned = wanted["network"], wanted["port"], wanted.get("planned")
        fixed_ips = [fixed_ip(ip, network) for ip in named(wanted)] or self._automatic(network)
        mac_address = (made["mac_address"] if made else None) or (planned["mac_address"] if planned else self.new_mac())
        fixed_ips += [fixed_ip(ip, network) for ip in made_of(mac_address, network)]
        port_id = made["id"] if made else planned["id"] if planned else self._new_uuid()
        port: Port = {
            "id": port_id,
            "network_id": network["id"],
            "network_name": network["name"],
            "mac_address": mac_address,
            "binding": network["binding"],
            "mtu": network["mtu"],
            "tag": wanted["tag"],
            "device": f"tap{port_id[:11]}",
            "fixed_ips": fixed_ips,
            "preexisting": bool(made),
            "port_security_enabled": is_secured(made, network),
            "allowed_address_pairs": _pairs(made, mac_address) if made else [],
            "bandwidth": wanted["bandwidth"],
            "queues": wanted["queues"],
        }
        self._take(port)
        return port

    def _automatic(self, network: Network) -> list[FixedIp]:
        """One address for each IP version that the network's subnets have."""
        chosen: dict[int, FixedIp] = {}
        versions: set[int] = set()
        for subnet in chosen_from(network):
            version: int = ipaddress.ip_network(subnet["cidr"]).version
            versions.add(version)
            if version not in chosen:
                address = self._free_ip(network, subnet)
                if address:
                    chosen[version] = fixed_ip(address, network)
        for version in sorted(versions - set(chosen)):
            raise NoMoreFixedIps(f"network {network['name']}: no free IPv{version} address is left in its allocation pools")
        return [chosen[version] for version in sorted(chosen)]

    def _free_ip(self, network: Network, subnet: Subnet) -> str | None:
        """The next free address of a subnet's pools; each pool is walked once in a run, however many servers ask."""
        walk = self._pools.setdefault((network["id"], subnet["cidr"]), _pool(subnet))
        never = {normal(server) for server in name_servers(subnet, network)}
        segments = self._segments.of(network["id"], network["binding"])
        for address in walk:
            if address not in never and address not in self._of_hosts and not any((segment, address) in self._taken for segment in segments):
                self._taken.update((segment, address) for segment in segments)
                return address
        return None

    def new_mac(self) -> str:
        """A MAC address that nobody has; it is taken from then on."""
        while True:
            tail = self._tail() & 0xFFFFFF
            mac = f"{MAC_PREFIX}:{tail >> 16:02x}:{tail >> 8 & 0xFF:02x}:{tail & 0xFF:02x}"
            if mac not in self._macs:
                self._macs.add(mac)
                return mac


def _pairs(made: CataloguePort, mac_address: str) -> list[AddressPair]:
    """What a port made beforehand may use beside its own addresses; with its own MAC address where none is given."""
    return [{"mac_address": pair["mac_address"] or mac_address, "ip_address": pair["ip_address"]} for pair in made["allowed_address_pairs"]]


def named(wanted: RequestedNetwork) -> list[str]:
    """The addresses that a port made beforehand has, that the request asks for, or that a plan has; none: they are chosen."""
    made: CataloguePort | None = wanted["port"]
    asked = [ip["ip_address"] for ip in made["fixed_ips"]] if made else [wanted["fixed_ip"]] if wanted["fixed_ip"] else []
    planned = wanted.get("planned")
    made_by_guest = made_of(planned["mac_address"], wanted["network"]) if planned else []
    return asked or ([ip["ip_address"] for ip in planned["fixed_ips"] if ip["ip_address"] not in made_by_guest] if planned else [])


def chosen_from(network: Network) -> list[Subnet]:
    """The subnets that addresses are chosen from."""
    return [subnet for subnet in network["subnets"] if not is_made_by_guests(subnet)]


def ranges(subnet: Subnet) -> list[tuple[int, int]]:
    """First and last address, as numbers, of each range that a subnet gives addresses out of: its allocation pools, or the whole subnet."""
    cidr = ipaddress.ip_network(subnet["cidr"])
    pools = subnet["allocation_pools"]
    if pools:
        return [(int(ipaddress.ip_address(pool["start"])), int(ipaddress.ip_address(pool["end"]))) for pool in pools]
    return [(int(cidr.network_address) + 1, int(cidr.broadcast_address) - (cidr.version == 4))]


def name_servers(subnet: Subnet, network: Network) -> list[str]:
    """The DNS servers of a subnet; those of its network if it has none."""
    return subnet["dns_nameservers"] or network["dns_nameservers"]


def _pool(subnet: Subnet) -> Iterator[str]:
    gateway = normal(subnet["gateway_ip"]) if subnet["gateway_ip"] else None
    make = ipaddress.IPv4Address if ipaddress.ip_network(subnet["cidr"]).version == 4 else ipaddress.IPv6Address
    for first, last in ranges(subnet):
        for number in range(first, last + 1):
            address = str(make(number))
            if address != gateway:
                yield address


def fixed_ip(ip: str, network: Network) -> FixedIp:
    """An address of a network with what the guest must know of its subnet; NoMoreFixedIps if it is in none."""
    subnet = subnet_of(ip, network)
    if subnet is None:
        raise NoMoreFixedIps(f"network {network['name']}: fixed IP {ip} is in none of its subnets")
    address = ipaddress.ip_address(ip)
    made: FixedIp = {
        "ip_address": str(address),
        "version": address.version,
        "cidr": subnet["cidr"],
        "gateway_ip": subnet["gateway_ip"],
        "dns_nameservers": name_servers(subnet, network),
        "host_routes": subnet["host_routes"],
        "address_mode": address_mode(subnet),
    }
    return {**made, "served": True} if subnet["dhcp_server"] else made
