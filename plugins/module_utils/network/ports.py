# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ports on a host: is what the controller chose there, and did the guest's interfaces land on it?

Stands for Neutron's binding and Nova's ``plug_vifs``; ``compute/plugging.py`` waits for ports as Nova does for ``network-vif-plugged``.
"""

from __future__ import annotations

import typing as t

from ansible_collections.kvmfleet.compute.plugins.module_utils.errors import ServerError
from ansible_collections.kvmfleet.compute.plugins.module_utils.network.dhcp.configuration import bridge_of
from ansible_collections.kvmfleet.compute.plugins.module_utils.network.filters.names import port_filter_name
from ansible_collections.kvmfleet.compute.plugins.module_utils.network.vif.base import Late, Links
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


def too_small(ports: t.Iterable[Port], networks: HostNetworks) -> t.List[str]:
    """A sentence for each port whose bridge can't carry its packets."""
    found = [(port, vif_of(port["binding"]).too_small(port["binding"], port["mtu"], networks)) for port in ports]
    return [f"port {port['id']} on network {port['network_name']}: {why}" for port, why in found if why]


def check_mtu(ports: t.Iterable[Port], networks: HostNetworks) -> None:
    """ServerError (PortBindingFailed) if a port's bridge can't carry its packets."""
    for why in too_small(ports, networks):
        raise ServerError("PortBindingFailed", why, reschedule=True)


# The MAC addresses that answer on a device for some addresses, by address (``network/address_probe.py``).
WhoHas = t.Callable[[str, t.Sequence[str]], t.Mapping[str, str]]


def check_unused(ports: t.Iterable[Port], networks: HostNetworks, who_has: WhoHas) -> None:
    """ServerError (FixedIpAlreadyInUse) if somebody answers for an address of these ports, (PortBindingFailed) if nobody can be asked on this host."""
    for port in ports:
        addresses = [fixed_ip["ip_address"] for fixed_ip in port["fixed_ips"]]
        vif = vif_of(port["binding"])
        if not addresses or vif.is_alone:
            continue
        device = vif.device(port["binding"], networks)
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


Obstacle = t.Callable[[], t.Optional[str]]


def check_limits(ports: t.Iterable[Port], obstacle: Obstacle) -> None:
    """ServerError (PortBindingFailed) if a port has a limit, and ``obstacle``, which is only asked then, says why the host can't keep it."""
    _check([port for port in ports if port.get("bandwidth")], obstacle)


def check_served(ports: t.Iterable[Port], obstacle: Obstacle) -> None:
    """ServerError (PortBindingFailed) if a port's guest is to be answered by its host, and ``obstacle``, which is only asked then, says why it can't."""
    _check([port for port in ports if bridge_of(port) is not None], obstacle)


def _check(concerned: t.Sequence[Port], obstacle: Obstacle) -> None:
    why = obstacle() if concerned else None
    if why:
        raise ServerError("PortBindingFailed", f"port {concerned[0]['id']} on network {concerned[0]['network_name']}: {why}", reschedule=True)


def check_plugged(ports: t.Iterable[Port], interfaces: t.Iterable[Interface], links: Links) -> t.List[Late]:
    """Which ports' frames don't pass yet, each reason as a sentence; ServerError (VirtualInterfacePlugException) if one is not where it belongs.

    ``interfaces``: the live ones.
    """
    late = []
    for port, interface in _with_interface(ports, interfaces):
        vif = vif_of(port["binding"])
        wrong = vif.not_plugged(port, interface, links)
        if wrong or interface is None:
            raise not_plugged(port, wrong or "the guest has no interface of it")
        found = vif.late(port, interface, links)
        if found:
            late.append(found._replace(reason=f"port {port['id']}: {found.reason}"))
    return late


def check_bound(ports: t.Iterable[Port], interfaces: t.Iterable[Interface], bound_filter: t.Callable[[str], t.Optional[str]]) -> None:
    """ServerError (VirtualInterfacePlugException) if libvirt does not filter the tap of a port with port security by the port's filter.

    ``bound_filter``: the name of a device's filter.
    """
    for port, interface in _with_interface(ports, interfaces):
        device = interface["device"] if interface else None
        if not port["port_security_enabled"] or not device:
            continue
        found, wanted = bound_filter(device), port_filter_name(port["id"])
        if found != wanted:
            raise not_plugged(port, f"libvirt filters {device} by {found or 'nothing'}, not by {wanted}")


def not_plugged(port: Port, why: str) -> ServerError:
    """The error of a port that is not plugged."""
    return ServerError("VirtualInterfacePlugException", f"port {port['id']}: {why}", reschedule=True)


def _with_interface(ports: t.Iterable[Port], interfaces: t.Iterable[Interface]) -> t.Iterator[t.Tuple[Port, t.Optional[Interface]]]:
    by_mac = {interface["mac_address"]: interface for interface in interfaces}
    return ((port, by_mac.get(port["mac_address"].lower())) for port in ports)
