# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A port that a process of its own connects to the outside, without privileges and without a device of the host (passt); pure.

Libvirt starts passt with the guest and tells it the port's address, which it gives the guest by DHCP, too (``src/qemu/qemu_passt.c``). Each guest is
alone: no frame of it meets another's. Libvirt filters nothing here, limits nothing, and has no device whose MTU it could set. QEMU's own slirp would do
without passt, but libvirt forwards no port to its guests, so that nobody could log in to them.
"""

from __future__ import annotations

import ipaddress
import typing as t
import xml.etree.ElementTree as ET

from ansible_collections.kvmfleet.compute.plugins.module_utils.errors import ServerError
from ansible_collections.kvmfleet.compute.plugins.module_utils.network.vif.base import Late, Links, Vif
from ansible_collections.kvmfleet.compute.plugins.module_utils.shapes import Binding, HostNetworks, Interface, Port

BACKEND = "passt"
LOOPBACK = "127.0.0.1"  # who may log in to the host may try the guest, and nobody else
SSH_PORT = 22


class User(Vif):
    """``name`` is the id of the network."""

    type = "user"
    noun = "a network without privileges"
    interface_type = "user"
    link_type = "phy"  # Nova's word for what it has no other for
    sets_mtu = False

    def missing(self, _binding: Binding, networks: HostNetworks) -> t.Optional[str]:
        """The tool, or a libvirt that knows it."""
        return networks.get("no_passt", "it is not known whether the host has passt")

    def source(self, _binding: Binding) -> t.Dict[str, str]:
        """None: nothing of the host is behind it."""
        return {}

    def element(self, port: Port, model: str) -> ET.Element:
        """``<interface>`` with the address that the guest has, and the port of the host that leads to its SSH."""
        element = ET.Element("interface", {"type": self.interface_type})
        ET.SubElement(element, "mac", {"address": port["mac_address"]})
        ET.SubElement(element, "model", {"type": model})
        if port["queues"]:
            ET.SubElement(element, "driver", {"queues": str(port["queues"])})
        ET.SubElement(element, "backend", {"type": BACKEND})
        for ip in port["fixed_ips"]:
            prefix = ipaddress.ip_network(ip["cidr"], strict=False).prefixlen
            ET.SubElement(element, "ip", {"address": ip["ip_address"], "family": "ipv4", "prefix": str(prefix)})
        forward = ET.SubElement(element, "portForward", {"proto": "tcp", "address": LOOPBACK})
        ET.SubElement(forward, "range", {"start": str(_ssh_port(port["binding"])), "to": str(SSH_PORT)})
        return element

    def carrier(self, _binding: Binding, _networks: HostNetworks) -> t.Tuple[str, t.Optional[int]]:
        """The tool, packets of any size: it takes them apart."""
        return BACKEND, None

    def compared(self, port: Port, interface: Interface) -> t.Iterator[t.Tuple[str, object, object]]:
        """That it is still no interface of another type."""
        yield "type", self.interface_type, interface["type"]

    def not_plugged(self, port: Port, interface: t.Optional[Interface], _links: Links) -> t.Optional[str]:
        """Without passt libvirt starts no guest, and there is nothing of the host to look at."""
        return None if interface else f"the guest has no interface {port['mac_address']}"

    def late(self, _port: Port, _interface: Interface, _links: Links) -> t.Optional[Late]:
        """Never: it passes frames as soon as the guest does."""
        return None


def _ssh_port(binding: Binding) -> int:
    if "ssh_port" not in binding:
        raise ServerError("PortBindingFailed", "the host has chosen no port that leads to the guest's SSH", reschedule=True)
    return binding["ssh_port"]
