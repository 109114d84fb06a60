# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a rule that names a group lets its members do, as entries of an IP set; pure.

Libvirt's network filters look into a set only from a rule of all protocols (``virNWFilterRuleDefFixupIPSet`` takes it away from the others). So the protocol
and the ports stand in the set, with each member's address (``hash:net,port``), and its name tells which they are: who keeps a set needs no rule to fill it.
"""

from __future__ import annotations

import typing as t

from ansible_collections.kvmfleet.compute.plugins.module_utils.shapes import FilterRule

LETTERS: t.Dict[str, str] = {"tcp": "t", "udp": "u", "sctp": "s", "icmp": "i", "igmp": "g", "esp": "e", "ah": "a"}
PROTOCOLS = {letter: protocol for protocol, letter in LETTERS.items()}
WITH_PORTS = ("tcp", "udp", "sctp")
ICMP = "icmp"
LAST_PORT = 65535
# Each is an entry for each member.
MOST_PORTS = 128
# Of ICMP types that ask: what answers.
ANSWERS = {"IPv4": {8: 0, 13: 14, 15: 16, 17: 18}, "IPv6": {128: 129, 139: 140}}
ICMP_OF = {"IPv4": "icmp", "IPv6": "icmpv6"}
ALL = ""  # every protocol


def service(rule: FilterRule) -> str:
    """The protocol and the ports of a rule, in as few letters as the name of a set has room for."""
    protocol, first, last = rule["protocol"], rule["port_range_min"], rule["port_range_max"]
    if protocol is None:
        return ALL
    if protocol in WITH_PORTS:
        first = 0 if first is None else first
        return f"{LETTERS[protocol]}{first:04x}{LAST_PORT if last is None else last:04x}"
    if protocol == ICMP and first is not None:
        return f"{LETTERS[protocol]}{first:02x}{last or 0:02x}"
    return LETTERS[protocol]


def what(of: str, ethertype: str) -> t.List[str]:
    """What an entry of a set has beside an address, for each that a service (``service``) needs; nothing of every protocol."""
    protocol, numbers = PROTOCOLS[of[0]] if of else "", of[1:]
    if protocol in WITH_PORTS:
        return [f"{protocol}:{port}" for port in range(int(numbers[:4], 16), int(numbers[4:], 16) + 1)]
    if protocol == ICMP:
        answers, name = ANSWERS[ethertype], ICMP_OF[ethertype]
        # Of all types, those that begin something: the others are answers, or errors that belong to something.
        asked = [(int(numbers[:2], 16), int(numbers[2:], 16))] if numbers else [(kind, 0) for kind in answers]
        return [f"{name}:{kind}/{code}" for kind, code in (*asked, *((answers[kind], 0) for kind, _code in asked if kind in answers))]
    return [f"{protocol}:0"] if protocol else []
