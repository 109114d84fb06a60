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


def port_filter_name(port_id: str) -> str:
    """The filter that the interface of a port refers to."""
    return f"{PORT}{port_id}"


def group_filter_name(group_id: str, project_id: str, ethertype: str) -> str:
    """The filter with a project's rules of a security group for one IP version: a port that has no address of the other one needs no rule of it."""
    return f"{GROUP}{uuid.uuid5(NAMESPACE, f'{project_id}/{group_id}')}-{ethertype.lower()}"


def group_key(group_id: str, project_id: str) -> str:
    """What a project's security group is called among hosts."""
    return f"{project_id}/{group_id}"


class MemberSet(t.NamedTuple):
    """What the name of an IP set with members of a group tells."""

    ethertype: str
    group: str  # the group's ``group_tag``
    service: str  # what its members may do (``services.service``)


def group_tag(key: str) -> str:
    """A project's group (``group_key``) in 10 characters: the kernel takes no more than 31 for the name of a set."""
    return base64.b32encode(uuid.uuid5(NAMESPACE, key).bytes).decode("ascii")[:10].lower()


def member_set_name(key: str, ethertype: str, service: str = "") -> str:
    """The IP set with the addresses of the members of a project's group (``group_key``), and what these may do."""
    return f"{SET}{IP_VERSIONS[ethertype]}-{group_tag(key)}{service and f'-{service}'}"


def member_set(name: str) -> t.Optional[MemberSet]:
    """What the name of an IP set of ours tells; None of another one."""
    found = re.fullmatch(f"{SET}([46])-([a-z2-7]{{10}})(?:-([tus][0-9a-f]{{8}}|i[0-9a-f]{{4}}|[igea]))?", name)
    return MemberSet(f"IPv{found.group(1)}", found.group(2), found.group(3) or "") if found else None


def filter_uuid(name: str) -> str:
    """The uuid that a filter of ours has."""
    return str(uuid.uuid5(NAMESPACE, name))


def is_group_filter(name: str, filter_id: str) -> bool:
    """True if a filter that stands on a host is one of ours for a group."""
    return name.startswith(GROUP) and filter_id == filter_uuid(name)
