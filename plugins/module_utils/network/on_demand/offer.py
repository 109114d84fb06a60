# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a host has for networks that are made on demand, as its facts say; pure."""

from __future__ import annotations

import ipaddress
import typing as t

from ansible_collections.kvmfleet.compute.plugins.module_utils.shapes import HostNetworks, PhysicalNetwork, Tunnel

# What VXLAN puts around a frame: IP, UDP and VXLAN headers, and the Ethernet header inside.
OVERHEAD = {4: 50, 6: 70}
MAPPINGS = "compute_bridge_mappings"


def overhead(address: str) -> int:
    """By how many bytes packets in a tunnel from this address must be smaller."""
    return OVERHEAD[ipaddress.ip_address(address).version]


def tunnel_mtu(tunnel: Tunnel) -> int:
    """The largest packets of guests that go through, in bytes."""
    return tunnel["mtu"] - overhead(tunnel["address"])


def physical_network(networks: HostNetworks, name: str) -> t.Optional[PhysicalNetwork]:
    """What the host has of it; None if it has no mapping for it."""
    return next((found for found in networks.get("physical_networks") or () if found["name"] == name), None)


def no_device(networks: HostNetworks, name: str) -> t.Optional[str]:
    """Why a physical network can't be reached, as half a sentence; None if its device is there and up."""
    found = physical_network(networks, name)
    if found is None:
        return f"the host has no mapping for the physical network {name} ({MAPPINGS})"
    if found["mtu"] is None:
        return f"the host has no device {found['device']}, which is to be its physical network {name} ({MAPPINGS})"
    return None if found["up"] else f"{found['device']}, the host's physical network {name}, is down"
