# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The network filters of a host's ports: defined before a guest starts, removed with it.

A port's filter belongs to its server. A group's filter is shared by all ports of the host in that group, and so are the IP sets that it looks into, which have
what its rules allow. All of that goes when no filter refers to it any more; that nobody begins to refer to it meanwhile is held by a lock of the host. The sets
are there before the filters: the kernel takes no rule without its set, so that after a reboot no guest starts with half of its rules.

What libvirt's filters can't say stands in tables of nftables (``loaded_tables.py``).
"""

from __future__ import annotations

import contextlib
import types
import typing as t

from ansible_collections.kvmfleet.compute.plugins.module_utils.compute import group_sets, loaded_tables, locks, membership_file
from ansible_collections.kvmfleet.compute.plugins.module_utils.compute.on_demand import made_bindings
from ansible_collections.kvmfleet.compute.plugins.module_utils.errors import HypervisorError, KvmfleetError, ServerError
from ansible_collections.kvmfleet.compute.plugins.module_utils.filter_parser import parse_filter
from ansible_collections.kvmfleet.compute.plugins.module_utils.hypervisor import HypervisorLike
from ansible_collections.kvmfleet.compute.plugins.module_utils.network import members
from ansible_collections.kvmfleet.compute.plugins.module_utils.network.filters.group_filter import group_filter
from ansible_collections.kvmfleet.compute.plugins.module_utils.network.filters.names import (
    LIST,
    filter_uuid,
    group_filter_name,
    group_key,
    is_group_filter,
    port_filter_name,
    rule_set,
)
from ansible_collections.kvmfleet.compute.plugins.module_utils.network.filters.port_filter import another, ethertypes, port_filter
from ansible_collections.kvmfleet.compute.plugins.module_utils.network.ip_sets import IpSetsLike
from ansible_collections.kvmfleet.compute.plugins.module_utils.network.membership import Membership
from ansible_collections.kvmfleet.compute.plugins.module_utils.network.packet_tables import PacketTablesLike
from ansible_collections.kvmfleet.compute.plugins.module_utils.shapes import Domain, GroupRules, NetworkFilter, Port, Record

Groups = t.Mapping[str, GroupRules]  # by id
NO_GROUPS: Groups = types.MappingProxyType({})
LOCK_S = 3600.0  # another may be at work on a group of some hundred ports


def secured(ports: t.Iterable[Port]) -> t.List[Port]:
    """The ports that have a filter."""
    return [port for port in ports if port["port_security_enabled"]]


class Filters:
    """The network filters of one host."""

    def __init__(self, hypervisor: HypervisorLike, state_path: str, sets: IpSetsLike, tables: PacketTablesLike, timeout_s: float = LOCK_S) -> None:
        self._hypervisor, self._state_path, self._sets, self._tables, self._timeout_s = hypervisor, state_path, sets, tables, timeout_s

    def define(self, record: Record, groups: Groups) -> t.List[str]:
        """The filters of a server's ports and of its groups: the names of the groups that have later rules than these, and keep them.

        A group that is not given keeps the rules that it has; ServerError (SecurityGroupNotFound) if the host does not know them.
        """
        if not secured(record["ports"]) and not loaded_tables.needs(record):
            return []
        with self.lock():
            loaded_tables.load(self._tables, record)
            if not secured(record["ports"]):
                return []
            standing = {found["name"]: found for found in self._hypervisor.filters()}
            membership = membership_file.read(self._state_path)
            known = membership.as_dict()
            outdated = keep_rules(membership, record, groups)
            wanted = filters_of(record, known_groups(record, membership), standing)
            different = group_sets.difference(self._sets, membership, sets_of((*standing.values(), *map(parse_filter, wanted))))
            if membership.as_dict() != known:
                membership_file.write(self._state_path, membership)
            group_sets.add_missing(self._sets, different)
            for xml in wanted:
                self._hypervisor.define_filter(xml)
            group_sets.remove_extra(self._sets, different)
        return outdated

    def remove(self, record: Record) -> None:
        """The filters of a server's ports, of groups that nobody refers to any more, and the sets that nobody looks into. Its guest must be off."""
        names = {port_filter_name(port["id"]) for port in secured(record["ports"])}
        if not names and not loaded_tables.needs(record):
            return
        with self.lock():
            if names:
                self._undefine(names)
                self._drop_sets(record["uuid"])
            loaded_tables.drop(self._tables, record, lambda: self._others(record))

    def _undefine(self, names: t.Container[str]) -> None:
        standing = self._hypervisor.filters()
        ours = [found["name"] for found in standing if found["name"] in names and found["uuid"] == filter_uuid(found["name"])]
        for name in ours:
            self._hypervisor.undefine_filter(name)
        used = {name for found in standing if found["name"] not in ours for name in found["refers_to"]}
        for found in standing:
            if is_group_filter(found["name"], found["uuid"]) and found["name"] not in used:
                self._forget(found["name"])

    def _others(self, record: Record) -> t.List[Domain]:
        return [domain for domain in self._hypervisor.domains() if domain["uuid"] != record["uuid"]]

    def drop_sets(self, record: Record) -> None:
        """The sets that nobody looks into, and zones that nobody needs, now that a server is gone: of claims that go at once each has kept them for the other.

        What fails here harms nobody, and the next server that goes takes them along.
        """
        shares_zone = bool(made_bindings(record["ports"]))
        if secured(record["ports"]) or shares_zone:
            with contextlib.suppress(KvmfleetError, OSError), self.lock():
                if shares_zone:
                    loaded_tables.drop(self._tables, record, lambda: self._others(record))
                if secured(record["ports"]):
                    self._drop_sets(record["uuid"])

    def _drop_sets(self, uuid: str) -> None:
        """What a claim is going to look into has been asked for before there is a rule, so that it stays for any that is there."""
        looked_into = self.destroy_unused()
        membership = membership_file.read(self._state_path)
        known = membership.as_dict()
        if membership.rules or membership.wanted:
            built = self._built(uuid)
            membership.forget_rules(looked_into, (group_key(group["id"], record["project_id"]) for record in built for group in record["security_groups"]))
            if not built:
                membership.forget_members()
        if membership.as_dict() != known:
            membership_file.write(self._state_path, membership)

    def _built(self, uuid: str) -> t.List[Record]:
        """The claims of others."""
        records = [domain["record"] for domain in self._hypervisor.domains() if domain["record"] is not None and domain["uuid"] != uuid]
        return [record for record in records if record["vm_state"] == "building"]

    def destroy_unused(self) -> t.Set[str]:
        """Only sets that filters look into stay, and those in them: the names of the former. The caller holds the lock."""
        looked_into = {name for found in self._hypervisor.filters() for name in found["sets"]}
        if self._sets.missing() is None:
            ours = {name: of for name in self._sets.names() for of in [rule_set(name)] if of is not None}
            self._sets.destroy(sorted(name for name, of in ours.items() if of._replace(kind=LIST).name not in looked_into))
        return looked_into

    def sweep_tables(self, *, check_mode: bool) -> t.List[str]:
        """Drop the kernel's rules of nftables for devices that no domain of the host has any more: their names, in check mode of those that are due."""
        devices = loaded_tables.unneeded(self._tables, self._hypervisor.domains)
        if check_mode or not devices:
            return devices
        with self.lock():
            devices = loaded_tables.unneeded(self._tables, self._hypervisor.domains)
            loaded_tables.drop_devices(self._tables, devices)
        return devices

    def reload(self, record: Record) -> None:
        """What a server needs in tables of nftables, which somebody has flushed. The caller holds the lock."""
        loaded_tables.load(self._tables, record)

    def renew(self, record: Record, port: Port) -> None:
        """The kernel's rules of a port whose guest runs, which somebody has removed: libvirt makes them again for a definition that is another one.

        The caller holds the lock.
        """
        xml = port_filter(port, [group["id"] for group in record["security_groups"]], record["project_id"])
        self._hypervisor.define_filter(another(xml))
        self._hypervisor.define_filter(xml)

    def _forget(self, name: str) -> None:
        """A guest of somebody's own may use a filter of a group: then it stays."""
        try:
            self._hypervisor.undefine_filter(name)
        except HypervisorError as error:
            if error.unknown:
                raise

    @contextlib.contextmanager
    def lock(self) -> t.Iterator[None]:
        """Nobody else changes filters or sets of this collection on the host."""
        with locks.filter_lock(self._state_path, self._timeout_s):
            yield


