# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What must be there of a network that is made on demand, and the commands that make it so, or remove it; pure.

A command is an argv list. Nothing is done twice: what is there as it must be needs no command, and whatever stopped a process half way, the next one goes on
from there.
"""

from __future__ import annotations

import ipaddress
import typing as t

from ansible_collections.kvmfleet.compute.plugins.module_utils.errors import ServerError
from ansible_collections.kvmfleet.compute.plugins.module_utils.network.dhcp.names import key_in
from ansible_collections.kvmfleet.compute.plugins.module_utils.network.on_demand.devices import ANY, Device
from ansible_collections.kvmfleet.compute.plugins.module_utils.network.on_demand.names import (
    BRIDGE,
    VXLAN,
    alias_of,
    bridge_of,
    devices_beside,
    is_ours,
    link_of,
    mac_of,
    vlan_of,
)
from ansible_collections.kvmfleet.compute.plugins.module_utils.network.on_demand.offer import physical_network, tunnel_mtu
from ansible_collections.kvmfleet.compute.plugins.module_utils.shapes import Binding, HostNetworks

Command = t.List[str]
UDP_PORT = 4789  # IANA's for VXLAN

# The host takes no part in what its guests say to each other: it has no address there, answers for none, and hands nothing on.
APART = ("net/ipv6/conf/{}/disable_ipv6=1", "net/ipv4/conf/{}/arp_ignore=8", "net/ipv4/conf/{}/forwarding=0")


class Link(t.NamedTuple):
    """The device by which a bridge reaches other hosts."""

    name: str
    kind: str  # vlan or vxlan
    number: int  # of the VLAN or the VXLAN network
    parent: t.Optional[str]  # of a VLAN, the device that it is on
    local: t.Optional[str]  # of a VXLAN link, the address that it sends from
    mtu: t.Optional[int]  # bytes; None: its parent's
    peers: t.FrozenSet[str]  # of a VXLAN link, the addresses of the other hosts


class Wanted(t.NamedTuple):
    """What must be there of one network."""

    bridge: str
    alias: str
    link: t.Optional[Link]


def reachable(local: str, peers: t.Iterable[str]) -> t.FrozenSet[str]:
    """The peers that packets from an address can go to: those of its IP version, but for itself."""
    own = ipaddress.ip_address(local)
    others = {ipaddress.ip_address(peer) for peer in peers}
    return frozenset(str(peer) for peer in others if peer.version == own.version and peer != own)


def wanted(binding: Binding, networks: HostNetworks, peers: t.Iterable[str] = ()) -> Wanted:
    """What a host must have of a network that it can carry (``Vif.missing``); ServerError (PortBindingFailed) if it can't."""
    name = link_of(binding)
    if name is None:
        return Wanted(bridge_of(binding), alias_of(binding), None)
    if binding["type"] == VXLAN:
        tunnel = networks.get("tunnel")
        if tunnel is None:
            raise ServerError("PortBindingFailed", f"{networks.get('no_tunnels') or 'the host has no address to send VXLAN from'}", reschedule=True)
        link = Link(name, VXLAN, int(binding["name"]), None, tunnel["address"], tunnel_mtu(tunnel), reachable(tunnel["address"], peers))
        return Wanted(bridge_of(binding), alias_of(binding), link)
    physical, number = vlan_of(binding)
    found = physical_network(networks, physical)
    if found is None:
        raise ServerError("PortBindingFailed", f"the host has no mapping for the physical network {physical}", reschedule=True)
    return Wanted(bridge_of(binding), alias_of(binding), Link(name, binding["type"], number, found["device"], None, None, frozenset()))


def _is_right(link: Link, device: Device) -> bool:
    """What can't be changed in a device that is there."""
    if link.kind == VXLAN:
        return device.kind == VXLAN and (device.number, device.port) == (link.number, UDP_PORT) and device.local == link.local
    return device.kind == link.kind and (device.number, device.parent) == (link.number, link.parent)


def _is_in_the_way(link: Link, device: Device) -> bool:
    """The kernel makes no second device for a VLAN of one device, or for a VXLAN network on one port."""
    is_same = device.kind == link.kind and device.number == link.number and (device.port == UDP_PORT if link.kind == VXLAN else device.parent == link.parent)
    return is_same and device.name != link.name


def check_free(goal: Wanted, devices: t.Mapping[str, Device]) -> None:
    """ServerError (PortBindingFailed) if a device that is not of this collection has a name, or is the way out, that the network needs."""
    link = goal.link
    for name, kind in ((goal.bridge, "bridge"), *([(link.name, link.kind)] if link else [])):
        found = devices.get(name)
        if found is not None and (not is_ours(name, found.mac_address, found.alias) or found.kind != kind):
            why = f"the host has a device {name} that is not of this collection; it is left alone"
            raise ServerError("PortBindingFailed", f"{goal.alias}: {why}", reschedule=True)
    other = next((device for device in devices.values() if link and _is_in_the_way(link, device)), None)
    if other is not None:
        why = f"the host has the device {other.name} for it already, which is not of this collection; it is left alone"
        raise ServerError("PortBindingFailed", f"{goal.alias}: {why}", reschedule=True)


