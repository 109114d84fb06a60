# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What every type of binding answers; pure: the host's networks, its kernel links and its hypervisor are passed in."""

from __future__ import annotations

import typing as t
import xml.etree.ElementTree as ET

from ansible_collections.kvmfleet.compute.plugins.module_utils.network.filters.names import port_filter_name
from ansible_collections.kvmfleet.compute.plugins.module_utils.shapes import Bandwidth, Binding, HostNetworks, Interface, Port


class Links(t.Protocol):
    """The host's network devices (``network/bridges.py``)."""

    def is_up(self, device: str) -> bool:
        """True if the device is administratively up."""

    def bridge_of(self, device: str) -> t.Optional[str]:
        """The bridge that the device is a port of."""

    def mtu_of(self, device: str) -> t.Optional[int]:
        """The device's MTU in bytes; None if it can't be read."""


class NetworkStarter(t.Protocol):
    """The part of a hypervisor that starts networks."""

    def start_network(self, name: str) -> None:
        """Activate a libvirt network that is defined."""


def _bandwidth(limits: Bandwidth) -> ET.Element:
    element = ET.Element("bandwidth")
    for direction, rate in (("inbound", limits["inbound"]), ("outbound", limits["outbound"])):
        if rate:
            amounts = {"average": rate["average"], "peak": rate["peak"], "burst": rate["burst"]}
            ET.SubElement(element, direction, {name: str(amount) for name, amount in amounts.items() if amount})
    return element


class Vif:
    """One type of binding: what a host must have for it, its XML, how it is made ready, and how its plugging is checked."""

    type = ""  # of a Binding, and the file's name
    interface_type = ""  # libvirt's <interface type="…">
    link_type = ""  # the guest's network_data
    is_filtered = False  # libvirt filters what it carries
    is_limited = False  # libvirt can limit the bandwidth of its taps
    is_made = False  # its bridge is made on the host with the first server that needs it

    def missing(self, binding: Binding, networks: HostNetworks) -> t.Optional[str]:
        """What the host lacks for this binding, as half a sentence; None if it has all. Asked by the scheduler and by the host."""
        raise NotImplementedError

    def too_small(self, binding: Binding, mtu: t.Optional[int], networks: HostNetworks) -> t.Optional[str]:
        """Why packets of ``mtu`` bytes don't get through, as half a sentence; None if they do, if nothing is asked, or if it is not known."""
        name = self.device(binding, networks)
        found = next((bridge for bridge in networks["bridges"] if bridge["name"] == name), None)
        if found is None or not mtu:
            return None
        # A bridge's own MTU follows its smallest tap; what leaves the host does so by its other ports.
        limit = found.get("port_mtu") or found.get("mtu")
        return f"bridge {name} carries packets of up to {limit} bytes, and the network's MTU is {mtu}" if limit and limit < mtu else None

    def source(self, binding: Binding) -> t.Dict[str, str]:
        """The attributes of the interface's ``<source>``."""
        raise NotImplementedError

    def element(self, port: Port, model: str) -> ET.Element:
        """``<interface>`` of a port (``nova/virt/libvirt/vif.py``)."""
        element = ET.Element("interface", {"type": self.interface_type})
        ET.SubElement(element, "source", self.source(port["binding"]))
        ET.SubElement(element, "mac", {"address": port["mac_address"]})
        ET.SubElement(element, "target", {"dev": port["device"]})
        ET.SubElement(element, "model", {"type": model})
        if port["queues"]:
            # Without a name libvirt takes vhost where the host has it, and QEMU's own queues elsewhere.
            ET.SubElement(element, "driver", {"queues": str(port["queues"])})
        if port["mtu"]:
            ET.SubElement(element, "mtu", {"size": str(port["mtu"])})
        if port["port_security_enabled"]:
            ET.SubElement(element, "filterref", {"filter": port_filter_name(port["id"])})
        if port["bandwidth"]:
            element.append(_bandwidth(port["bandwidth"]))
        return element

    def on_host(self, binding: Binding, _mappings: t.Mapping[str, str]) -> Binding:
        """With what only its host can say of it; ``mappings``: the host's devices by physical network."""
        return binding

    def is_inactive(self, _binding: Binding, _networks: HostNetworks) -> bool:
        """True if the host has it, but it must be realised first."""
        return False

    def realise(self, _hypervisor: NetworkStarter, _binding: Binding) -> None:
        """Make ready what is inactive."""

    def bridge(self, _binding: Binding, _interface: Interface) -> t.Optional[str]:
        """The bridge that the port's tap must be on; None if it may be on any."""
        return None

    def device(self, _binding: Binding, _networks: HostNetworks) -> t.Optional[str]:
        """The host's device on which the frames of the network's guests can be asked for; None if there is none."""
        return None

    def not_plugged(self, port: Port, interface: t.Optional[Interface], links: Links) -> t.Optional[str]:
        """Why the running guest's port is not plugged, as half a sentence; None if it is. ``interface``: the live one with the port's MAC address."""
        if interface is None or not interface["device"]:
            return f"the guest has no interface {port['mac_address']}"
        device = interface["device"]
        wanted, found = self.bridge(port["binding"], interface), links.bridge_of(device)
        if wanted is not None and found != wanted:
            return f"{device} is on {f'bridge {found}' if found else 'no bridge'}, not on {wanted}"
        if not links.is_up(device):
            return f"{device} is down"
        mtu = links.mtu_of(device)
        if port["mtu"] and mtu and mtu != port["mtu"]:
            return f"{device} has an MTU of {mtu} bytes, not of {port['mtu']}"
        return None
