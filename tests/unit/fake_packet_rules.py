# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The kernel's rules of ports, for the host side's unit tests."""

from __future__ import annotations

import collections.abc

from ansible_collections.kvmfleet.compute.plugins.module_utils.network.packet_rules import PacketRulesLike
from ansible_collections.kvmfleet.compute.plugins.module_utils.shapes import Port


class FakePacketRules:
    """``flushed``: the taps whose rules are missing."""

    def __init__(self) -> None:
        self.flushed: set[str] = set()

    def unfiltered_ports(self, ports: collections.abc.Collection[Port]) -> list[Port]:
        return [port for port in ports if port["device"] in self.flushed]


def has_packet_rules(fake: FakePacketRules) -> PacketRulesLike:
    """For the type checker: the fake has what the host side needs."""
    return fake
