# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The rules of a security group as libvirt's network filters; pure.

Who is a member of a group that a rule names stands in an IP set, with what they may do (``services.py``), which is changed without the filter.

A rule of libvirt's follows a connection by itself: what the guest is asked in, it may answer, and the other way round, for as long as the rule stands.
"""

from __future__ import annotations

import ipaddress
import typing as t
import xml.etree.ElementTree as ET

from ansible_collections.kvmfleet.compute.plugins.module_utils.network.filters.names import filter_uuid, group_filter_name, group_key, member_set_name
from ansible_collections.kvmfleet.compute.plugins.module_utils.network.filters.services import ANSWERS, ICMP, service
from ansible_collections.kvmfleet.compute.plugins.module_utils.shapes import FilterRule, GroupRules

DIRECTIONS = {"ingress": "in", "egress": "out"}
# Which address of a packet is the other side's.
REMOTE = {"ingress": "src", "egress": "dst"}
ANYBODY = {"IPv4": "0.0.0.0/0", "IPv6": "::/0"}
OTHER_WAY = {"ingress": "egress", "egress": "ingress"}


def new_filter(name: str) -> ET.Element:
    """A filter without rules."""
    element = ET.Element("filter", {"name": name, "chain": "root"})
    ET.SubElement(element, "uuid").text = filter_uuid(name)
    return element


def protocol_tag(protocol: t.Optional[str], ethertype: str) -> str:
    """What libvirt calls a protocol of packets of this IP version."""
    if ethertype == "IPv4":
        return protocol or "all"
    return "icmpv6" if protocol == "icmp" else f"{protocol or 'all'}-ipv6"


def address(prefix: str, side: str) -> t.Dict[str, str]:
    """The attributes that match an address; ``side``: src or dst. There are none for a prefix that every address has."""
    network = ipaddress.ip_network(prefix)
    if not network.prefixlen:
        return {}
    return {f"{side}ipaddr": str(network.network_address), f"{side}ipmask": str(network.prefixlen)}


def _ports(rule: FilterRule) -> t.Dict[str, str]:
    first, last = rule["port_range_min"], rule["port_range_max"]
    names = ("type", "code") if rule["protocol"] == ICMP else ("dstportstart", "dstportend")
    return {name: str(value) for name, value in zip(names, (first, last)) if value is not None}


def _accept(element: ET.Element, direction: str, tag: str, attributes: t.Dict[str, str]) -> None:
    ET.SubElement(ET.SubElement(element, "rule", {"action": "accept", "direction": DIRECTIONS[direction]}), tag, attributes)


def add_rule(element: ET.Element, rule: FilterRule, project_id: str) -> None:
    """Let through what a rule of a project's group allows: one rule of libvirt's for the group that it names, or for each prefix that it is for."""
    direction, ethertype, named = rule["direction"], rule["ethertype"], rule["remote_group"]
    if named is not None:
        may = service(rule)
        flags = f"{REMOTE[direction]},dst" if may else REMOTE[direction]
        attributes = {"ipset": member_set_name(group_key(named, project_id), ethertype, may), "ipsetflags": flags}
        _accept(element, direction, protocol_tag(None, ethertype), attributes)
        return
    tag, ports = protocol_tag(rule["protocol"], ethertype), _ports(rule)
    # Libvirt follows a connection of ICMP only where a rule names no type.
    answer = ANSWERS[ethertype].get(rule["port_range_min"] or 0) if rule["protocol"] == ICMP else None
    for prefix in [ANYBODY[ethertype]] if rule["remote"] is None else rule["remote"]:
        _accept(element, direction, tag, {**address(prefix, REMOTE[direction]), **ports})
        if answer is not None:
            back = OTHER_WAY[direction]
            _accept(element, back, tag, {**address(prefix, REMOTE[back]), "type": str(answer), "state": "ESTABLISHED"})


def group_filter(group: GroupRules, project_id: str, ethertype: str) -> str:
    """The filter of a project's security group for one IP version, as XML."""
    element = new_filter(group_filter_name(group["id"], project_id, ethertype))
    for rule in group["rules"]:
        if rule["ethertype"] == ethertype:
            add_rule(element, rule, project_id)
    return ET.tostring(element, encoding="unicode")
