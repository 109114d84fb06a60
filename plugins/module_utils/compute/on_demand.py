# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The networks of a host that are made on demand: with the first server that needs one, and gone with the last.

Needed is the bridge of a network as long as a domain of the host is defined with an interface on it, whoever's that is, and running or not. A claim is such a
domain, so that whoever builds finds its bridge, or makes it, and nobody removes it meanwhile: making, counting and removing happen under one lock of the host.
A domain is undefined before its networks are counted. So of two servers that go at once the later one takes the bridge with it, and what a process that was
killed in between has left goes with the next server that goes, or with a cleanup.
"""

from __future__ import annotations

import contextlib
import typing as t

from ansible_collections.kvmfleet.compute.plugins.module_utils.compute import locks, peers_file
from ansible_collections.kvmfleet.compute.plugins.module_utils.errors import ServerError
from ansible_collections.kvmfleet.compute.plugins.module_utils.hypervisor import HypervisorLike
from ansible_collections.kvmfleet.compute.plugins.module_utils.network.on_demand.devices import Device
from ansible_collections.kvmfleet.compute.plugins.module_utils.network.on_demand.kernel import KernelLike
from ansible_collections.kvmfleet.compute.plugins.module_utils.network.on_demand.names import VXLAN, alias_of, bridge_of, link_of
from ansible_collections.kvmfleet.compute.plugins.module_utils.network.on_demand.peers import Peers, networks_of
from ansible_collections.kvmfleet.compute.plugins.module_utils.network.on_demand.plan import Command, Removal, reachable, to_flood, to_make, to_remove, wanted
from ansible_collections.kvmfleet.compute.plugins.module_utils.network.vif.table import vif_of
from ansible_collections.kvmfleet.compute.plugins.module_utils.registrar import state_file
from ansible_collections.kvmfleet.compute.plugins.module_utils.registrar.epoch import NONE
from ansible_collections.kvmfleet.compute.plugins.module_utils.shapes import Binding, Domain, HostNetworks, Port, Record, TunnelReport


def made_bindings(ports: t.Iterable[Port]) -> t.List[Binding]:
    """The bindings of these ports whose bridge is made on demand; each once."""
    found: t.List[Binding] = []
    for port in ports:
        if vif_of(port["binding"]).is_made and port["binding"] not in found:
            found.append(port["binding"])
    return found


def _records(domains: t.Iterable[Domain]) -> t.List[Record]:
    return [domain["record"] for domain in domains if domain["record"] is not None]


def needed_bridges(domains: t.Iterable[Domain]) -> t.Set[str]:
    """The bridges that a defined domain needs, ours or foreign."""
    found: t.Set[str] = set()
    for domain in domains:
        found.update(interface["source"]["bridge"] for interface in domain["interfaces"] if "bridge" in interface["source"])
        found.update(map(bridge_of, made_bindings(domain["record"]["ports"]) if domain["record"] is not None else ()))
    return found


class Swept(t.NamedTuple):
    """What nobody needs any more."""

    removed: t.List[Device]  # that are gone; in check mode: that would be
    left: t.List[t.Tuple[str, str]]  # a bridge that stays all the same, and why


class Told(t.NamedTuple):
    """What was not what it must be."""

    changes: t.List[str]  # what is now, in a few words each
    problems: t.List[str]  # what could not be made so, as sentences


class OnDemand:
    """The networks of one host that are made on demand."""

    def __init__(self, hypervisor: HypervisorLike, state_path: str, kernel: KernelLike, *, check_mode: bool, timeout_s: float = 120.0) -> None:
        self._hypervisor, self._state_path, self._kernel = hypervisor, state_path, kernel
        self._check_mode, self._timeout_s = check_mode, timeout_s

    def make(self, bindings: t.Iterable[Binding], networks: HostNetworks) -> t.List[str]:
        """The bridges of these networks are there as they must be; returns what people call those that were not. ServerError if one can't be made."""
        wanted_here = list(bindings)
        if not wanted_here:
            return []
        changed = []
        with self._lock():
            peers = peers_file.read(self._state_path)
            for binding in wanted_here:
                commands = self._missing(binding, networks, peers)
                if not commands:
                    continue
                changed.append(alias_of(binding))
                if self._check_mode:
                    continue
                self._kernel.run(commands)
                left = self._missing(binding, networks, peers)
                if left:
                    raise ServerError("PortBindingFailed", f"{alias_of(binding)}: `{' '.join(left[0])}` had no effect", reschedule=True)
        return changed

    def _missing(self, binding: Binding, networks: HostNetworks, peers: Peers) -> t.List[Command]:
        devices, link = self._kernel.devices(), link_of(binding)
        is_vxlan = binding["type"] == VXLAN
        flooded = self._kernel.flood_list(link) if is_vxlan and link in devices else set()
        return to_make(wanted(binding, networks, peers.addresses(binding["name"]) if is_vxlan else ()), devices, flooded)

    def sweep(self) -> Swept:
        """Remove what is made on demand and nobody needs any more. ServerError if that fails."""
        if not self._kernel.has_ours():
            return Swept([], [])
        with self._lock():
            removal: Removal = to_remove(needed_bridges(self._hypervisor.domains()), self._kernel.devices())
            if not self._check_mode:
                self._kernel.run(removal.commands)
        return Swept(removal.removed, removal.left)

    def ask(self, host: str, address: t.Optional[str], now_ms: int) -> TunnelReport:
        """Which VXLAN networks servers here are on, as ``host`` reports it; ``address``: where it is reached, if that is known without a link that is there."""
        with self._lock():
            peers = peers_file.read(self._state_path)
            peers.have(networks_of(_records(self._hypervisor.domains())))
            report = peers.report(host, address or self._sending_address(peers), now_ms)
            if not self._check_mode:
                peers_file.write(self._state_path, peers)
        return report

    def _sending_address(self, peers: Peers) -> t.Optional[str]:
        devices = self._kernel.devices() if peers.told else {}
        links = (devices.get(str(link_of({"type": VXLAN, "name": network}))) for network in peers.told)
        return next((link.local for link in links if link is not None and link.local), None)

    def tell(self, reports: t.Iterable[TunnelReport]) -> Told:
        """Take what hosts say of themselves: frames for whom nobody has answered yet go to every host with servers on the network, and to no other.

        What a host said counts no more once it is not of the fleet, by the epoch that this one holds.
        """
        told = Told([], [])
        with self._lock():
            peers, epoch = peers_file.read(self._state_path), state_file.read(self._state_path).epoch
            known = peers.as_dict()
            peers.have(networks_of(_records(self._hypervisor.domains())))
            peers.take(reports)
            if epoch and epoch["store"] != NONE:
                peers.keep_only(epoch["hosts"])
            if not self._check_mode and peers.as_dict() != known:
                peers_file.write(self._state_path, peers)
            devices = self._kernel.devices() if peers.told else {}
            for network in peers.told:
                self._flood(network, peers.addresses(network), devices, told)
        return told

    def _flood(self, network: str, addresses: t.Set[str], devices: t.Mapping[str, Device], told: Told) -> None:
        """Where a network is not made yet its flood list comes with it."""
        binding: Binding = {"type": VXLAN, "name": network}
        device = devices.get(str(link_of(binding)))
        if device is None or device.local is None:
            return
        peers = reachable(device.local, addresses)
        commands = to_flood(device.name, peers, self._kernel.flood_list(device.name))
        others = sorted(addresses - peers - {device.local})
        if others:
            told.problems.append(f"VXLAN network {network}: {', '.join(others)} can't be reached from {device.local}, which is of the other IP version")
        if commands:
            told.changes.append(f"hosts of VXLAN network {network}: {len(peers)} beside this one")
            if not self._check_mode:
                self._kernel.run(commands)

    def _lock(self) -> t.ContextManager[None]:
        return contextlib.nullcontext() if self._check_mode else locks.network_lock(self._state_path, self._timeout_s)
