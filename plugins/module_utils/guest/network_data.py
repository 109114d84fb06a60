# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""``network_data.json`` for the guest, from the ports that were chosen; pure.

Follows ``nova/virt/netutils.py: get_network_metadata``.
"""

from __future__ import annotations

import ipaddress
import typing as t

from ansible_collections.kvmfleet.compute.plugins.module_utils.network.vif.table import vif_of
from ansible_collections.kvmfleet.compute.plugins.module_utils.shapes import FixedIp, Port


class Route(t.TypedDict):
    """A route in the guest."""

    network: str  # address
    netmask: str  # address
    gateway: str  # address


class Service(t.TypedDict):
    """A service of the network."""

    type: str  # dns
    address: str  # address


class Link(t.TypedDict):
    """A network device of the guest."""

    id: str  # the tap's name
    vif_id: str  # the port's id
    type: str  # bridge or phy
    mtu: t.Optional[int]  # bytes; null: the device's own, or a DHCP server tells it
    ethernet_mac_address: str  # lower case


class GuestNetwork(t.TypedDict):
    """An address of the guest."""

    id: str  # network0, network1, …
    type: str  # ipv4, ipv4_dhcp, ipv6, ipv6_dhcp, ipv6_slaac, ipv6_dhcpv6-stateless or ipv6_dhcpv6-stateful
    link: str  # id of its link
    ip_address: t.NotRequired[str]  # address; this and what follows is left out where a DHCP server tells it
    netmask: t.NotRequired[str]  # address
    routes: t.NotRequired[t.List[Route]]  # routes
    network_id: str  # the catalogue's id
    services: t.NotRequired[t.List[Service]]  # DNS servers


class NetworkData(t.TypedDict):
    """The whole of network_data.json."""

    links: t.List[Link]  # devices
    networks: t.List[GuestNetwork]  # addresses
    services: t.List[Service]  # each DNS server once


DHCP = "dhcp"
BY_DHCP = (DHCP, "dhcpv6-stateful")  # modes in which a server tells the guest the MTU, too


def _services(address: FixedIp) -> t.List[Service]:
    return [{"type": "dns", "address": server} for server in address["dns_nameservers"]]


def _network(index: int, port: Port, address: FixedIp) -> GuestNetwork:
    cidr, mode = ipaddress.ip_network(address["cidr"], strict=False), address.get("address_mode")
    kind = f"ipv{cidr.version}_{mode}" if mode else f"ipv{cidr.version}"
    if mode == DHCP:
        return {"id": f"network{index}", "type": kind, "link": port["device"], "network_id": port["network_id"]}
    routes: t.List[Route] = []
    if address["gateway_ip"]:
        zero = str(ipaddress.ip_address(bytes(4 if cidr.version == 4 else 16)))
        routes.append({"network": zero, "netmask": zero, "gateway": address["gateway_ip"]})
    for route in address["host_routes"]:
        destination = ipaddress.ip_network(route["destination"], strict=False)
        routes.append({"network": str(destination.network_address), "netmask": str(destination.netmask), "gateway": route["nexthop"]})
    return {
        "id": f"network{index}",
        "type": kind,
        "link": port["device"],
        "ip_address": address["ip_address"],
        "netmask": str(cidr.netmask),
        "routes": routes,
        "network_id": port["network_id"],
        "services": _services(address),
    }


def network_data(ports: t.Iterable[Port]) -> NetworkData:
    """The network data of a server's ports."""
    links: t.List[Link] = []
    networks: t.List[GuestNetwork] = []
    services: t.List[Service] = []
    for port in ports:
        links.append(
            {
                "id": port["device"],
                "vif_id": port["id"],
                "type": vif_of(port["binding"]).link_type,
                "mtu": None if any(address.get("address_mode") in BY_DHCP for address in port["fixed_ips"]) else port["mtu"],
                "ethernet_mac_address": port["mac_address"],
            }
        )
        for address in port["fixed_ips"]:
            networks.append(_network(len(networks), port, address))
            services.extend(service for service in _services(address) if service not in services)
    return {"links": links, "networks": networks, "services": services}