def named_groups(record: Record, groups: Groups) -> t.List[str]:
    """What rules of a server's groups name, as groups of its project."""
    rules = [rule for group in record["security_groups"] if group["id"] in groups for rule in groups[group["id"]]["rules"]]
    return members.named_groups(rules, record["project_id"])


def keep_rules(membership: Membership, record: Record, groups: Groups) -> t.List[str]:
    """The host knows the rules that are given of a server's groups, and has to know who is in the groups that these name.

    Returns the names of the groups of which it has later ones, and others.
    """
    membership.want(named_groups(record, groups))
    given = [(group["name"], group_key(group["id"], record["project_id"]), groups[group["id"]]) for group in record["security_groups"] if group["id"] in groups]
    return [name for name, key, rules in given if not membership.bring(key, rules)]


def outdated_sentence(name: str) -> str:
    """Of a group that has later rules than those of a run."""
    kept = f"security group {name} keeps the rules that another run has brought meanwhile, which are others than those of this run"
    return f"{kept}; the playbook security_groups brings those of its catalogue"


def known_groups(record: Record, membership: Membership) -> t.Dict[str, GroupRules]:
    """Those of a server's groups whose rules the host knows, by id."""
    keys = {group["id"]: group_key(group["id"], record["project_id"]) for group in record["security_groups"]}
    return {
        group["id"]: {"id": group["id"], "name": group["name"], "rules": membership.rules_of(keys[group["id"]])}
        for group in record["security_groups"]
        if keys[group["id"]] in membership.rules
    }


def filters_of(record: Record, groups: Groups, standing: t.Mapping[str, NetworkFilter]) -> t.List[str]:
    """The filters that a server's ports need, as XML: of its groups, then of its ports. ServerError if one can't be made."""
    ports = secured(record["ports"])
    needed = dict.fromkeys(ethertype for port in ports for ethertype in ethertypes(port))
    found = []
    for group in record["security_groups"]:
        for ethertype in needed:
            _check_ours(group_filter_name(group["id"], record["project_id"], ethertype), standing)
            if group["id"] not in groups:
                why = f"the rules of security group {group['name']} are not given, and the host does not know them"
                raise ServerError("SecurityGroupNotFound", why)
            found.append(group_filter(groups[group["id"]], record["project_id"], ethertype))
    for port in ports:
        _check_ours(port_filter_name(port["id"]), standing)
        found.append(port_filter(port, [group["id"] for group in record["security_groups"]], record["project_id"]))
    return found


def sets_of(filters: t.Iterable[NetworkFilter]) -> t.List[str]:
    """The sets that filters of groups look into."""
    return [name for found in filters if is_group_filter(found["name"], found["uuid"]) for name in found["sets"] if rule_set(name)]


def _check_ours(name: str, standing: t.Mapping[str, NetworkFilter]) -> None:
    found = standing.get(name)
    if found is not None and found["uuid"] != filter_uuid(name):
        raise ServerError("PortBindingFailed", f"the host has a network filter {name} that is not of this collection; it is left alone", reschedule=True)
