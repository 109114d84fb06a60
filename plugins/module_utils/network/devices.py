# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the kernel says of the network devices that guests can share by macvtap (sysfs)."""

from __future__ import annotations

import os

from ansible_collections.kvmfleet.compute.plugins.module_utils.network import bridges
from ansible_collections.kvmfleet.compute.plugins.module_utils.network.dhcp.names import key_in
from ansible_collections.kvmfleet.compute.plugins.module_utils.network.on_demand.names import is_our_name
from ansible_collections.kvmfleet.compute.plugins.module_utils.shapes import Device

# What a tap, a macvtap and the loopback have beside other devices: a file, a folder, a type.
TAP, MACVTAP, LOOPBACK = "tun_flags", "macvtap", "772"


def _can_be_shared(device: str) -> bool:
    folder = os.path.join(bridges.SYSFS, device)
    is_made_for_guests = any(os.path.exists(os.path.join(folder, mark)) for mark in (TAP, MACVTAP))
    return bridges.exists(device) and not is_made_for_guests and bridges.read(device, "type") != LOOPBACK


def devices() -> list[Device]:
    """Every device that is none of a guest's, not the loopback, and not made on demand: that goes with the last server that is plugged into it."""
    return [
        {"name": name, "up": bridges.is_up(name), "mtu": bridges.mtu_of(name) or 0, "port_of": bridges.bridge_of(name)}
        for name in bridges.names()
        if _can_be_shared(name) and not is_our_name(name) and not key_in(name)
    ]
