# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A port on a physical network as it is: on the bridge that the host has for it by its bridge mappings; pure.

The bridge is the host's own, so that nothing is made and nothing goes. Its name may be another one on each host: the host writes it into the record of a server
that it takes.
"""

from __future__ import annotations

import typing as t

from ansible_collections.kvmfleet.compute.plugins.module_utils.errors import ServerError
from ansible_collections.kvmfleet.compute.plugins.module_utils.network.on_demand.offer import MAPPINGS, no_device, physical_network
from ansible_collections.kvmfleet.compute.plugins.module_utils.network.vif.bridge import Bridge
from ansible_collections.kvmfleet.compute.plugins.module_utils.shapes import Binding, HostNetworks, Interface


class Flat(Bridge):
    """``name`` is the physical network."""

    type = "flat"

    def missing(self, binding: Binding, networks: HostNetworks) -> t.Optional[str]:
        """The bridge of the physical network, or that it is up. A server that is there stays on the bridge that it has."""
        if "bridge" in binding:
            return super().missing({"type": "bridge", "name": binding["bridge"]}, networks)
        found = physical_network(networks, binding["name"])
        why = no_device(networks, binding["name"])
        if why is None and found is not None and not found["is_bridge"]:
            return f"{found['device']}, the host's physical network {found['name']} ({MAPPINGS}), is no bridge, and a flat network needs one"
        return why

    def source(self, binding: Binding) -> t.Dict[str, str]:
        """The bridge; ServerError (PortBindingFailed) if the host has not said which that is."""
        return {"bridge": self._bridge(binding)}

    def device(self, binding: Binding, networks: HostNetworks) -> t.Optional[str]:
        """The bridge itself."""
        found = physical_network(networks, binding["name"])
        return binding.get("bridge") or (found["device"] if found else None)

    def bridge(self, binding: Binding, _interface: Interface) -> t.Optional[str]:
        """The bridge itself."""
        return self._bridge(binding)

    def on_host(self, binding: Binding, mappings: t.Mapping[str, str]) -> Binding:
        """With the bridge that the host has for the physical network."""
        return {**binding, "bridge": mappings[binding["name"]]} if binding["name"] in mappings else binding

    def _bridge(self, binding: Binding) -> str:
        if "bridge" not in binding:
            why = f"the host has no mapping for the physical network {binding['name']} ({MAPPINGS})"
            raise ServerError("PortBindingFailed", why, reschedule=True)
        return binding["bridge"]
