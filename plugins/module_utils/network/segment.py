# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where an address must be unique: the segments that a port is in, whatever the catalogue calls its network; pure."""

from __future__ import annotations

import ipaddress
import typing as t

from ansible_collections.kvmfleet.compute.plugins.module_utils.shapes import Binding, LibvirtNetwork, Port

# What names a segment. Two ports that share one may meet.
Segment = t.Tuple[str, str]


def medium(binding: Binding) -> Segment:
    """What carries the frames: a bridge or libvirt network, a part of one, or what guests share a device by."""
    parts = [binding["name"]]
    if binding.get("vlan"):
        parts.append(f"VLAN {binding['vlan']}")
    if binding.get("portgroup"):
        parts.append(f"portgroup {binding['portgroup']}")
    return binding["type"], " ".join(parts)


def title(segment: Segment) -> str:
    """What runs with other catalogues call it, too."""
    return f"{segment[0].replace('_', ' ')} {segment[1]}"


def segments(network_id: str, binding: Binding) -> t.FrozenSet[Segment]:
    """The catalogue's network, and what its binding is called: a network that was renamed is on the same bridge, or the same VLAN or VXLAN, still."""
    found = {("network", network_id), medium(binding)}
    if binding["type"] == "macvtap":
        # On a bridge's own device guests meet those of the bridge.
        found.add(("bridge", binding["name"]))
    return frozenset(found)


def under(network: LibvirtNetwork, portgroup: t.Optional[str]) -> t.Optional[Segment]:
    """What a host's libvirt network, or a part of it, is on there; None if it has no bridge."""
    bridge = network.get("bridge")
    if not bridge:
        return None
    if network.get("kind") != "openvswitch":
        return "bridge", bridge
    parts = network.get("portgroups") or []
    part = next((part for part in parts if (part["name"] == portgroup if portgroup else part["default"])), None)
    vlan = (part["vlan"] if part else None) or network.get("vlan")
    return medium({"type": "openvswitch", "name": bridge, "vlan": vlan} if vlan else {"type": "openvswitch", "name": bridge})


def addresses_of(port: Port) -> t.Set[t.Tuple[Segment, str]]:
    """The addresses of a port, each in every segment of it."""
    return {(segment, normal(ip["ip_address"])) for segment in segments(port["network_id"], port["binding"]) for ip in port["fixed_ips"]}


def normal(address: str) -> str:
    """An address in its one spelling."""
    return str(ipaddress.ip_address(address))
