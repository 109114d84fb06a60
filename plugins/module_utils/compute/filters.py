# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The network filters of a host's ports: defined before a guest starts, removed with it.

A port's filter belongs to its server. A group's filter is shared by all ports of the host in that group: a new definition is followed by every guest that runs.
It goes when no filter refers to it any more; that nobody begins to refer to it meanwhile is held by a lock of the host.
"""

from __future__ import annotations

import contextlib
import typing as t

from ansible_collections.kvmfleet.compute.plugins.module_utils.compute import locks
from ansible_collections.kvmfleet.compute.plugins.module_utils.errors import HypervisorError, ServerError
from ansible_collections.kvmfleet.compute.plugins.module_utils.hypervisor import HypervisorLike
from ansible_collections.kvmfleet.compute.plugins.module_utils.network.filters.group_filter import group_filter
from ansible_collections.kvmfleet.compute.plugins.module_utils.network.filters.names import (
    filter_uuid,
    group_filter_name,
    is_group_filter,
    port_filter_name,
)
from ansible_collections.kvmfleet.compute.plugins.module_utils.network.filters.port_filter import ethertypes, port_filter
from ansible_collections.kvmfleet.compute.plugins.module_utils.shapes import GroupRules, NetworkFilter, Port, Record, SecurityGroup

Groups = t.Mapping[str, GroupRules]  # by id


def secured(ports: t.Iterable[Port]) -> t.List[Port]:
    """The ports that have a filter."""
    return [port for port in ports if port["port_security_enabled"]]


class Filters:
    """The network filters of one host."""

    def __init__(self, hypervisor: HypervisorLike, state_path: str, timeout_s: float = 600.0) -> None:
        self._hypervisor, self._state_path, self._timeout_s = hypervisor, state_path, timeout_s

    def define(self, record: Record, groups: Groups) -> None:
        """The filters of a server's ports and of its groups.

        A group that is not given stays as it stands; ServerError (SecurityGroupNotFound) if it does not stand there.
        """
        ports = secured(record["ports"])
        if not ports:
            return
        needed = list(dict.fromkeys(ethertype for port in ports for ethertype in ethertypes(port)))
        with self._lock():
            standing = {found["name"]: found for found in self._hypervisor.filters()}
            for group in record["security_groups"]:
                self._define_group(group, record["project_id"], needed, groups.get(group["id"]), standing)
            for port in ports:
                _check_ours(port_filter_name(port["id"]), standing)
                self._hypervisor.define_filter(port_filter(port, [group["id"] for group in record["security_groups"]], record["project_id"]))

    def _define_group(
        self, group: SecurityGroup, project_id: str, needed: t.List[str], given: t.Optional[GroupRules], standing: t.Mapping[str, NetworkFilter]
    ) -> None:
        for ethertype in needed:
            name = group_filter_name(group["id"], project_id, ethertype)
            _check_ours(name, standing)
            if given is not None:
                self._hypervisor.define_filter(group_filter(given, project_id, ethertype))
            elif name not in standing:
                why = f"the rules of security group {group['name']} are not given, and the host has no network filter {name}"
                raise ServerError("SecurityGroupNotFound", why)

    def remove(self, record: Record) -> None:
        """The filters of a server's ports, and of groups that nobody refers to any more. Its guest must be off."""
        names = {port_filter_name(port["id"]) for port in secured(record["ports"])}
        if not names:
            return
        with self._lock():
            standing = self._hypervisor.filters()
            ours = [found["name"] for found in standing if found["name"] in names and found["uuid"] == filter_uuid(found["name"])]
            for name in ours:
                self._hypervisor.undefine_filter(name)
            used = {name for found in standing if found["name"] not in ours for name in found["refers_to"]}
            for found in standing:
                if is_group_filter(found["name"], found["uuid"]) and found["name"] not in used:
                    self._forget(found["name"])

    def _forget(self, name: str) -> None:
        """A guest of somebody's own may use a filter of a group: then it stays."""
        try:
            self._hypervisor.undefine_filter(name)
        except HypervisorError as error:
            if error.unknown:
                raise

    @contextlib.contextmanager
    def _lock(self) -> t.Iterator[None]:
        with locks.filter_lock(self._state_path, self._timeout_s):
            yield


def _check_ours(name: str, standing: t.Mapping[str, NetworkFilter]) -> None:
    found = standing.get(name)
    if found is not None and found["uuid"] != filter_uuid(name):
        raise ServerError("PortBindingFailed", f"the host has a network filter {name} that is not of this collection; it is left alone", reschedule=True)
