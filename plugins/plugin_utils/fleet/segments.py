# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The segments of the whole fleet: a libvirt network, or a physical network that is used as it is, is the bridge that it has on a host; pure."""

from __future__ import annotations

from collections.abc import Iterable

from ansible_collections.kvmfleet.compute.plugins.module_utils.network.segment import Segment, normal, segments
from ansible_collections.kvmfleet.compute.plugins.module_utils.shapes import Binding, Port
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.shapes import FleetHost

# What is taken: (segment, address).
Place = tuple[Segment, str]


class Segments:
    """Where ports meet. A port may go to any host in the end, so that the bridges of a network count on all of them.

    A network that is made on demand is one segment over the fleet by what its binding is called.
    """

    def __init__(self, hosts: Iterable[FleetHost]) -> None:
        self._bridges: dict[Segment, set[Segment]] = {}
        self._bridge_on: dict[tuple[str, Segment], str] = {}
        for host in hosts:
            networks = host.get("networks")
            for network in networks["libvirt"] if networks else ():
                self._add(host["name"], ("libvirt_network", network["name"]), network.get("bridge"))
            for physical in (networks.get("physical_networks") or ()) if networks else ():
                self._add(host["name"], ("flat", physical["name"]), physical["device"] if physical["is_bridge"] else None)

    def _add(self, host: str, network: Segment, bridge: str | None) -> None:
        if bridge:
            self._bridges.setdefault(network, set()).add(("bridge", bridge))
            self._bridge_on[host, network] = bridge

    def of(self, network_id: str, binding: Binding) -> frozenset[Segment]:
        """The segments of a network."""
        return segments(network_id, binding) | self._bridges.get((binding["type"], binding["name"]), set())

    def one(self, binding: Binding, host: str) -> str:
        """The one name of the segment of a port on a host, which runs with other catalogues have for it too: its bridge, or a libvirt network without one.

        A bridge of one name is taken for one segment on all hosts: no fact says that it ends on its host.
        """
        bridge = self._bridge_on.get((host, (binding["type"], binding["name"])))
        if bridge is not None:
            return f"bridge {bridge}"
        return f"{binding['type'].replace('_', ' ')} {binding['name']}"

    def places(self, network_id: str, binding: Binding, address: str) -> frozenset[Place]:
        """Where an address of a network is taken."""
        return frozenset((segment, normal(address)) for segment in self.of(network_id, binding))

    def places_of(self, port: Port) -> frozenset[Place]:
        """Where the addresses of a port are taken."""
        return frozenset(place for ip in port["fixed_ips"] for place in self.places(port["network_id"], port["binding"], ip["ip_address"]))


def own_addresses(hosts: Iterable[FleetHost]) -> dict[str, str]:
    """{address: the host that has it itself}."""
    found: dict[str, str] = {}
    for host in hosts:
        for address in (*(host.get("addresses") or ()), *([host["host_ip"]] if host.get("host_ip") else ())):
            found.setdefault(normal(str(address)), host["name"])
    return found
