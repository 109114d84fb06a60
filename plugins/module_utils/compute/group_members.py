# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a host says of the members of security groups on it, what it is told of those on others, and what its filters and sets must be then.

Neutron's agents are told by its server, which knows them all (``security_groups_provider_updated``, ``security_groups_member_updated``). Here a run asks the
hosts, after its claims, and tells those whose rules name the groups.
"""

from __future__ import annotations

import contextlib
import typing as t

from ansible_collections.kvmfleet.compute.plugins.module_utils.compute import group_sets, membership_file
from ansible_collections.kvmfleet.compute.plugins.module_utils.compute.filter_gaps import active, differing_filters, open_ports, settled, unloaded
from ansible_collections.kvmfleet.compute.plugins.module_utils.compute.filters import (
    NO_GROUPS,
    Filters,
    Groups,
    keep_rules,
    named_groups,
    outdated_sentence,
    secured,
    sets_of,
)
from ansible_collections.kvmfleet.compute.plugins.module_utils.errors import ServerError
from ansible_collections.kvmfleet.compute.plugins.module_utils.filter_parser import parse_filter
from ansible_collections.kvmfleet.compute.plugins.module_utils.hypervisor import HypervisorLike
from ansible_collections.kvmfleet.compute.plugins.module_utils.network.filters.names import group_key
from ansible_collections.kvmfleet.compute.plugins.module_utils.network.ip_sets import IpSetsLike
from ansible_collections.kvmfleet.compute.plugins.module_utils.network.packet_rules import PacketRulesLike
from ansible_collections.kvmfleet.compute.plugins.module_utils.network.packet_tables import PacketTablesLike
from ansible_collections.kvmfleet.compute.plugins.module_utils.network.rules_number import Number
from ansible_collections.kvmfleet.compute.plugins.module_utils.registrar import state_file
from ansible_collections.kvmfleet.compute.plugins.module_utils.registrar.epoch import NONE
from ansible_collections.kvmfleet.compute.plugins.module_utils.shapes import Domain, MemberReport


class Asked(t.NamedTuple):
    """What a host says."""

    report: MemberReport
    wanted: t.List[str]  # the groups that its rules name, by key
    numbers: t.Dict[str, Number]  # of the rules that it has, by the group's key
    changed: bool  # it wants more, or fewer of its servers are members


class Applied(t.NamedTuple):
    """What was not what it must be."""

    changes: t.List[str]  # what is now, in a few words each
    problems: t.List[str]  # what could not be made so, as sentences


class GroupMembers:
    """The members of security groups, as one host knows them."""

    def __init__(
        self,
        hypervisor: HypervisorLike,
        state_path: str,
        ip_sets: IpSetsLike,
        rules: PacketRulesLike,
        tables: PacketTablesLike,
        clock: t.Callable[[], float],
        *,
        check_mode: bool,
    ) -> None:
        self._hypervisor, self._state_path, self._ip_sets, self._clock, self._check_mode = hypervisor, state_path, ip_sets, clock, check_mode
        self._rules, self._tables = rules, tables
        self._filters = Filters(hypervisor, state_path, ip_sets, tables)

    def ask(
        self,
        host: str,
        wanted: t.Collection[str] = (),
        leaving: t.Collection[str] = (),
        staying: t.Collection[str] = (),
        groups: Groups = NO_GROUPS,
    ) -> Asked:
        """Who is a member here, as ``host`` reports it.

        From now on rules of this host name the groups ``wanted`` and those that these rules of ``groups`` name for its servers. The servers ``leaving`` are
        members of none, and those ``staying`` are again.
        """
        with self._lock():
            membership = membership_file.read(self._state_path)
            before = (set(membership.wanted), set(membership.leaving))
            records = [domain["record"] for domain in self._hypervisor.domains() if domain["record"] is not None]
            gone = {*membership.leaving, *leaving}.difference(staying)
            membership.leaving = sorted(record["uuid"] for record in records if record["uuid"] in gone)
            membership.want(wanted)
            membership.want(key for record in records if secured(record["ports"]) for key in named_groups(record, groups))
            report = membership.report(host, records, int(self._clock() * 1000))
            if not self._check_mode:
                membership_file.write(self._state_path, membership)
        return Asked(report, sorted(membership.wanted), membership.numbers(), before != (set(membership.wanted), set(membership.leaving)))

    def tell(self, reports: t.Iterable[MemberReport], groups: Groups = NO_GROUPS) -> Applied:
        """Take what hosts say of themselves, and these rules of groups; whatever filter or set is not what it must be is made so.

        A group that is not given keeps the rules that it has. What a host said counts no more once it is not of the fleet, by the epoch that this one holds.
        """
        with self._lock():
            membership, epoch = membership_file.read(self._state_path), state_file.read(self._state_path).epoch
            standing = {found["name"]: found for found in self._hypervisor.filters()}
            domains = self._hypervisor.domains()
            records = active(domains)
            names = {
                group_key(group["id"], record["project_id"]): group["name"] for record in records for group in (*record["security_groups"], *groups.values())
            }
            known, before, rules_before = membership.as_dict(), {key: membership.members(key) for key in membership.wanted}, dict(membership.rules)
            # A claim's rules, too, are not older ones then when it is built.
            there = [domain["record"] for domain in domains if domain["record"] is not None and secured(domain["record"]["ports"])]
            outdated = {name for record in there for name in keep_rules(membership, record, groups)}
            edited = [key for key, kept in membership.rules.items() if key not in rules_before or kept.number.digest != rules_before[key].number.digest]
            membership.take(reports)
            if epoch and epoch["store"] != NONE:
                membership.keep_only(epoch["hosts"])
            is_settled = settled(self._hypervisor, self._state_path)
            filters, problems = differing_filters(records, membership, standing, is_settled)
            looked_into = sets_of((*standing.values(), *(parse_filter(item.xml) for item in filters)))
            different = group_sets.difference(self._ip_sets, membership, looked_into)
            if not self._check_mode:
                if membership.as_dict() != known:
                    membership_file.write(self._state_path, membership)
                group_sets.add_missing(self._ip_sets, different)
                for item in filters:
                    self._hypervisor.define_filter(item.xml)
                group_sets.remove_extra(self._ip_sets, different)
            # A filter that was defined anew may have brought them.
            unfiltered = open_ports(domains, self._rules, is_settled)
            if not self._check_mode:
                for record, port in unfiltered:
                    self._filters.renew(record, port)
                self._filters.destroy_unused()
            reloaded = self._reload(domains, is_settled, problems)
        changes = [f"{item.what}{', which was missing' if item.is_missing else ''}" for item in filters]
        changes += [f"rules in the kernel for {port['device']} of server {record['display_name']}, which were missing" for record, port in unfiltered]
        changes += [f"rules of nftables for {device}, which were missing" for device in reloaded]
        changes += [f"rules of security group {names.get(key, key)}" for key in edited]
        explained = set(edited)
        for key in sorted(membership.wanted):
            now = membership.members(key)
            come, gone = len(now - before.get(key, set())), len(before.get(key, set()) - now)
            if come or gone:
                changes.append(f"members of security group {names.get(key, key)}: {len(now)}, {come} more and {gone} less than before")
                explained.update(other for other in membership.rules if key in membership.named_by(other))
        changes += [
            f"IP sets of security group {names.get(key, key)}, which were not as they must be"
            for key in membership.groups_of(different.names())
            if key not in explained
        ]
        return Applied(list(dict.fromkeys(changes)), [*problems, *map(outdated_sentence, sorted(outdated))])

    def _reload(self, domains: t.Collection[Domain], is_settled: t.Callable[[str], bool], problems: t.List[str]) -> t.List[str]:
        """The tables of nftables are what running guests need: the devices, with the names of their servers, of which rules were missing."""
        reloaded: t.List[str] = []
        try:
            for record, device in unloaded(domains, self._tables, is_settled):
                if not self._check_mode:
                    self._filters.reload(record)
                reloaded.append(f"{device} of server {record['display_name']}")
        except ServerError as error:
            problems.append(error.message)
        return reloaded

    def _lock(self) -> t.ContextManager[None]:
        return contextlib.nullcontext() if self._check_mode else self._filters.lock()
