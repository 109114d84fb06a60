# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A port on a libvirt network of the host; pure."""

from __future__ import annotations

import typing as t

from ansible_collections.kvmfleet.compute.plugins.module_utils.network.segment import under
from ansible_collections.kvmfleet.compute.plugins.module_utils.network.vif.base import Links, NetworkStarter, Vif, bridge_mtu, on_another_bridge
from ansible_collections.kvmfleet.compute.plugins.module_utils.network.vif.openvswitch import broken
from ansible_collections.kvmfleet.compute.plugins.module_utils.shapes import Binding, HostNetworks, Interface, Port
from ansible_collections.kvmfleet.compute.plugins.module_utils.shapes import LibvirtNetwork as LibvirtNetworkFacts

# What a libvirt network may be beside a Linux bridge.
OTHERS = {"openvswitch": "on Open vSwitch", "macvtap": "one of macvtap", "hostdev": "one that passes devices on"}


class LibvirtNetwork(Vif):
    """``name`` is libvirt's name of the network; one that is not active is started."""

    type = "libvirt_network"
    noun = "a libvirt network"
    interface_type = "network"
    link_type = "phy"
    is_filtered = True
    is_limited = True
    may_be_switched = True

    def missing(self, binding: Binding, networks: HostNetworks) -> t.Optional[str]:
        """The network, or the part of it that is wanted; it need not be active."""
        network, portgroup = _network(binding, networks), binding.get("portgroup")
        if network is None:
            return f"the host has no libvirt network {binding['name']}"
        if portgroup and all(portgroup != part["name"] for part in network.get("portgroups") or []):
            return f"libvirt network {binding['name']} of the host has no portgroup {portgroup}"
        return None

    def unfiltered(self, binding: Binding, networks: HostNetworks) -> t.Optional[str]:
        """What the host can't, or that libvirt filters nothing on what the network is."""
        kind = _kind(binding, networks)
        if kind is None:
            return super().unfiltered(binding, networks)
        return f"libvirt network {binding['name']} of the host is {kind}, which can't enforce port security; port_security_enabled: false leaves its ports open"

    def unlimited(self, binding: Binding, networks: HostNetworks) -> t.Optional[str]:
        """What the host can't, or that nothing is limited on what the network is."""
        kind = _kind(binding, networks)
        return (
            super().unlimited(binding, networks)
            if kind is None
            else f"libvirt network {binding['name']} of the host is {kind}, where bandwidth can't be limited"
        )

    def source(self, binding: Binding) -> t.Dict[str, str]:
        """The network, and the part of it that is wanted."""
        source = {"network": binding["name"]}
        return {**source, "portgroup": binding["portgroup"]} if binding.get("portgroup") else source

    def is_inactive(self, binding: Binding, networks: HostNetworks) -> bool:
        """True if the network is defined, but not started."""
        network = _network(binding, networks)
        return network is not None and not network["active"]

    def realise(self, hypervisor: NetworkStarter, binding: Binding) -> None:
        """Start the network."""
        hypervisor.start_network(binding["name"])

    def carrier(self, binding: Binding, networks: HostNetworks) -> t.Tuple[str, t.Optional[int]]:
        """The network's bridge."""
        network = _network(binding, networks)
        name = network["bridge"] if network else None
        return f"bridge {name}", bridge_mtu(name, networks)

    def device(self, binding: Binding, networks: HostNetworks) -> t.Optional[str]:
        """The network's bridge; a network that passes a card on has none, and the host's port of an Open vSwitch bridge is in none of its VLANs."""
        network = _network(binding, networks)
        if network is None:
            return None
        segment = under(network, binding.get("portgroup"))
        return network["bridge"] if segment and segment[1] == network["bridge"] else None

    def bridge(self, _binding: Binding, interface: Interface) -> t.Optional[str]:
        """The bridge that libvirt says the network has; a network without a bridge has none."""
        return interface["source"].get("bridge")

    def misplaced(self, port: Port, interface: Interface, device: str, links: Links) -> t.Optional[str]:
        """Where the device is says Open vSwitch, if the network is on it."""
        wanted = self.bridge(port["binding"], interface)
        if wanted is None or interface["virtualport"] != "openvswitch":
            return super().misplaced(port, interface, device, links)
        found = links.switch_port(device)
        return on_another_bridge(device, wanted, found and found["bridge"]) or (found and broken(device, found))


def _network(binding: Binding, networks: HostNetworks) -> t.Optional[LibvirtNetworkFacts]:
    return next((network for network in networks["libvirt"] if network["name"] == binding["name"]), None)


def _kind(binding: Binding, networks: HostNetworks) -> t.Optional[str]:
    """What the network is, in words; None for a Linux bridge, and where that is not known."""
    network = _network(binding, networks)
    return OTHERS.get(network.get("kind", "")) if network else None
