# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a host offers ports, read from the kernel, from Open vSwitch and from libvirt."""

from __future__ import annotations

import typing as t

from ansible_collections.kvmfleet.compute.plugins.module_utils.errors import ServerError
from ansible_collections.kvmfleet.compute.plugins.module_utils.network import bridges, open_vswitch
from ansible_collections.kvmfleet.compute.plugins.module_utils.network.devices import devices
from ansible_collections.kvmfleet.compute.plugins.module_utils.network.switch_tables import Switch
from ansible_collections.kvmfleet.compute.plugins.module_utils.shapes import HostNetworks, LibvirtNetwork, SwitchBridge


def _bridges(switch: Switch) -> t.List[SwitchBridge]:
    return [{"name": name, "port_mtu": bridges.least_mtu(device for device, port in switch.ports.items() if port["bridge"] == name)} for name in switch.bridges]


def offer(libvirt_networks: t.List[LibvirtNetwork], unfiltered: t.Optional[str], user_backends: t.Dict[str, t.Optional[str]]) -> HostNetworks:
    """The host's networks; ``unfiltered``: why it can't enforce port security; ``user_backends``: why it can't connect guests without privileges."""
    try:
        switch, no_switches = open_vswitch.read(), None
    except ServerError as error:
        switch, no_switches = Switch([], {}), error.message
    return {
        "bridges": bridges.bridges(),
        "libvirt": libvirt_networks,
        "switches": _bridges(switch),
        "no_switches": no_switches,
        "devices": devices(),
        "unfiltered": unfiltered,
        "user_backends": user_backends,
    }
