# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The network filter of a port: what a guest may say of itself, and the filters of its security groups; pure.

Follows ``neutron/agent/linux/iptables_firewall.py``: ``_spoofing_rule``, ``_drop_dhcp_rule``, ``_accept_inbound_icmpv6``, ``_setup_spoof_filter_chain``.

1. Frames: only from the port's MAC address with the port's addresses, and from its allowed address pairs; no VLAN tags, no DHCP server, no router
   advertisement or redirect. A port without an IPv6 address speaks no IPv6, and the same for IPv4.
2. Packets: what an IP version can't do without (neighbour discovery, multicast listeners, the DHCP client), errors of connections that are let through, and
   the rules of the groups. Nothing else.

Filters of libvirt's can't look into a neighbour advertisement: its sender is checked here, the address that it tells of in ``tables.py``.
"""

from __future__ import annotations

import ipaddress
import typing as t
import xml.etree.ElementTree as ET

from ansible_collections.kvmfleet.compute.plugins.module_utils.network.filters.group_filter import address, new_filter, protocol_tag
from ansible_collections.kvmfleet.compute.plugins.module_utils.network.filters.names import IP_VERSIONS, group_filter_name, port_filter_name
from ansible_collections.kvmfleet.compute.plugins.module_utils.shapes import Port

# The order of rules: libvirt goes by it through a port's rules and those of the filters that it refers to (500) together.
NEVER, ALLOWED, ALWAYS, LAST = "-900", "-500", "-100", "900"
NO_ADDRESS = str(ipaddress.IPv4Address(0))
# Types of ICMPv6. Neighbour solicitation and advertisement go both ways, listener reports and router solicitations out, queries and router advertisements in.
NEIGHBOURS, TO_ROUTERS, OF_ROUTERS = ("135", "136"), ("131", "132", "133", "143"), ("130", "134")
ROUTERS_ONLY = ("134", "137")
DHCP: t.Dict[str, t.Tuple[str, str]] = {"IPv4": ("68", "67"), "IPv6": ("546", "547")}  # ports of client and server


class Identity(t.NamedTuple):
    """Who a frame may say that it is from."""

    mac: str
    prefix: str  # CIDR
    version: int


def identities(port: Port) -> t.List[Identity]:
    """The port's addresses, its link-local one if it speaks IPv6 (``neutron_lib.utils.net: get_ipv6_addr_by_EUI64``), and its allowed address pairs."""
    own = [(port["mac_address"], ip["ip_address"]) for ip in port["fixed_ips"]]
    found = [(mac, ipaddress.ip_network(ip, strict=False)) for mac, ip in (*own, *((p["mac_address"], p["ip_address"]) for p in port["allowed_address_pairs"]))]
    macs = dict.fromkeys(mac for mac, network in found if network.version == IP_VERSIONS["IPv6"])
    found += [(mac, ipaddress.ip_network(link_local(mac))) for mac in macs]
    return list(dict.fromkeys(Identity(mac, str(network), network.version) for mac, network in found))


def link_local(mac: str) -> str:
    """The link-local address that follows from a MAC address."""
    octets = [int(octet, 16) for octet in mac.split(":")]
    middle = [octets[0] ^ 2, octets[1], octets[2], 0xFF, 0xFE, *octets[3:]]
    return str(ipaddress.IPv6Address(bytes([0xFE, 0x80, *[0] * 6, *middle])))


def ethertypes(port: Port) -> t.List[str]:
    """The IP versions that a port speaks."""
    spoken = {identity.version for identity in identities(port)}
    return [name for name, version in IP_VERSIONS.items() if version in spoken]


def _rule(element: ET.Element, action: str, direction: str, priority: str, tag: str, **attributes: str) -> None:
    rule = ET.SubElement(element, "rule", {"action": action, "direction": direction, "priority": priority})
    ET.SubElement(rule, tag, attributes)


def _accept_untracked(element: ET.Element, direction: str, tag: str, **attributes: str) -> None:
    """Whatever connection it is of; for UDP that lets the answers through by their ports, too."""
    rule = ET.SubElement(element, "rule", {"action": "accept", "direction": direction, "priority": ALWAYS, "statematch": "false"})
    ET.SubElement(rule, tag, attributes)


