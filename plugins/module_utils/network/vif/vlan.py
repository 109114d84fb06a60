# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A port on a VLAN of a physical network: a bridge with a VLAN link on the device that the host has for the physical network; pure."""

from __future__ import annotations

import typing as t

from ansible_collections.kvmfleet.compute.plugins.module_utils.network.on_demand.names import vlan_of
from ansible_collections.kvmfleet.compute.plugins.module_utils.network.on_demand.offer import no_device, physical_network
from ansible_collections.kvmfleet.compute.plugins.module_utils.network.vif.made_bridge import MadeBridge
from ansible_collections.kvmfleet.compute.plugins.module_utils.shapes import Binding, HostNetworks


class Vlan(MadeBridge):
    """``name`` is the physical network and the VLAN, such as physnet1:5."""

    type = "vlan"

    def missing(self, binding: Binding, networks: HostNetworks) -> t.Optional[str]:
        """The device of the physical network, or that the kernel can make VLAN links."""
        physical, _number = vlan_of(binding)
        return no_device(networks, physical) or networks.get("no_vlans")

    def carrier(self, binding: Binding, networks: HostNetworks) -> t.Tuple[str, t.Optional[int]]:
        """The device, packets of its own MTU: the tag comes on top of that."""
        physical, _number = vlan_of(binding)
        found = physical_network(networks, physical)
        return (f"{found['device']}, the host's physical network {physical},", found["mtu"]) if found else (f"physical network {physical}", None)
