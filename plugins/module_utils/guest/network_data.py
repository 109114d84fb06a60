# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""``network_data.json`` for the guest, from the ports that were chosen; pure.

Follows ``nova/virt/netutils.py: get_network_metadata``.
"""

from __future__ import annotations

import ipaddress
import typing as t


def _network(index: int, link: str, port: dict[str, t.Any], address: dict[str, t.Any]) -> dict[str, t.Any]:
    cidr = ipaddress.ip_network(address["cidr"], strict=False)
    routes = []
    if address.get("gateway_ip"):
        zero = str(ipaddress.ip_network("0.0.0.0/0" if cidr.version == 4 else "::/0").network_address)
        routes.append({"network": zero, "netmask": zero, "gateway": address["gateway_ip"]})
    for route in address.get("host_routes") or []:
        destination = ipaddress.ip_network(route["destination"], strict=False)
        routes.append({"network": str(destination.network_address), "netmask": str(destination.netmask), "gateway": route["nexthop"]})
    servers = address.get("dns_nameservers") or []
    return {
        "id": f"network{index}",
        "type": f"ipv{cidr.version}",
        "link": link,
        "ip_address": address["ip_address"],
        "netmask": str(cidr.netmask),
        "routes": routes,
        "network_id": port["network_id"],
        "services": [{"type": "dns", "address": server} for server in servers],
    }


def network_data(ports: list[dict[str, t.Any]]) -> dict[str, t.Any]:
    """{links, networks, services} of a server's ports, each as in docs/data.md (Placement)."""
    links: list[dict[str, t.Any]] = []
    networks: list[dict[str, t.Any]] = []
    services: list[dict[str, str]] = []
    for port in ports:
        links.append(
            {
                "id": port["device"],
                "vif_id": port["id"],
                "type": "phy" if port.get("libvirt_network") else "bridge",
                "mtu": port.get("mtu"),
                "ethernet_mac_address": port["mac_address"],
            }
        )
        for address in port.get("fixed_ips") or []:
            network = _network(len(networks), port["device"], port, address)
            networks.append(network)
            services.extend(service for service in network["services"] if service not in services)
    return {"links": links, "networks": networks, "services": services}