def _frames_4(element: ET.Element, allowed: t.List[Identity]) -> None:
    client, server = DHCP["IPv4"]
    _rule(element, "drop", "out", NEVER, "ip", protocol="udp", srcportstart=server, dstportstart=client)
    for mac, prefix, _version in allowed:
        network = ipaddress.ip_network(prefix)
        source = {"arpsrcipaddr": str(network.network_address), "arpsrcipmask": str(network.prefixlen)} if network.prefixlen else {}
        _rule(element, "accept", "out", ALLOWED, "arp", srcmacaddr=mac, arpsrcmacaddr=mac, **source)
        _rule(element, "accept", "out", ALLOWED, "ip", srcmacaddr=mac, **address(prefix, "src"))
    for mac in dict.fromkeys(identity.mac for identity in allowed):
        # Who asks whether an address is free (RFC 5227) has none yet.
        probe = {"arpsrcipaddr": NO_ADDRESS, "arpsrcipmask": "32", "opcode": "Request"}
        _rule(element, "accept", "out", ALLOWED, "arp", srcmacaddr=mac, arpsrcmacaddr=mac, **probe)
        asks = {**address(f"{NO_ADDRESS}/32", "src"), **address("255.255.255.255/32", "dst"), "srcportstart": client, "dstportstart": server}
        _rule(element, "accept", "out", ALLOWED, "ip", srcmacaddr=mac, protocol="udp", **asks)
    for tag in ("arp", "ip"):
        _rule(element, "accept", "in", ALLOWED, tag)


def _frames_6(element: ET.Element, allowed: t.List[Identity]) -> None:
    client, server = DHCP["IPv6"]
    for kind in ROUTERS_ONLY:
        _rule(element, "drop", "out", NEVER, "ipv6", protocol="icmpv6", type=kind)
    _rule(element, "drop", "out", NEVER, "ipv6", protocol="udp", srcportstart=server, dstportstart=client)
    for mac, prefix, _version in allowed:
        _rule(element, "accept", "out", ALLOWED, "ipv6", srcmacaddr=mac, **address(prefix, "src"))
    for mac in dict.fromkeys(identity.mac for identity in allowed):
        # Duplicate address detection and the first listener reports come from no address.
        _rule(element, "accept", "out", ALLOWED, "ipv6", srcmacaddr=mac, protocol="icmpv6", **address("::/128", "src"))
    _rule(element, "accept", "in", ALLOWED, "ipv6")


def _packets(element: ET.Element, ethertype: str) -> None:
    client, server = DHCP[ethertype]
    udp, everything = protocol_tag("udp", ethertype), protocol_tag(None, ethertype)
    _accept_untracked(element, "out", udp, srcportstart=client, dstportstart=server)
    if ethertype == "IPv6":
        # Connection tracking leaves these out. Of a rule for both directions libvirt leaves out what has an ICMP type.
        for direction, kinds in (("out", (*NEIGHBOURS, *TO_ROUTERS)), ("in", (*NEIGHBOURS, *OF_ROUTERS))):
            for kind in kinds:
                _accept_untracked(element, direction, "icmpv6", type=kind)
    _rule(element, "accept", "inout", ALWAYS, everything, state="RELATED")
    _rule(element, "drop", "inout", LAST, everything)


def another(xml: str) -> str:
    """A port's filter that says the same in other words."""
    element = ET.fromstring(xml)
    _rule(element, "drop", "inout", LAST, "mac")
    return ET.tostring(element, encoding="unicode")


def port_filter(port: Port, group_ids: t.Iterable[str], project_id: str) -> str:
    """The filter of a port whose server is in these security groups of its project, as XML."""
    element = new_filter(port_filter_name(port["id"]))
    allowed = identities(port)
    for ethertype, frames in (("IPv4", _frames_4), ("IPv6", _frames_6)):
        of_version = [identity for identity in allowed if identity.version == IP_VERSIONS[ethertype]]
        if of_version:
            frames(element, of_version)
            _packets(element, ethertype)
            for group_id in group_ids:
                ET.SubElement(element, "filterref", {"filter": group_filter_name(group_id, project_id, ethertype)})
    _rule(element, "drop", "inout", LAST, "mac")
    return ET.tostring(element, encoding="unicode")
