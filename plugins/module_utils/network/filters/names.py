# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the network filters and IP sets of this collection are called on a host; pure.

A filter is ours by its name and by the uuid that follows from it. Whatever has one of these names and another uuid is somebody else's.
"""

from __future__ import annotations

import base64
import re
import typing as t
import uuid

NAMESPACE = uuid.uuid5(uuid.NAMESPACE_URL, "https://kvmfleet.github.io/compute/nwfilter")
PORT, GROUP, SET = "kvmfleet-port-", "kvmfleet-group-", "kvmfleet-"
IP_VERSIONS: t.Dict[str, int] = {"IPv4": 4, "IPv6": 6}  # by ethertype
LETTERS: t.Dict[str, str] = {"ingress": "i", "egress": "e"}
# Kinds of IP sets: one that has the other two, one of addresses, one of addresses with a protocol and a port.
LIST, NETS, SERVICES = "", "a", "p"


def port_filter_name(port_id: str) -> str:
    """The filter that the interface of a port refers to."""
    return f"{PORT}{port_id}"


def group_filter_name(group_id: str, project_id: str, ethertype: str) -> str:
    """The filter with a project's rules of a security group for one IP version: a port that has no address of the other one needs no rule of it."""
    return f"{GROUP}{uuid.uuid5(NAMESPACE, f'{project_id}/{group_id}')}-{ethertype.lower()}"


def group_key(group_id: str, project_id: str) -> str:
    """What a project's security group is called among hosts."""
    return f"{project_id}/{group_id}"


def group_tag(key: str) -> str:
    """A project's group (``group_key``) in 10 characters: the kernel takes no more than 31 for the name of a set."""
    return base64.b32encode(uuid.uuid5(NAMESPACE, key).bytes).decode("ascii")[:10].lower()


class RuleSet(t.NamedTuple):
    """What the name of an IP set with rules of a group tells."""

    ethertype: str
    group: str  # the group's ``group_tag``
    direction: str
    kind: str = LIST

    @property
    def name(self) -> str:
        """What the set is called."""
        return f"{SET}{IP_VERSIONS[self.ethertype]}-{self.group}-{LETTERS[self.direction]}{self.kind}"


def rule_set_name(key: str, ethertype: str, direction: str) -> str:
    """The IP set that the filter of a project's group (``group_key``) looks into, for one direction."""
    return RuleSet(ethertype, group_tag(key), direction).name


def rule_set(name: str) -> t.Optional[RuleSet]:
    """What the name of an IP set of ours tells; None of another one."""
    found = re.fullmatch(f"{SET}([46])-([a-z2-7]{{10}})-([ie])([{NETS}{SERVICES}]?)", name)
    directions = {letter: direction for direction, letter in LETTERS.items()}
    return RuleSet(f"IPv{found.group(1)}", found.group(2), directions[found.group(3)], found.group(4)) if found else None


def filter_uuid(name: str) -> str:
    """The uuid that a filter of ours has."""
    return str(uuid.uuid5(NAMESPACE, name))


def is_group_filter(name: str, filter_id: str) -> bool:
    """True if a filter that stands on a host is one of ours for a group."""
    return name.startswith(GROUP) and filter_id == filter_uuid(name)
