# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is read from a libvirt network's XML; pure."""

from __future__ import annotations

import ipaddress
import typing as t
import xml.etree.ElementTree as ET

from ansible_collections.kvmfleet.compute.plugins.module_utils.domain_parser import only_tag
from ansible_collections.kvmfleet.compute.plugins.module_utils.shapes import LibvirtNetwork, Portgroup

LIVE, CONFIG = "live", "config"
CLASSES = ((128, 8), (192, 16), (256, 24))  # below which first octet a network has how many bits


class DhcpHost(t.NamedTuple):
    """What libvirt's DHCP server gives one client (``<host>``)."""

    mac_address: t.Optional[str]  # lower case; None: the client is known by something else
    ip_address: t.Optional[str]
    name: t.Optional[str]


class DhcpSubnet(t.NamedTuple):
    """An IPv4 subnet of a libvirt network in which libvirt's DHCP server answers."""

    layer: str  # live: as it runs; config: as it is defined
    position: int  # of its <ip> among those of the network, from 0
    cidr: str
    hosts: t.Tuple[DhcpHost, ...]


def _kind(root: ET.Element) -> str:
    """What its guests are plugged into: by ``src/conf/network_conf.c`` a forward mode with a device and without a bridge is one of macvtap."""
    forward = root.find("forward")
    if forward is not None and forward.get("mode") == "hostdev":
        return "hostdev"
    if root.find("bridge") is None:
        return "macvtap"
    return "openvswitch" if root.find(".//virtualport[@type='openvswitch']") is not None else "bridge"


def _portgroup(element: ET.Element) -> Portgroup:
    return {"name": element.get("name", ""), "default": element.get("default") == "yes", "vlan": only_tag(element)}


def parse_user_backends(xml: str) -> list[str]:
    """What interfaces of the type user can be connected by, of the XML text of domain capabilities; empty where libvirt does not say it yet."""
    return [value.text or "" for value in ET.fromstring(xml).findall("devices/interface/enum[@name='backendType']/value")]


def parse_network(xml: str, *, active: bool) -> LibvirtNetwork:
    """The network of an XML text."""
    root = ET.fromstring(xml)
    bridge = root.find("bridge")
    return {
        "name": root.findtext("name") or "",
        "bridge": bridge.get("name") if bridge is not None else None,
        "active": active,
        "kind": _kind(root),
        "vlan": only_tag(root),
        "portgroups": [_portgroup(element) for element in root.findall("portgroup")],
    }


def parse_dhcp(xml: str, layer: str) -> t.List[DhcpSubnet]:
    """The IPv4 subnets of a network's XML text in which libvirt's DHCP server answers."""
    found = []
    for position, element in enumerate(ET.fromstring(xml).findall("ip")):
        dhcp = element.find("dhcp")
        if dhcp is None or element.get("family", "ipv4") != "ipv4":
            continue
        hosts = tuple(DhcpHost((host.get("mac") or "").lower() or None, host.get("ip"), host.get("name")) for host in dhcp.findall("host"))
        if hosts or dhcp.find("range") is not None:
            found.append(DhcpSubnet(layer, position, _cidr(element), hosts))
    return found


def _cidr(element: ET.Element) -> str:
    address = ipaddress.IPv4Address(element.get("address", ""))
    # Without either libvirt goes by the class of the address (``virSocketAddrGetIPPrefix``).
    mask = element.get("prefix") or element.get("netmask") or next(str(bits) for first, bits in CLASSES if address.packed[0] < first)
    return str(ipaddress.IPv4Network((address, mask), strict=False))
