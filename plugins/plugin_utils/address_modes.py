# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How a guest gets the addresses of a subnet, and those that follow from its MAC address; pure.

Follows ``neutron/db/ipam_pluggable_backend.py``: a port has an address in each subnet of the network whose addresses guests make themselves.
"""

from __future__ import annotations

import ipaddress
import re

from ansible_collections.kvmfleet.compute.plugins.plugin_utils.shapes import Network, Subnet

DHCP = "dhcp"
MADE_BY_GUESTS = ("slaac", "dhcpv6-stateless")
EUI64_PREFIX = 64
OCTETS = 6


def address_mode(subnet: Subnet) -> str | None:
    """As in FixedIp; None: guests are told their address."""
    return subnet["ipv6_address_mode"] or (DHCP if subnet["dhcp"] else None)


def is_made_by_guests(subnet: Subnet) -> bool:
    """Nobody chooses an address of it: each guest makes one of its MAC address."""
    return subnet["ipv6_address_mode"] in MADE_BY_GUESTS


def made_of(mac_address: str, network: Network) -> list[str]:
    """The addresses that a guest with this MAC address makes itself (modified EUI-64, RFC 4291); none if it is no MAC address."""
    octets = [int(octet, 16) for octet in re.findall("[0-9A-Fa-f]{2}", mac_address)]
    if len(octets) != OCTETS:
        return []
    tail = int.from_bytes(bytes([octets[0] ^ 2, *octets[1:3], 0xFF, 0xFE, *octets[3:]]), "big")
    return [str(ipaddress.ip_network(subnet["cidr"])[tail]) for subnet in network["subnets"] if is_made_by_guests(subnet)]


def subnet_of(address: str, network: Network) -> Subnet | None:
    """The subnet that an address is in."""
    parsed = ipaddress.ip_address(address)
    return next((subnet for subnet in network["subnets"] if parsed in ipaddress.ip_network(subnet["cidr"])), None)
