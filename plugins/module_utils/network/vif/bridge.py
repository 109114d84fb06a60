# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A port on a Linux bridge of the host; pure."""

from __future__ import annotations

import typing as t

from ansible_collections.kvmfleet.compute.plugins.module_utils.network.vif.base import Vif
from ansible_collections.kvmfleet.compute.plugins.module_utils.shapes import Binding, HostNetworks, Interface


class Bridge(Vif):
    """``name`` is the bridge's device."""

    type = "bridge"
    noun = "a bridge"
    interface_type = "bridge"
    link_type = "bridge"
    is_filtered = True
    is_limited = True

    def missing(self, binding: Binding, networks: HostNetworks) -> t.Optional[str]:
        """The bridge, or that it is up."""
        for bridge in networks["bridges"]:
            if bridge["name"] == binding["name"]:
                return None if bridge["up"] else f"bridge {binding['name']} is down"
        return f"the host has no bridge {binding['name']}"

    def source(self, binding: Binding) -> t.Dict[str, str]:
        """The bridge."""
        return {"bridge": binding["name"]}

    def device(self, binding: Binding, _networks: HostNetworks) -> t.Optional[str]:
        """The bridge itself."""
        return binding["name"]

    def bridge(self, binding: Binding, _interface: Interface) -> t.Optional[str]:
        """The bridge itself."""
        return binding["name"]
