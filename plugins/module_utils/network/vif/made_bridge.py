# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A port on a bridge that is made on the host with the first server that needs it, and goes with the last (``compute/on_demand.py``); pure.

To libvirt and to the guest such a port is one on a bridge like any other. What differs from kind to kind is what the host must have for it, and how large its
packets may be: that is a file for each kind. How it is made is in one place for all of them (``network/on_demand/plan.py``), because they share their names,
their marks, and when they come and go.
"""

from __future__ import annotations

import typing as t

from ansible_collections.kvmfleet.compute.plugins.module_utils.network.on_demand.names import bridge_of
from ansible_collections.kvmfleet.compute.plugins.module_utils.network.vif.bridge import Bridge
from ansible_collections.kvmfleet.compute.plugins.module_utils.shapes import Binding, HostNetworks, Interface


class MadeBridge(Bridge):
    """``name`` is what tells the network from others on the wire."""

    is_made = True

    def missing(self, binding: Binding, networks: HostNetworks) -> t.Optional[str]:
        """What it takes to make the bridge."""
        raise NotImplementedError

    def source(self, binding: Binding) -> t.Dict[str, str]:
        """The bridge."""
        return {"bridge": bridge_of(binding)}

    def device(self, binding: Binding, _networks: HostNetworks) -> t.Optional[str]:
        """The bridge itself."""
        return bridge_of(binding)

    def bridge(self, binding: Binding, _interface: Interface) -> t.Optional[str]:
        """The bridge itself."""
        return bridge_of(binding)
