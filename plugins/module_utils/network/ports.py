# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ports on a host: is what the controller chose there, and did the guest's interfaces land on it?

Stands for Neutron's binding and Nova's ``plug_vifs`` and ``network-vif-plugged`` events: the state is looked up, no event bus is needed.
"""

from __future__ import annotations

import typing as t

from ansible_collections.kvmfleet.compute.plugins.module_utils.errors import ServerError
from ansible_collections.kvmfleet.compute.plugins.module_utils.network.vif.base import Links
from ansible_collections.kvmfleet.compute.plugins.module_utils.network.vif.table import vif_of
from ansible_collections.kvmfleet.compute.plugins.module_utils.shapes import Binding, HostNetworks, Interface, Port


def inactive(ports: t.Iterable[Port], networks: HostNetworks) -> t.List[Binding]:
    """The bindings of these ports that the host has, but must realise first; of several parts of one network the first."""
    found: t.Dict[t.Tuple[str, str], Binding] = {}
    for port in ports:
        binding = port["binding"]
        if vif_of(binding).is_inactive(binding, networks):
            found.setdefault((binding["type"], binding["name"]), binding)
    return list(found.values())


def check_bindings(ports: t.Collection[Port], networks: HostNetworks) -> None:
    """ServerError (PortBindingFailed) if the host lacks what a port's binding needs."""
    for port in ports:
        vif, binding = vif_of(port["binding"]), port["binding"]
        why = vif.missing(binding, networks)
        why = why or (vif.unfiltered(binding, networks) if port["port_security_enabled"] else None)
        why = why or (vif.unlimited(binding, networks) if port.get("bandwidth") else None)
        if why:
            raise ServerError("PortBindingFailed", f"port {port['id']} on network {port['network_name']}: {why}", reschedule=True)


def check_filtered(ports: t.Iterable[Port], unfiltered: t.Optional[str]) -> None:
    """ServerError (PortBindingFailed) if a port with port security would be open; ``unfiltered``: why, on this host."""
    for port in ports:
        if port["port_security_enabled"] and unfiltered:
            raise ServerError("PortBindingFailed", f"port {port['id']} on network {port['network_name']}: {unfiltered}", reschedule=True)


def check_mtu(ports: t.Iterable[Port], networks: HostNetworks) -> None:
    """ServerError (PortBindingFailed) if a port's bridge can't carry its packets."""
    for port in ports:
        why = vif_of(port["binding"]).too_small(port["binding"], port["mtu"], networks)
        if why:
            raise ServerError("PortBindingFailed", f"port {port['id']} on network {port['network_name']}: {why}", reschedule=True)


# The MAC addresses that answer on a device for some addresses, by address (``network/address_probe.py``).
WhoHas = t.Callable[[str, t.Sequence[str]], t.Mapping[str, str]]


def check_unused(ports: t.Iterable[Port], networks: HostNetworks, who_has: WhoHas) -> None:
    """ServerError (FixedIpAlreadyInUse) if somebody answers for an address of these ports, (PortBindingFailed) if nobody can be asked on this host."""
    for port in ports:
        addresses = [fixed_ip["ip_address"] for fixed_ip in port["fixed_ips"]]
        if not addresses:
            continue
        device = vif_of(port["binding"]).device(port["binding"], networks)
        where = f"port {port['id']} on network {port['network_name']}"
        if device is None:
            raise ServerError(
                "PortBindingFailed", f"{where}: it can't be asked whether its addresses are in use, as the host has no device in it", reschedule=True
            )
        try:
            found = who_has(device, addresses)
        except OSError as error:
            raise ServerError(
                "PortBindingFailed", f"{where}: it can't be asked on {device} whether its addresses are in use: {error}", reschedule=True
            ) from error
        for address, mac in found.items():
            what = f"{where}: {address} is in use outside the fleet, {mac} answers for it on {device}; keep it out of the allocation pools of the subnet"
            raise ServerError("FixedIpAlreadyInUse", what)


def check_limits(ports: t.Iterable[Port], obstacle: t.Callable[[], t.Optional[str]]) -> None:
    """ServerError (PortBindingFailed) if a port has a limit, and ``obstacle``, which is only asked then, says why the host can't keep it."""
    for port in ports:
        why = obstacle() if port.get("bandwidth") else None
        if why:
            raise ServerError("PortBindingFailed", f"port {port['id']} on network {port['network_name']}: {why}", reschedule=True)


def check_plugged(ports: t.Iterable[Port], interfaces: t.Iterable[Interface], links: Links) -> None:
    """ServerError (VirtualInterfacePlugException) unless each port's tap is up and where it belongs; ``interfaces``: the live ones."""
    by_mac = {interface["mac_address"]: interface for interface in interfaces}
    for port in ports:
        reason = vif_of(port["binding"]).not_plugged(port, by_mac.get(port["mac_address"].lower()), links)
        if reason:
            raise ServerError("VirtualInterfacePlugException", f"port {port['id']}: {reason}", reschedule=True)
