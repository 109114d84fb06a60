# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A security group as libvirt's network filters; pure.

What its rules allow stands in IP sets (``set_entries.py``), which are changed without the filter: for each port of a host libvirt needs longer than a second
to follow another filter. A few rules sets can't say (``services.stands_in_set``): these are rules of libvirt's.

A rule of libvirt's follows a connection by itself: what the guest is asked in, it may answer, and the other way round, for as long as the rule stands, or
what the set has of it.
"""

from __future__ import annotations

import ipaddress
import typing as t
import xml.etree.ElementTree as ET

from ansible_collections.kvmfleet.compute.plugins.module_utils.network.filters.names import filter_uuid, group_filter_name, group_key, rule_set_name
from ansible_collections.kvmfleet.compute.plugins.module_utils.network.filters.services import ICMP, stands_in_set
from ansible_collections.kvmfleet.compute.plugins.module_utils.shapes import FilterRule, GroupRules

DIRECTIONS = {"ingress": "in", "egress": "out"}
# Which address of a packet is the other side's.
REMOTE = {"ingress": "src", "egress": "dst"}
ANYBODY = {"IPv4": "0.0.0.0/0", "IPv6": "::/0"}


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


def remote_prefixes(rule: FilterRule) -> t.List[str]:
    """Whom a rule is for that names no group."""
    return [ANYBODY[rule["ethertype"]]] if rule["remote"] is None else rule["remote"]


def _add_rule(element: ET.Element, rule: FilterRule) -> None:
    """One rule of libvirt's for each prefix."""
    direction, ethertype = rule["direction"], rule["ethertype"]
    for prefix in remote_prefixes(rule):
        _accept(element, direction, protocol_tag(rule["protocol"], ethertype), {**address(prefix, REMOTE[direction]), **_ports(rule)})


def group_filter(group: GroupRules, project_id: str, ethertype: str) -> str:
    """The filter of a project's security group for one IP version, as XML."""
    element, key = new_filter(group_filter_name(group["id"], project_id, ethertype)), group_key(group["id"], project_id)
    for direction, side in REMOTE.items():
        # The port of whoever is asked, if what is found in the list has one.
        found = {"ipset": rule_set_name(key, ethertype, direction), "ipsetflags": f"{side},dst"}
        _accept(element, direction, protocol_tag(None, ethertype), found)
    for rule in group["rules"]:
        if rule["ethertype"] == ethertype and not stands_in_set(rule):
            _add_rule(element, rule)
    return ET.tostring(element, encoding="unicode")
