# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A host's network devices in a dict, and the interface of a running guest, for the unit tests of bindings."""

from __future__ import annotations

import typing as t

from ansible_collections.kvmfleet.compute.plugins.module_utils.shapes import Interface, SwitchPort


class FakeLinks:
    """{device: (bridge, up)}, all with one MTU and, on Linux bridges, in one state; ``switch``: what Open vSwitch has."""

    def __init__(
        self, mtu: int | None = 1500, state: str = "forwarding", switch: dict[str, SwitchPort] | None = None, **devices: tuple[str | None, bool]
    ) -> None:
        self._mtu, self._state, self._switch, self._devices = mtu, state, switch or {}, devices

    def exists(self, device: str) -> bool:
        return device in self._devices

    def is_up(self, device: str) -> bool:
        return self._devices[device][1]

    def bridge_of(self, device: str) -> str | None:
        return self._devices[device][0]

    def port_state(self, device: str) -> str | None:
        return self._state if self._devices[device][0] and device not in self._switch else None

    def mtu_of(self, _device: str) -> int | None:
        return self._mtu

    def switch_port(self, device: str) -> SwitchPort | None:
        return self._switch.get(device)


def live(**changes: t.Any) -> Interface:
    absent = dict.fromkeys(("mtu", "bandwidth", "queues", "virtualport", "interface_id", "vlan", "bus", "address"))
    return t.cast(Interface, {"mac_address": "fa:16:3e:00:00:01", "type": "bridge", "source": {}, "device": "tap0", **absent, **changes})
