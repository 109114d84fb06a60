# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ports on a host: is what the controller chose there, and did the guest's interfaces land on it?

Stands for Neutron's binding and Nova's ``plug_vifs`` and ``network-vif-plugged`` events: the state is looked up, no event bus is needed.
"""

from __future__ import annotations

import typing as t

from ansible_collections.kvmfleet.compute.plugins.module_utils.errors import ServerError
from ansible_collections.kvmfleet.compute.plugins.module_utils.network import bridges


def inactive_networks(ports: list[dict[str, t.Any]], networks: list[dict[str, t.Any]]) -> list[str]:
    """The libvirt networks that these ports need and that are defined but not active."""
    active = {network["name"]: network["active"] for network in networks}
    wanted = {port["libvirt_network"] for port in ports if port.get("libvirt_network")}
    return sorted(name for name in wanted if active.get(name) is False)


def check_bindings(ports: list[dict[str, t.Any]], networks: list[dict[str, t.Any]]) -> None:
    """ServerError (PortBindingFailed) where a port's bridge or libvirt network is not on this host, or the bridge is down or too narrow."""
    known = {network["name"] for network in networks}
    for port in ports:
        where = f"port {port['id']} on network {port['network_name']}"
        if port.get("libvirt_network"):
            if port["libvirt_network"] not in known:
                raise ServerError("PortBindingFailed", f"{where}: the host has no libvirt network {port['libvirt_network']}", reschedule=True)
            continue
        bridge = port["bridge"]
        if not bridges.is_bridge(bridge):
            raise ServerError("PortBindingFailed", f"{where}: the host has no bridge {bridge}", reschedule=True)
        if not bridges.is_up(bridge):
            raise ServerError("PortBindingFailed", f"{where}: bridge {bridge} is down", reschedule=True)


def check_plugged(ports: list[dict[str, t.Any]], interfaces: list[dict[str, t.Any]]) -> None:
    """ServerError (VirtualInterfacePlugException) unless each port's tap is up and on its bridge; ``interfaces``: the live ones."""
    by_mac = {interface["mac_address"]: interface for interface in interfaces}
    for port in ports:
        interface = by_mac.get(port["mac_address"].lower())
        if interface is None or not interface["device"]:
            raise ServerError("VirtualInterfacePlugException", f"port {port['id']}: the guest has no interface {port['mac_address']}", reschedule=True)
        device = interface["device"]
        wanted = port.get("bridge") or interface["bridge"]
        found = bridges.bridge_of(device)
        if found != wanted:
            raise ServerError("VirtualInterfacePlugException", f"port {port['id']}: {device} is on bridge {found}, not on {wanted}", reschedule=True)
        if not bridges.is_up(device):
            raise ServerError("VirtualInterfacePlugException", f"port {port['id']}: {device} is down", reschedule=True)
