# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the DHCP server of a libvirt network gives the port of a server; pure.

A reservation has the name that Neutron's DHCP agent gives (``host-192-0-2-10``, ``neutron/agent/linux/dhcp.py: _iter_hosts``). By MAC address, address and this
name together it is known for one of a server's own: whatever else stands in the network is somebody else's.

IPv6 is left out: libvirt takes no MAC address there, and what a guest calls itself (its DUID) nobody knows before it asks.
"""

from __future__ import annotations

import ipaddress
import typing as t
import xml.etree.ElementTree as ET

from ansible_collections.kvmfleet.compute.plugins.module_utils.errors import ServerError
from ansible_collections.kvmfleet.compute.plugins.module_utils.network_parser import DhcpHost, DhcpSubnet
from ansible_collections.kvmfleet.compute.plugins.module_utils.shapes import Port

ASKED_FOR = "dhcp"  # the address_mode of an address that the guest asks for
IPV4 = 4


class Reservation(t.NamedTuple):
    """What a server needs of a libvirt network."""

    network: str
    host: DhcpHost


def wanted(ports: t.Iterable[Port]) -> t.List[Reservation]:
    """What the guest of these ports is going to ask for."""
    return [
        Reservation(port["binding"]["name"], DhcpHost(port["mac_address"], ip["ip_address"], f"host-{ip['ip_address'].replace('.', '-')}"))
        for port in ports
        for ip in port["fixed_ips"]
        if port["binding"]["type"] == "libvirt_network" and ip["version"] == IPV4 and ip["address_mode"] == ASKED_FOR
    ]


def to_add(reservation: Reservation, subnets: t.Iterable[DhcpSubnet]) -> t.List[DhcpSubnet]:
    """Where the reservation is still to be made. ServerError (PortBindingFailed) if a subnet has one that gives its client or its address otherwise."""
    host, found = reservation.host, []
    for subnet in subnets:
        if not _is_in(reservation, subnet):
            continue
        if any((there.mac_address, there.ip_address) == (host.mac_address, host.ip_address) for there in subnet.hosts):
            continue  # whoever made it, it gives what is wanted
        other = next((there for there in subnet.hosts if _collides(host, there)), None)
        if other:
            what = ", ".join(f"{key} {value}" for key, value in zip(("MAC address", "address", "name"), other) if value)
            why = f"libvirt network {reservation.network} of the host has another DHCP reservation ({what}); it is left alone"
            raise ServerError("PortBindingFailed", f"{why}, and {host.ip_address} can't be reserved for {host.mac_address}", reschedule=True)
        found.append(subnet)
    return found


def to_remove(reservation: Reservation, subnets: t.Iterable[DhcpSubnet]) -> t.List[DhcpSubnet]:
    """Where the reservation stands as it was made."""
    return [subnet for subnet in subnets if reservation.host in subnet.hosts]


def host_xml(host: DhcpHost) -> str:
    """``<host>`` of a libvirt network."""
    attributes = {"mac": host.mac_address, "name": host.name, "ip": host.ip_address}
    return ET.tostring(ET.Element("host", {key: value for key, value in attributes.items() if value}), encoding="unicode")


def _is_in(reservation: Reservation, subnet: DhcpSubnet) -> bool:
    return ipaddress.ip_address(reservation.host.ip_address or "") in ipaddress.ip_network(subnet.cidr)


def _collides(host: DhcpHost, there: DhcpHost) -> bool:
    """As libvirt compares them (``networkDefUpdateIPDHCPHost``)."""
    return any(own is not None and own == other for own, other in zip(host, there))
