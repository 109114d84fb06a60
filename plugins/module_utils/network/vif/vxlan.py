# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A port on a VXLAN network: a bridge with a VXLAN link to the fleet's hosts that have servers on it, too; pure."""

from __future__ import annotations

import typing as t

from ansible_collections.kvmfleet.compute.plugins.module_utils.network.on_demand.offer import overhead, tunnel_mtu
from ansible_collections.kvmfleet.compute.plugins.module_utils.network.vif.made_bridge import MadeBridge
from ansible_collections.kvmfleet.compute.plugins.module_utils.shapes import Binding, HostNetworks


class Vxlan(MadeBridge):
    """``name`` is the VXLAN network identifier."""

    type = "vxlan"

    def missing(self, _binding: Binding, networks: HostNetworks) -> t.Optional[str]:
        """An address to send from, or that the kernel can make VXLAN links."""
        if networks.get("tunnel"):
            return None
        return networks.get("no_tunnels") or "the host has no address to send VXLAN from"

    def carrier(self, _binding: Binding, networks: HostNetworks) -> t.Tuple[str, t.Optional[int]]:
        """The tunnel, packets with its headers around them."""
        tunnel = networks.get("tunnel")
        if not tunnel:
            return "the tunnel", None
        return f"the tunnel from {tunnel['address']} ({tunnel['mtu']} bytes less {overhead(tunnel['address'])} for its headers)", tunnel_mtu(tunnel)
