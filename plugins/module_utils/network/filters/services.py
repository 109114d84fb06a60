# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a rule of a security group lets through, as it stands in an IP set beside the address of the other side; pure.

Libvirt's network filters look into a set only from a rule of all protocols (``virNWFilterRuleDefFixupIPSet`` takes it away from the others). So the protocol
and the port stand in the set, with each address (``hash:net,port``), and rules change without a filter.
"""

from __future__ import annotations

import typing as t

from ansible_collections.kvmfleet.compute.plugins.module_utils.shapes import FilterRule

IN_SETS = ("tcp", "udp", "sctp", "icmp", "igmp", "esp", "ah")
WITH_PORTS = ("tcp", "udp", "sctp")
ICMP = "icmp"
LAST_PORT = 65535
# Each is an entry for each address.
MOST_PORTS = 128
# Of ICMP types that ask: what answers.
ANSWERS = {"IPv4": {8: 0, 13: 14, 15: 16, 17: 18}, "IPv6": {128: 129, 139: 140}}
ICMP_OF = {"IPv4": "icmp", "IPv6": "icmpv6"}


def ports_of(first: t.Optional[int], last: t.Optional[int]) -> range:
    """The ports that a rule of a protocol with ports is for."""
    return range(first or 0, (LAST_PORT if last is None else last) + 1)


def stands_in_set(rule: FilterRule) -> bool:
    """True of a rule that names a group, and of others that sets can say; False of what stays a rule of libvirt's.

    A type of ICMP that asks for nothing begins no connection that could be followed.
    """
    protocol, first = rule["protocol"], rule["port_range_min"]
    if rule["remote_group"] is not None or protocol is None:
        return True
    if protocol in WITH_PORTS:
        return len(ports_of(first, rule["port_range_max"])) <= MOST_PORTS
    return protocol in IN_SETS and (protocol != ICMP or first is None or first in ANSWERS[rule["ethertype"]])


def services(rule: FilterRule) -> t.List[str]:
    """What an entry of a set has beside an address, for each that a rule needs; nothing of one for every protocol."""
    protocol, first, last = rule["protocol"], rule["port_range_min"], rule["port_range_max"]
    if protocol is None:
        return []
    if protocol in WITH_PORTS:
        return [f"{protocol}:{port}" for port in ports_of(first, last)]
    if protocol == ICMP:
        answers, name = ANSWERS[rule["ethertype"]], ICMP_OF[rule["ethertype"]]
        # Of all types, those that begin something: the others are answers, or errors that belong to something.
        asked = [(kind, 0) for kind in answers] if first is None else [(first, last or 0)]
        return [f"{name}:{kind}/{code}" for kind, code in (*asked, *((answers[kind], 0) for kind, _code in asked if kind in answers))]
    return [f"{protocol}:0"]
