# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""MAC and fixed IP addresses of a whole run, chosen between placement and claim; pure.

Stands for Neutron's ``db_base_plugin_v2`` address allocation. A port keeps what it got on every retry. This is the one place that decides on
addresses, so that reservations can be put here.
"""

from __future__ import annotations

import ipaddress
import typing as t
from collections.abc import Callable, Iterator

MAC_PREFIX = "fa:16:3e"


class NoMoreFixedIps(Exception):
    """A network's allocation pools hold no free address."""


class AddressBook:
    """The addresses that are taken: those of the records and domains of the fleet, and those handed out in this run."""

    def __init__(self, hosts: list[dict[str, t.Any]], random_mac_tail: Callable[[], int], new_uuid: Callable[[], str]) -> None:
        self._tail = random_mac_tail
        self._new_uuid = new_uuid
        self._macs: set[str] = set()
        self._ips: dict[str, set[str]] = {}
        self._pools: dict[tuple[str, str], Iterator[str]] = {}
        for host in hosts:
            for domain in host.get("domains") or []:
                self._macs.update(mac.lower() for mac in domain["mac_addresses"])
            for record in host.get("instances") or []:
                self.take(record.get("ports") or [])

    def take(self, ports: list[dict[str, t.Any]]) -> None:
        """Mark the addresses of these ports as taken."""
        for port in ports:
            self._macs.add(port["mac_address"].lower())
            for ip in port.get("fixed_ips") or []:
                self._ips.setdefault(port["network_id"], set()).add(str(ipaddress.ip_address(ip["ip_address"])))

    def _mac(self) -> str:
        while True:
            tail = self._tail() & 0xFFFFFF
            mac = f"{MAC_PREFIX}:{tail >> 16:02x}:{tail >> 8 & 0xFF:02x}:{tail & 0xFF:02x}"
            if mac not in self._macs:
                self._macs.add(mac)
                return mac

    def _free_ip(self, network: dict[str, t.Any], subnet: dict[str, t.Any]) -> str | None:
        """The next free address of a subnet's pools; each pool is walked once in a run, however many servers ask."""
        taken = self._ips.setdefault(network["id"], set())
        walk = self._pools.setdefault((network["id"], subnet["cidr"]), _pool(subnet))
        for address in walk:
            if address not in taken:
                taken.add(address)
                return address
        return None

    def _automatic(self, network: dict[str, t.Any]) -> list[dict[str, t.Any]]:
        """One address for each IP version that the network's subnets have."""
        found: dict[int, dict[str, t.Any]] = {}
        versions = set()
        for subnet in network.get("subnets") or []:
            version = ipaddress.ip_network(subnet["cidr"]).version
            versions.add(version)
            if version not in found:
                address = self._free_ip(network, subnet)
                if address:
                    found[version] = _fixed_ip(address, subnet, network)
        for version in sorted(versions - set(found)):
            raise NoMoreFixedIps(f"network {network['name']}: no free IPv{version} address is left in its allocation pools")
        return [found[version] for version in sorted(found)]

    def port(self, wanted: dict[str, t.Any]) -> dict[str, t.Any]:
        """The port of one requested network, in the shape of docs/data.md (Placement)."""
        network, made = wanted["network"], wanted.get("port")
        if made:
            fixed_ips = [_fixed_ip(ip["ip_address"], _subnet_of(network, ip["ip_address"]), network) for ip in made.get("fixed_ips") or []]
            fixed_ips = fixed_ips or self._automatic(network)
        elif wanted.get("fixed_ip"):
            fixed_ips = [_fixed_ip(wanted["fixed_ip"], _subnet_of(network, wanted["fixed_ip"]), network)]
        else:
            fixed_ips = self._automatic(network)
        port_id = made["id"] if made else self._new_uuid()
        port: dict[str, t.Any] = {
            "id": port_id,
            "network_id": network["id"],
            "network_name": network["name"],
            "mac_address": (made or {}).get("mac_address") or self._mac(),
            "mtu": network.get("mtu"),
            "tag": wanted.get("tag"),
            "device": f"tap{port_id[:11]}",
            "fixed_ips": fixed_ips,
            "preexisting": bool(made),
        }
        port.update({"libvirt_network": network["libvirt_network"]} if network.get("libvirt_network") else {"bridge": network["bridge"]})
        self.take([port])
        return port

    def reserve(self, wanted: list[dict[str, t.Any]]) -> None:
        """Take the addresses that requests name before any automatic choice could hand them out."""
        for request in wanted:
            network = request.get("network") or {}
            fixed = [request["fixed_ip"]] if request.get("fixed_ip") else []
            fixed += [ip["ip_address"] for ip in (request.get("port") or {}).get("fixed_ips") or []]
            for ip in fixed:
                self._ips.setdefault(network["id"], set()).add(str(ipaddress.ip_address(ip)))


def _pool(subnet: dict[str, t.Any]) -> Iterator[str]:
    cidr = ipaddress.ip_network(subnet["cidr"])
    pools = subnet.get("allocation_pools") or []
    if pools:
        ranges = [(int(ipaddress.ip_address(pool["start"])), int(ipaddress.ip_address(pool["end"]))) for pool in pools]
    else:
        ranges = [(int(cidr.network_address) + 1, int(cidr.broadcast_address) - (cidr.version == 4))]
    gateway = str(ipaddress.ip_address(subnet["gateway_ip"])) if subnet.get("gateway_ip") else None
    make = ipaddress.IPv4Address if cidr.version == 4 else ipaddress.IPv6Address
    for first, last in ranges:
        for number in range(first, last + 1):
            address = str(make(number))
            if address != gateway:
                yield address


def _subnet_of(network: dict[str, t.Any], ip: str) -> dict[str, t.Any]:
    address = ipaddress.ip_address(ip)
    for subnet in network.get("subnets") or []:
        if address in ipaddress.ip_network(subnet["cidr"]):
            return t.cast("dict[str, t.Any]", subnet)
    raise NoMoreFixedIps(f"network {network['name']}: fixed IP {ip} is in none of its subnets")


def _fixed_ip(ip: str, subnet: dict[str, t.Any], network: dict[str, t.Any]) -> dict[str, t.Any]:
    return {
        "ip_address": str(ipaddress.ip_address(ip)),
        "version": ipaddress.ip_address(ip).version,
        "cidr": subnet["cidr"],
        "gateway_ip": subnet.get("gateway_ip"),
        "dns_nameservers": subnet.get("dns_nameservers") or network.get("dns_nameservers") or [],
        "host_routes": subnet.get("host_routes") or [],
    }
