# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What libvirt's network filters of this collection are called; pure.

A filter is ours by its name and by the uuid that follows from it. Whatever has one of these names and another uuid is somebody else's.
"""

from __future__ import annotations

import typing as t
import uuid

NAMESPACE = uuid.uuid5(uuid.NAMESPACE_URL, "https://kvmfleet.github.io/compute/nwfilter")
PORT, GROUP = "kvmfleet-port-", "kvmfleet-group-"
IP_VERSIONS: t.Dict[str, int] = {"IPv4": 4, "IPv6": 6}  # by ethertype


def port_filter_name(port_id: str) -> str:
    """The filter that the interface of a port refers to."""
    return f"{PORT}{port_id}"


def group_filter_name(group_id: str, project_id: str, ethertype: str) -> str:
    """The filter with a project's rules of a security group for one IP version: a port that has no address of the other one needs no rule of it."""
    return f"{GROUP}{uuid.uuid5(NAMESPACE, f'{project_id}/{group_id}')}-{ethertype.lower()}"


def filter_uuid(name: str) -> str:
    """The uuid that a filter of ours has."""
    return str(uuid.uuid5(NAMESPACE, name))


def is_group_filter(name: str, filter_id: str) -> bool:
    """True if a filter that stands on a host is one of ours for a group."""
    return name.startswith(GROUP) and filter_id == filter_uuid(name)
