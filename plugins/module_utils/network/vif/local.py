# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A port on a network that is nowhere but on its host, with Neutron's word: guests of one host reach each other, and nobody else; pure."""

from __future__ import annotations

import typing as t

from ansible_collections.kvmfleet.compute.plugins.module_utils.network.vif.made_bridge import MadeBridge
from ansible_collections.kvmfleet.compute.plugins.module_utils.shapes import Binding, HostNetworks


class Local(MadeBridge):
    """``name`` is the id of the network."""

    type = "local"

    def missing(self, _binding: Binding, _networks: HostNetworks) -> t.Optional[str]:
        """Nothing: any host can make a bridge."""
        return None

    def carrier(self, binding: Binding, networks: HostNetworks) -> t.Tuple[str, t.Optional[int]]:
        """The bridge, packets of any size: it has no other ports than guests."""
        return f"bridge {self.device(binding, networks)}", None
