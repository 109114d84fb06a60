# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What every type of binding answers; pure: the host's networks, its kernel links and its hypervisor are passed in."""

from __future__ import annotations

import typing as t
import xml.etree.ElementTree as ET

from ansible_collections.kvmfleet.compute.plugins.module_utils.network.filters.names import port_filter_name
from ansible_collections.kvmfleet.compute.plugins.module_utils.shapes import Bandwidth, Binding, HostNetworks, Interface, Port, SwitchPort

FORWARDING = "forwarding"
PASSING = ("listening", "learning")  # states of a bridge's port that end by themselves


class Links(t.Protocol):
    """The host's network devices (``network/links.py``)."""

    def exists(self, device: str) -> bool:
        """True if there is a device of this name."""

    def is_up(self, device: str) -> bool:
        """True if the device is administratively up."""

    def bridge_of(self, device: str) -> t.Optional[str]:
        """The bridge that the device is a port of."""

    def port_state(self, device: str) -> t.Optional[str]:
        """What its bridge does with its frames: disabled, listening, learning, forwarding or blocking; None if it is a port of none."""

    def mtu_of(self, device: str) -> t.Optional[int]:
        """The device's MTU in bytes; None if it can't be read."""

    def switch_port(self, device: str) -> t.Optional[SwitchPort]:
        """Where Open vSwitch has the device; None if it hasn't."""


class Late(t.NamedTuple):
    """A port that is where it belongs, and whose frames don't pass yet."""

    reason: str  # as half a sentence
    is_on_its_way: bool  # its frames pass within seconds, if nobody does anything


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
    noun = ""  # for sentences, with its article
    interface_type = ""  # libvirt's <interface type="…">
    link_type = ""  # the guest's network_data
    is_filtered = False  # libvirt filters what it carries
    is_limited = False  # libvirt can limit the bandwidth of its taps
    may_be_switched = False  # Open vSwitch may have its taps
    sets_mtu = True  # libvirt gives its taps the MTU that is asked for
    is_alone = False  # its guest meets nobody's frames
    is_made = False  # its bridge is made on the host with the first server that needs it

    def missing(self, binding: Binding, networks: HostNetworks) -> t.Optional[str]:
        """What the host lacks for this binding, as half a sentence; None if it has all. Asked by the scheduler and by the host."""
        raise NotImplementedError

    def too_small(self, binding: Binding, mtu: t.Optional[int], networks: HostNetworks) -> t.Optional[str]:
        """Why packets of ``mtu`` bytes don't get through, as half a sentence; None if they do, if nothing is asked, or if it is not known."""
        what, limit = self.carrier(binding, networks)
        return f"{what} carries packets of up to {limit} bytes, and the network's MTU is {mtu}" if limit and mtu and limit < mtu else None

    def carrier(self, binding: Binding, networks: HostNetworks) -> t.Tuple[str, t.Optional[int]]:
        """What carries the packets, and the most bytes of one; None if that is not known."""
        name = self.device(binding, networks)
        return f"bridge {name}", bridge_mtu(name, networks)

    def unfiltered(self, _binding: Binding, networks: HostNetworks) -> t.Optional[str]:
        """Why the host can't enforce port security there, as half a sentence; None if it can."""
        return networks.get("unfiltered")

    def unlimited(self, _binding: Binding, networks: HostNetworks) -> t.Optional[str]:
        """Why the host can't limit bandwidth there, as half a sentence; None if it can, or if that is not known."""
        return networks.get("unlimited")

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
        if port["mtu"] and self.sets_mtu:
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

    def compared(self, _port: Port, _interface: Interface) -> t.Iterator[t.Tuple[str, object, object]]:
        """(what, as the port has it, as the interface has it), of what only this type of binding has."""
        yield from ()

    def not_plugged(self, port: Port, interface: t.Optional[Interface], links: Links) -> t.Optional[str]:
        """Why the running guest's port is not where it belongs, as half a sentence; None if it is. No waiting helps.

        ``interface``: the live one with the port's MAC address.
        """
        if interface is None or not interface["device"]:
            return f"the guest has no interface {port['mac_address']}"
        device = interface["device"]
        if not links.exists(device):
            return f"{device} is gone"
        why = self.misplaced(port, interface, device, links)
        mtu = links.mtu_of(device)
        if why is None and self.sets_mtu and port["mtu"] and mtu and mtu != port["mtu"]:
            return f"{device} has an MTU of {mtu} bytes, not of {port['mtu']}"
        return why

    def misplaced(self, port: Port, interface: Interface, device: str, links: Links) -> t.Optional[str]:
        """Why the device is not where the port belongs, as half a sentence; None if it is."""
        wanted = self.bridge(port["binding"], interface)
        return None if wanted is None else on_another_bridge(device, wanted, links.bridge_of(device))

    def late(self, _port: Port, interface: Interface, links: Links) -> t.Optional[Late]:
        """Why the frames of a port that is where it belongs don't pass yet; None if they do. A change of the host's links may help."""
        device = interface["device"] or ""
        why = off(device, interface, links)
        if why:
            return Late(why, is_on_its_way=False)
        # Only a Linux bridge has its ports wait: neither a macvtap nor a port of Open vSwitch has a state.
        state = links.port_state(device)
        if state in (None, FORWARDING):
            return None
        return Late(f"{device} is {state} on bridge {links.bridge_of(device)}, not forwarding", is_on_its_way=state in PASSING)


def bridge_mtu(name: t.Optional[str], networks: HostNetworks) -> t.Optional[int]:
    """The most bytes of a packet that a Linux bridge or one of Open vSwitch carries; None if that is not known."""
    for bridge in networks["bridges"]:
        if bridge["name"] == name:
            # A bridge's own MTU follows its smallest tap, and says nothing then; what leaves the host does so by its other ports.
            own, tap = bridge.get("mtu"), bridge.get("tap_mtu")
            return bridge.get("port_mtu") or (None if own and tap and tap <= own else own)
    # Without such a port Open vSwitch carries whatever its guests send.
    return next((switch["port_mtu"] for switch in networks.get("switches") or [] if switch["name"] == name), None)


def on_another_bridge(device: str, wanted: str, found: t.Optional[str]) -> t.Optional[str]:
    """Half a sentence if the device is not on the bridge that is wanted."""
    return None if found == wanted else f"{device} is on {f'bridge {found}' if found else 'no bridge'}, not on {wanted}"


def off(device: str, interface: Interface, links: Links) -> t.Optional[str]:
    """Half a sentence if no frame can pass the device."""
    # Libvirt sets a macvtap up when its guest's CPUs run: until then what is below it counts.
    below = interface["source"].get("dev")
    if below:
        return None if links.is_up(below) else f"{below}, which is below {device}, is down"
    return None if links.is_up(device) else f"{device} is down"
