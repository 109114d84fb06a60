# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The commands that give a DHCP server its place beside a bridge, and take it away; pure.

The server is in a network namespace of its own: the host itself gets no address on the bridge of its guests, has no door open to them, and may have networks
with the same addresses on two bridges. Nothing is half right: a place that is not whole is taken away and made anew, and that it is whole says the alias,
which is given last.
"""

from __future__ import annotations

import typing as t

from ansible_collections.kvmfleet.compute.plugins.module_utils.errors import ServerError
from ansible_collections.kvmfleet.compute.plugins.module_utils.network.dhcp.configuration import SERVER_ADDRESS, Served
from ansible_collections.kvmfleet.compute.plugins.module_utils.network.dhcp.names import (
    INNER,
    alias_of,
    inner_mac,
    is_ours,
    key_of,
    namespace_of,
    outer_mac,
    outer_of,
)
from ansible_collections.kvmfleet.compute.plugins.module_utils.network.on_demand.devices import Device
from ansible_collections.kvmfleet.compute.plugins.module_utils.network.on_demand.plan import Command

# It answers for its address to nobody, forwards nothing, and hears no router. Where the kernel has no IPv6 there is less to set.
INSIDE = ("net/ipv4/conf/{}/arp_ignore=8", "net/ipv4/conf/{}/forwarding=0", "net/ipv6/conf/{}/accept_ra=0", "net/ipv6/conf/{}/accept_dad=0")
OUTSIDE = "net/ipv6/conf/{}/disable_ipv6=1"


def mtu_of(wanted: Served, devices: t.Mapping[str, Device]) -> int:
    """What the bridge's port must carry: a bridge takes the least MTU of its ports for its own. ServerError (PortBindingFailed) if there is no such bridge."""
    if wanted.bridge not in devices:
        raise ServerError("PortBindingFailed", f"the host has no bridge {wanted.bridge} to serve DHCP on", reschedule=True)
    return max(devices[wanted.bridge].mtu, wanted.mtu)


def check_free(wanted: Served, devices: t.Mapping[str, Device]) -> None:
    """ServerError (PortBindingFailed) if a device that is not of this collection has the name that is needed."""
    found = devices.get(outer_of(key_of(wanted.bridge)))
    if found is not None and not is_ours(found.name, found.mac_address, found.alias):
        raise ServerError("PortBindingFailed", f"the host has a device {found.name} that is not of this collection; it is left alone", reschedule=True)


def is_whole(wanted: Served, devices: t.Mapping[str, Device]) -> bool:
    """True if the place is there as it must be; that the namespace is there is not looked at."""
    found = devices.get(outer_of(key_of(wanted.bridge)))
    return found is not None and (found.alias, found.master, found.is_up) == (alias_of(wanted.bridge), wanted.bridge, True)


def to_make(wanted: Served, host: str, devices: t.Mapping[str, Device]) -> t.List[Command]:
    """What makes the place, of which nothing is there; ``host``: its name in the inventory."""
    key, mtu = key_of(wanted.bridge), str(mtu_of(wanted, devices))
    outer, namespace = outer_of(key), namespace_of(key)
    within = ["ip", "-n", namespace]
    pair = ["name", outer, "address", outer_mac(key), "mtu", mtu, "type", "veth"]
    return [
        ["ip", "netns", "add", namespace],
        ["ip", "link", "add", *pair, "peer", "name", INNER, "address", inner_mac(wanted.bridge, host), "mtu", mtu, "netns", namespace],
        ["nsenter", f"--net=/run/netns/{namespace}", "sysctl", "-q", "-e", "-w", *(setting.format(INNER) for setting in INSIDE)],
        [*within, "address", "add", f"{SERVER_ADDRESS}/32", "dev", INNER],
        [*within, "link", "set", "dev", INNER, "up"],
        [*within, "route", "add", "default", "dev", INNER],
        ["sysctl", "-q", "-e", "-w", OUTSIDE.format(outer)],
        ["ip", "link", "set", "dev", outer, "master", wanted.bridge],
        ["ip", "link", "set", "dev", outer, "up"],
        ["ip", "link", "set", "dev", outer, "alias", alias_of(wanted.bridge)],
    ]


def to_widen(wanted: Served, devices: t.Mapping[str, Device]) -> t.List[Command]:
    """What keeps a place that is there from making its bridge narrower than its network."""
    outer, mtu = outer_of(key_of(wanted.bridge)), mtu_of(wanted, devices)
    return [["ip", "link", "set", "dev", outer, "mtu", str(mtu)]] if devices[outer].mtu < mtu else []


def to_remove(key: str, has_namespace: bool, devices: t.Mapping[str, Device]) -> t.List[Command]:
    """What takes away what is there of a place. The device goes first: with its namespace it would go some time later."""
    found = devices.get(outer_of(key))
    ours = found is not None and is_ours(found.name, found.mac_address, found.alias)
    commands = [["ip", "link", "delete", "dev", outer_of(key)]] if ours else []
    return commands + ([["ip", "netns", "delete", namespace_of(key)]] if has_namespace else [])


def to_address(wanted: Served, addresses: t.Iterable[str]) -> t.List[Command]:
    """What gives the server its IPv6 addresses, those that it has, too."""
    namespace = namespace_of(key_of(wanted.bridge))
    return [["ip", "-n", namespace, "-6", "address", "replace", address, "dev", INNER, "nodad"] for address in addresses]
