# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where an address must be unique: the segments that a port is in, whatever the catalogue calls its network; pure."""

from __future__ import annotations

import ipaddress
import typing as t

from ansible_collections.kvmfleet.compute.plugins.module_utils.shapes import Binding, Port

# What names a segment. Two ports that share one may meet.
Segment = t.Tuple[str, str]


def segments(network_id: str, binding: Binding) -> t.FrozenSet[Segment]:
    """The catalogue's network, and what its binding is called: a network that was renamed is on the same bridge, or the same VLAN or VXLAN, still."""
    return frozenset({("network", network_id), (binding["type"], binding["name"])})


def addresses_of(port: Port) -> t.Set[t.Tuple[Segment, str]]:
    """The addresses of a port, each in every segment of it."""
    return {(segment, normal(ip["ip_address"])) for segment in segments(port["network_id"], port["binding"]) for ip in port["fixed_ips"]}


def normal(address: str) -> str:
    """An address in its one spelling."""
    return str(ipaddress.ip_address(address))
