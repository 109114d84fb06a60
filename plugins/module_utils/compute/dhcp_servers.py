# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The DHCP servers of a host's bridges: there with the first server whose guest its host answers, gone with the last.

What a DHCP server has to know is not written down anywhere: it is made of the records of the host's domains each time, under the lock for networks. A claim is
such a domain, so that who builds finds his own line and those of who is claimed with him, and a line of a server that is gone goes with whoever makes or
removes the next one. For each change the process begins anew. It keeps nothing: one that remembered whom it has given an address would give it to nobody else
once that guest is gone.
"""

from __future__ import annotations

import contextlib
import typing as t

from ansible_collections.kvmfleet.compute.plugins.module_utils.compute import locks
from ansible_collections.kvmfleet.compute.plugins.module_utils.hypervisor import HypervisorLike
from ansible_collections.kvmfleet.compute.plugins.module_utils.network.dhcp.configuration import Served, bridge_of, configuration, served, server_addresses
from ansible_collections.kvmfleet.compute.plugins.module_utils.network.dhcp.dnsmasq import DhcpLike, Loaded
from ansible_collections.kvmfleet.compute.plugins.module_utils.network.dhcp.names import inner_mac, key_of, outer_of
from ansible_collections.kvmfleet.compute.plugins.module_utils.network.dhcp.plan import check_free, is_whole, to_address, to_make, to_remove, to_widen
from ansible_collections.kvmfleet.compute.plugins.module_utils.network.on_demand.kernel import KernelLike
from ansible_collections.kvmfleet.compute.plugins.module_utils.shapes import Port


class DhcpServers:
    """The DHCP servers of one host."""

    def __init__(
        self, hypervisor: HypervisorLike, host: str, state_path: str, kernel: KernelLike, daemons: DhcpLike, *, check_mode: bool, timeout_s: float = 120.0
    ) -> None:
        """``host``: its name in the inventory."""
        self._hypervisor, self._host, self._state_path = hypervisor, host, state_path
        self._kernel, self._daemons = kernel, daemons
        self._check_mode, self._timeout_s = check_mode, timeout_s

    def make(self, ports: t.Iterable[Port]) -> None:
        """The guests of these ports, whose domain is defined, are answered. ServerError if that can't be."""
        bridges = sorted({bridge for bridge in map(bridge_of, ports) if bridge})
        if not bridges or self._check_mode:
            return
        with self._lock():
            wanted = self._wanted()
            for bridge in bridges:
                if bridge in wanted:
                    self._serve(wanted[bridge])

    def sweep(self) -> t.List[str]:
        """Nobody is answered any more whose domain is gone; returns the bridges' ports of servers that are gone, or would be. ServerError if that fails."""
        if not self._daemons.keys():
            return []
        with self._lock():
            wanted = {key_of(bridge): found for bridge, found in self._wanted().items()}
            removed = sorted(self._daemons.keys() - set(wanted))
            if not self._check_mode:
                for key in removed:
                    self._remove(key)
                for key in sorted(self._daemons.keys() & set(wanted)):
                    self._forget(key, wanted[key])
        return [outer_of(key) for key in removed]

    def _wanted(self) -> t.Dict[str, Served]:
        records = [domain["record"] for domain in self._hypervisor.domains()]
        return served(port for record in records if record is not None for port in record["ports"])

    def _serve(self, wanted: Served) -> None:
        key, devices = key_of(wanted.bridge), self._kernel.devices()
        check_free(wanted, devices)
        if is_whole(wanted, devices) and self._daemons.has_namespace(key):
            self._kernel.run(to_widen(wanted, devices))
        else:
            self._remove(key)
            self._kernel.run(to_make(wanted, self._host, self._kernel.devices()))
        goal, loaded = self._goal(wanted), self._daemons.loaded(key)
        if loaded != goal:
            self._kernel.run(to_address(wanted, server_addresses(wanted, inner_mac(wanted.bridge, self._host))))
            self._daemons.start(key, goal)

    def _forget(self, key: str, wanted: Served) -> None:
        """What runs no longer answers who is gone. What does not run is the next one's to start who needs it."""
        goal, loaded = self._goal(wanted), self._daemons.loaded(key)
        if loaded is not None and not set(loaded.hosts) <= set(goal.hosts):
            self._daemons.start(key, goal)

    def _remove(self, key: str) -> None:
        self._daemons.stop(key)
        self._kernel.run(to_remove(key, self._daemons.has_namespace(key), self._kernel.devices()))

    def _goal(self, wanted: Served) -> Loaded:
        return Loaded(configuration(wanted, self._daemons.folder(key_of(wanted.bridge))), wanted.hosts)

    def _lock(self) -> t.ContextManager[None]:
        return contextlib.nullcontext() if self._check_mode else locks.network_lock(self._state_path, self._timeout_s)
