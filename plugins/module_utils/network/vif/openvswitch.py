# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A port on an Open vSwitch bridge of the host; pure.

Libvirt makes the tap, and Open vSwitch's port of it with the interface id and the tag (``src/util/virnetdevopenvswitch.c``). A port is always an access
port of one VLAN: one without a tag would be a trunk, whose guest sees and reaches all VLANs; where no VLAN is asked for it has the tag 0, which are the frames
without one. Libvirt filters nothing here, and what Open vSwitch can't limit it doesn't tell (``ovs-vsctl`` goes well all the same).
"""

from __future__ import annotations

import typing as t
import xml.etree.ElementTree as ET

from ansible_collections.kvmfleet.compute.plugins.module_utils.network.vif.base import Links, Vif, bridge_mtu, on_another_bridge
from ansible_collections.kvmfleet.compute.plugins.module_utils.shapes import Binding, HostNetworks, Interface, Port, SwitchPort

UNTAGGED = 0


def tag_of(binding: Binding) -> int:
    """The tag of its ports."""
    return binding.get("vlan", UNTAGGED)


def broken(device: str, found: SwitchPort) -> t.Optional[str]:
    """Half a sentence if Open vSwitch can't use the device."""
    return f"Open vSwitch can't use {device}: {found['error']}" if found["error"] else None


class OpenVSwitch(Vif):
    """``name`` is the bridge's device."""

    type = "openvswitch"
    noun = "an Open vSwitch bridge"
    interface_type = "bridge"
    link_type = "ovs"
    may_be_switched = True

    def missing(self, binding: Binding, networks: HostNetworks) -> t.Optional[str]:
        """The bridge."""
        if any(bridge["name"] == binding["name"] for bridge in networks.get("switches") or []):
            return None
        why = networks.get("no_switches")
        return f"the host has no Open vSwitch bridge {binding['name']}{f': {why}' if why else ''}"

    def source(self, binding: Binding) -> t.Dict[str, str]:
        """The bridge."""
        return {"bridge": binding["name"]}

    def element(self, port: Port, model: str) -> ET.Element:
        """With the interface id that controllers of Open vSwitch know ports by, and the tag."""
        element = super().element(port, model)
        virtualport = ET.SubElement(element, "virtualport", {"type": self.type})
        ET.SubElement(virtualport, "parameters", {"interfaceid": port["id"]})
        ET.SubElement(ET.SubElement(element, "vlan"), "tag", {"id": str(tag_of(port["binding"]))})
        return element

    def carrier(self, binding: Binding, networks: HostNetworks) -> t.Tuple[str, t.Optional[int]]:
        """The bridge."""
        return f"bridge {binding['name']}", bridge_mtu(binding["name"], networks)

    def device(self, binding: Binding, _networks: HostNetworks) -> t.Optional[str]:
        """The host's own port of the bridge, which gets frames without a tag as they are."""
        return binding["name"] if tag_of(binding) == UNTAGGED else None

    def compared(self, port: Port, interface: Interface) -> t.Iterator[t.Tuple[str, object, object]]:
        """The tag and the interface id."""
        yield "vlan", tag_of(port["binding"]), interface["vlan"]
        yield "interface_id", port["id"].lower(), interface["interface_id"]

    def misplaced(self, port: Port, _interface: Interface, device: str, links: Links) -> t.Optional[str]:
        """What Open vSwitch says of the device; the kernel knows nothing of a bridge in user space."""
        binding, found = port["binding"], links.switch_port(device)
        why = on_another_bridge(device, binding["name"], found and found["bridge"])
        if why or found is None:
            return why
        vlan, interface_id = found["vlan"], found["interface_id"]
        if vlan != tag_of(binding):
            return f"{device} has {'no VLAN tag' if vlan is None else f'the VLAN tag {vlan}'}, not {tag_of(binding)}"
        if (interface_id or "").lower() != port["id"].lower():
            return f"{device} has {f'the interface id {interface_id}' if interface_id else 'no interface id'}, not that of the port"
        return broken(device, found)