def _add(link: Link) -> Command:
    named = ["name", link.name, "address", mac_of(link.name)]
    if link.kind == VXLAN:
        sent = ["id", str(link.number), "dstport", str(UDP_PORT), "local", str(link.local), "learning"]
        return ["ip", "link", "add", *named, "mtu", str(link.mtu), "type", VXLAN, *sent]
    return ["ip", "link", "add", "link", str(link.parent), *named, "type", link.kind, "id", str(link.number)]


def _marked(name: str, alias: str, device: t.Optional[Device]) -> t.List[Command]:
    """Before the alias is there, what makes the device one that the host takes no part in."""
    if device is not None and device.alias == alias:
        return []
    # Where the kernel has no IPv6 there is nothing to set.
    return [["sysctl", "-q", "-e", "-w", *(setting.format(name) for setting in APART)], ["ip", "link", "set", "dev", name, "alias", alias]]


def _up(name: str, device: t.Optional[Device]) -> t.List[Command]:
    return [] if device is not None and device.is_up else [["ip", "link", "set", "dev", name, "up"]]


def to_make(goal: Wanted, devices: t.Mapping[str, Device], flooded: t.AbstractSet[str]) -> t.List[Command]:
    """What makes a network as it must be, of what is there; ``flooded``: the flood list of its VXLAN link. ServerError as ``check_free``."""
    check_free(goal, devices)
    bridge, commands = devices.get(goal.bridge), []
    if bridge is None:
        # Without a delay guests don't miss their first DHCP answers.
        kind = ["type", "bridge", "stp_state", "0", "forward_delay", "0"]
        commands.append(["ip", "link", "add", "name", goal.bridge, "address", mac_of(goal.bridge), *kind])
    commands += _marked(goal.bridge, goal.alias, bridge)
    if goal.link is not None:
        commands += _to_link(goal.link, goal, devices.get(goal.link.name), flooded)
    return commands + _up(goal.bridge, bridge)


def _to_link(link: Link, goal: Wanted, device: t.Optional[Device], flooded: t.AbstractSet[str]) -> t.List[Command]:
    commands: t.List[Command] = []
    if device is not None and not _is_right(link, device):
        commands.append(["ip", "link", "delete", "dev", link.name])
        device, flooded = None, frozenset()
    if device is None:
        commands.append(_add(link))
    commands += _marked(link.name, goal.alias, device)
    if device is not None and link.mtu is not None and device.mtu != link.mtu:
        commands.append(["ip", "link", "set", "dev", link.name, "mtu", str(link.mtu)])
    if device is None or device.master != goal.bridge:
        commands.append(["ip", "link", "set", "dev", link.name, "master", goal.bridge])
    commands += to_flood(link.name, link.peers, flooded) if link.kind == VXLAN else []
    return commands + _up(link.name, device)


def to_flood(device: str, peers: t.AbstractSet[str], flooded: t.AbstractSet[str]) -> t.List[Command]:
    """What makes the flood list of a VXLAN link that of these peers."""
    changes = [("append", peer) for peer in sorted(peers - flooded)] + [("del", peer) for peer in sorted(flooded - peers)]
    return [["bridge", "fdb", change, ANY, "dev", device, "dst", peer] for change, peer in changes]


class Removal(t.NamedTuple):
    """What is to go of what nobody needs."""

    commands: t.List[Command]
    removed: t.List[Device]
    left: t.List[t.Tuple[str, str]]  # a bridge that stays all the same, and why


def to_remove(bridges: t.Iterable[str], devices: t.Mapping[str, Device]) -> Removal:
    """What is left to do away with when these are the bridges that somebody needs. A bridge with somebody else's port stays, and how it reaches others."""
    needed = {name for bridge in bridges for name in devices_beside(bridge)}
    ours = {device.name: device for device in devices.values() if is_ours(device.name, device.mac_address, device.alias)}
    left: t.List[t.Tuple[str, str]] = []
    for name in sorted(name for name in ours if name.startswith(BRIDGE) and name not in needed):
        ports = sorted(device.name for device in devices.values() if device.master == name and device.name not in ours and not key_in(device.name))
        if ports:
            left.append((name, f"no server needs it any more, but it has a port that is not of this collection: {', '.join(ports)}"))
            needed |= devices_beside(name)
    # A link before its bridge.
    removed = sorted((device for name, device in ours.items() if name not in needed), key=lambda device: (device.name.startswith(BRIDGE), device.name))
    return Removal([["ip", "link", "delete", "dev", device.name] for device in removed], removed, left)
