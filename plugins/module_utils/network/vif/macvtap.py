# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A port that shares a network device of the host by macvtap; pure.

The guests of one device reach each other and what is beyond it, but not the host itself: the kernel hands no frame from one to the other. Libvirt filters
nothing here, and the MTU is that of the device.
"""

from __future__ import annotations

import typing as t

from ansible_collections.kvmfleet.compute.plugins.module_utils.network.vif.base import Vif
from ansible_collections.kvmfleet.compute.plugins.module_utils.shapes import Binding, Device, HostNetworks


class Macvtap(Vif):
    """``name`` is the device below."""

    type = "macvtap"
    noun = "a device shared by macvtap"
    interface_type = "direct"
    link_type = "phy"  # Nova's word for what it has no other for
    is_limited = True
    sets_mtu = False

    def missing(self, binding: Binding, networks: HostNetworks) -> t.Optional[str]:
        """The device, that it is up, and that nobody else takes its frames."""
        device = _device(binding, networks)
        if device is None:
            return f"the host has no device {binding['name']} for macvtap"
        if device.get("port_of"):
            return f"device {device['name']} is a port of {device['port_of']}, so that guests can't share it by macvtap"
        return None if device["up"] else f"device {device['name']} is down"

    def source(self, binding: Binding) -> t.Dict[str, str]:
        """The device; guests that share it reach each other."""
        return {"dev": binding["name"], "mode": "bridge"}

    def carrier(self, binding: Binding, networks: HostNetworks) -> t.Tuple[str, t.Optional[int]]:
        """The device."""
        device = _device(binding, networks)
        return f"device {binding['name']}", device["mtu"] or None if device else None

    def device(self, binding: Binding, _networks: HostNetworks) -> t.Optional[str]:
        """The device: what is beyond it answers; of what shares it the records tell."""
        return binding["name"]


def _device(binding: Binding, networks: HostNetworks) -> t.Optional[Device]:
    return next((device for device in networks.get("devices") or [] if device["name"] == binding["name"]), None)
