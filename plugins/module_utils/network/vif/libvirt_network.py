# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A port on a libvirt network of the host; pure."""

from __future__ import annotations

import typing as t

from ansible_collections.kvmfleet.compute.plugins.module_utils.network.vif.base import NetworkStarter, Vif
from ansible_collections.kvmfleet.compute.plugins.module_utils.shapes import Binding, HostNetworks, Interface


class LibvirtNetwork(Vif):
    """``name`` is libvirt's name of the network; one that is not active is started."""

    type = "libvirt_network"
    interface_type = "network"
    link_type = "phy"
    is_filtered = True
    is_limited = True

    def missing(self, binding: Binding, networks: HostNetworks) -> t.Optional[str]:
        """The network; it need not be active."""
        if any(network["name"] == binding["name"] for network in networks["libvirt"]):
            return None
        return f"the host has no libvirt network {binding['name']}"

    def source(self, binding: Binding) -> t.Dict[str, str]:
        """The network."""
        return {"network": binding["name"]}

    def is_inactive(self, binding: Binding, networks: HostNetworks) -> bool:
        """True if the network is defined, but not started."""
        return any(network["name"] == binding["name"] and not network["active"] for network in networks["libvirt"])

    def realise(self, hypervisor: NetworkStarter, binding: Binding) -> None:
        """Start the network."""
        hypervisor.start_network(binding["name"])

    def device(self, binding: Binding, networks: HostNetworks) -> t.Optional[str]:
        """The network's bridge; a network that passes a card on has none."""
        return next((network["bridge"] for network in networks["libvirt"] if network["name"] == binding["name"]), None)

    def bridge(self, _binding: Binding, interface: Interface) -> t.Optional[str]:
        """The bridge that libvirt says the network has; a network without a bridge has none."""
        return interface["source"].get("bridge")
