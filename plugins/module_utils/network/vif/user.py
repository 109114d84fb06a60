# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A port that is connected to the outside without privileges and without a device of the host, by passt or by QEMU's own slirp; pure.

Libvirt starts passt with the guest and tells it the port's address, which it gives the guest by DHCP, too (``src/qemu/qemu_passt.c``). Slirp needs nothing
of the host; libvirt forwards no port to its guests, so that nobody can log in to them. Each guest is alone: no frame of it meets another's. Libvirt filters
nothing here, limits nothing, and has no device whose MTU it could set.
"""

from __future__ import annotations

import ipaddress
import typing as t
import xml.etree.ElementTree as ET

from ansible_collections.kvmfleet.compute.plugins.module_utils.errors import ServerError
from ansible_collections.kvmfleet.compute.plugins.module_utils.network.vif.base import Late, Links, Vif
from ansible_collections.kvmfleet.compute.plugins.module_utils.shapes import Binding, HostNetworks, Interface, Port

PASST, SLIRP = "passt", "slirp"  # a Binding's backend
LOOPBACK = "127.0.0.1"  # who may log in to the host may try the guest, and nobody else
SSH_PORT = 22


def has_ssh_port(binding: Binding) -> bool:
    """True for a port whose host leads a port of its own to the guest's SSH."""
    return binding.get("backend") == PASST


def is_reached(binding: Binding) -> bool:
    """False for a port whose addresses mean nothing outside its guest."""
    return binding["type"] != User.type


def slirp_gateway(cidr: str) -> str:
    """The address by which slirp is the way out of a network (QEMU's ``net/slirp.c: net_slirp_init``)."""
    network = ipaddress.IPv4Network(cidr, strict=False)
    return str(ipaddress.IPv4Address(int(network.network_address) | (0x0202 & int(network.hostmask))))


class User(Vif):
    """``name`` is the id of the network."""

    type = "user"
    noun = "a network without privileges"
    interface_type = "user"
    link_type = "phy"  # Nova's word for what it has no other for
    sets_mtu = False
    is_alone = True

    def missing(self, binding: Binding, networks: HostNetworks) -> t.Optional[str]:
        """The tool, or a libvirt that knows it."""
        backend = _backend(binding)
        known = networks.get("user_backends") or {}
        return known.get(backend, f"it is not known whether the host has {backend}")

    def source(self, _binding: Binding) -> t.Dict[str, str]:
        """None: nothing of the host is behind it."""
        return {}

    def element(self, port: Port, model: str) -> ET.Element:
        """``<interface>`` with the guest's network; of passt with the address that it gives the guest, and the port of the host that leads to its SSH."""
        element = ET.Element("interface", {"type": self.interface_type})
        ET.SubElement(element, "mac", {"address": port["mac_address"]})
        ET.SubElement(element, "model", {"type": model})
        if port["queues"]:
            ET.SubElement(element, "driver", {"queues": str(port["queues"])})
        is_passt = _backend(port["binding"]) == PASST
        if is_passt:
            ET.SubElement(element, "backend", {"type": PASST})
        for ip in port["fixed_ips"]:
            network = ipaddress.ip_network(ip["cidr"], strict=False)
            address = ip["ip_address"] if is_passt else str(network.network_address)
            ET.SubElement(element, "ip", {"address": address, "family": "ipv4", "prefix": str(network.prefixlen)})
        if not is_passt:
            return element
        forward = ET.SubElement(element, "portForward", {"proto": "tcp", "address": LOOPBACK})
        ET.SubElement(forward, "range", {"start": str(_ssh_port(port["binding"])), "to": str(SSH_PORT)})
        return element

    def carrier(self, binding: Binding, _networks: HostNetworks) -> t.Tuple[str, t.Optional[int]]:
        """The tool, packets of any size: it takes them apart."""
        return _backend(binding), None

    def compared(self, port: Port, interface: Interface) -> t.Iterator[t.Tuple[str, object, object]]:
        """That it is still no interface of another type."""
        yield "type", self.interface_type, interface["type"]

    def not_plugged(self, port: Port, interface: t.Optional[Interface], _links: Links) -> t.Optional[str]:
        """Without it libvirt starts no guest, and there is nothing of the host to look at."""
        return None if interface else f"the guest has no interface {port['mac_address']}"

    def late(self, _port: Port, _interface: Interface, _links: Links) -> t.Optional[Late]:
        """Never: it passes frames as soon as the guest does."""
        return None


def _backend(binding: Binding) -> str:
    return binding["backend"]


def _ssh_port(binding: Binding) -> int:
    if "ssh_port" not in binding:
        raise ServerError("PortBindingFailed", "the host has chosen no port that leads to the guest's SSH", reschedule=True)
    return binding["ssh_port"]
