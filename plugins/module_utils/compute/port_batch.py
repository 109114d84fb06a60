# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The module ``port``: the ports of a host's servers, realised without a build."""

from __future__ import annotations

import time
import typing as t

from ansible_collections.kvmfleet.compute.plugins.module_utils.compute.arguments import NetworkOptions
from ansible_collections.kvmfleet.compute.plugins.module_utils.compute.outcome import outcome
from ansible_collections.kvmfleet.compute.plugins.module_utils.errors import KvmfleetError, ServerError
from ansible_collections.kvmfleet.compute.plugins.module_utils.guest.network_data import NetworkData, network_data
from ansible_collections.kvmfleet.compute.plugins.module_utils.hypervisor import HypervisorLike
from ansible_collections.kvmfleet.compute.plugins.module_utils.network import limits, ports, user_backends
from ansible_collections.kvmfleet.compute.plugins.module_utils.network.dhcp import dnsmasq
from ansible_collections.kvmfleet.compute.plugins.module_utils.network.offer import offer
from ansible_collections.kvmfleet.compute.plugins.module_utils.network.on_demand.facts import add_offer
from ansible_collections.kvmfleet.compute.plugins.module_utils.network.port_security import unfiltered
from ansible_collections.kvmfleet.compute.plugins.module_utils.network.vif.table import vif_of
from ansible_collections.kvmfleet.compute.plugins.module_utils.shapes import Binding, HostNetworks, Outcome, Port


class PortOutcome(Outcome):
    """An outcome with what the guest will be told."""

    network_data: NetworkData


class PortServer(t.NamedTuple):
    """What is read of a server."""

    uuid: str
    display_name: t.Optional[str]
    ports: t.List[Port]


def read_servers(servers: t.List[t.Dict[str, t.Any]]) -> t.List[PortServer]:
    """Of the placements: an instance, or what has its fields; ServerError (InvalidInput) if one has no uuid."""
    found = []
    for server in servers:
        instance: t.Dict[str, t.Any] = server["instance"] if isinstance(server.get("instance"), dict) else server
        if not isinstance(instance.get("uuid"), str):
            raise ServerError("InvalidInput", "an element of servers has no uuid")
        found.append(PortServer(instance["uuid"], instance.get("display_name"), instance.get("ports") or []))
    return found


class PortBatch:
    """One call's ports on one host."""

    def __init__(self, hypervisor: HypervisorLike, network: NetworkOptions, check_mode: bool) -> None:
        self._hypervisor = hypervisor
        self._check_mode = check_mode
        self._networks: HostNetworks = offer(hypervisor.networks(), unfiltered(), user_backends.missing(hypervisor))
        add_offer(self._networks, network.bridge_mappings, network.tunnel_address)
        self._before = [network["name"] for network in self._networks["libvirt"] if network["active"]]
        self._started: t.List[str] = []

    def diff(self) -> t.Optional[t.Dict[str, t.Dict[str, t.List[str]]]]:
        """What was started; None if nothing was."""
        if not self._started:
            return None
        return {"before": {"active_networks": self._before}, "after": {"active_networks": sorted(self._before + self._started)}}

    def realise(self, servers: t.List[PortServer]) -> t.List[PortOutcome]:
        """Check each server's ports, and start the networks that they need; the failure of one is not its neighbours'."""
        return [self._outcome(server) for server in servers]

    def _outcome(self, server: PortServer) -> PortOutcome:
        begin = time.monotonic()
        inactive = [binding for binding in ports.inactive(server.ports, self._networks) if binding["name"] not in self._started]
        try:
            ports.check_bindings(server.ports, self._networks)
            ports.check_mtu(server.ports, self._networks)
            ports.check_limits(server.ports, limits.obstacle)
            ports.check_served(server.ports, dnsmasq.obstacle)
            for binding in inactive:
                self._start(binding)
            result = outcome(server.uuid, server.display_name, "built" if inactive else "unchanged", "port", changed=bool(inactive))
        except KvmfleetError as error:
            answer = error if isinstance(error, ServerError) else ServerError("PortBindingFailed", error.message, reschedule=True)
            result = outcome(server.uuid, server.display_name, "unknown" if error.unknown else "failed", "port", error=answer.as_dict())
        result["seconds"]["port"] = round(time.monotonic() - begin, 3)
        return {**result, "network_data": network_data(server.ports)}

    def _start(self, binding: Binding) -> None:
        if not self._check_mode:
            vif_of(binding).realise(self._hypervisor, binding)
        self._started.append(binding["name"])
