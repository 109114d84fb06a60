# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The segments of the whole fleet: a libvirt network, or a physical network that is used as it is, is the bridge that it has on a host; pure."""

from __future__ import annotations

from collections.abc import Iterable

from ansible_collections.kvmfleet.compute.plugins.module_utils.network.on_demand.names import FLAT
from ansible_collections.kvmfleet.compute.plugins.module_utils.network.segment import Segment, medium, normal, segments, title, under
from ansible_collections.kvmfleet.compute.plugins.module_utils.shapes import Binding, LibvirtNetwork, Port
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.shapes import FleetHost

# What is taken: (segment, address).
Place = tuple[Segment, str]


class Segments:
    """Where ports meet. A port may go to any host in the end, so that the bridges of a network count on all of them.

    A network that is made on demand is one segment over the fleet by what its binding is called.
    """

    def __init__(self, hosts: Iterable[FleetHost]) -> None:
        self._on: dict[str, dict[str, LibvirtNetwork]] = {}  # by its name and its host's
        self._flat: dict[str, dict[str, Segment]] = {}  # the bridges of physical networks, by the network's name and the host's
        for host in hosts:
            networks = host.get("networks")
            for network in networks["libvirt"] if networks else ():
                self._on.setdefault(network["name"], {})[host["name"]] = network
            for physical in (networks.get("physical_networks") or ()) if networks else ():
                if physical["is_bridge"]:
                    self._flat.setdefault(physical["name"], {})[host["name"]] = ("bridge", physical["device"])
        self._under: dict[tuple[str, str | None], frozenset[Segment]] = {}

    def of(self, network_id: str, binding: Binding) -> frozenset[Segment]:
        """The segments of a network."""
        found = segments(network_id, binding)
        if binding["type"] == FLAT:
            return found | set(self._flat.get(binding["name"], {}).values())
        return found | self._everywhere(binding["name"], binding.get("portgroup")) if binding["type"] == "libvirt_network" else found

    def _everywhere(self, name: str, portgroup: str | None) -> frozenset[Segment]:
        key = (name, portgroup)
        if key not in self._under:
            self._under[key] = frozenset(filter(None, (under(network, portgroup) for network in self._on.get(name, {}).values())))
        return self._under[key]

    def one(self, binding: Binding, host: str) -> str:
        """The one name of the segment of a port on a host, which runs with other catalogues have for it too: its bridge, or a libvirt network without one.

        A bridge of one name is taken for one segment on all hosts: no fact says that it ends on its host. So is a VLAN of an Open vSwitch bridge.
        """
        return title(self._below(binding, host) or medium(binding))

    def _below(self, binding: Binding, host: str) -> Segment | None:
        if binding["type"] == FLAT:
            return self._flat.get(binding["name"], {}).get(host)
        network = self._on.get(binding["name"], {}).get(host) if binding["type"] == "libvirt_network" else None
        return under(network, binding.get("portgroup")) if network else None

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
