# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a host says of the members of security groups on it, and what it is told of those on others.

Neutron's agents are told by its server, which knows them all (``security_groups_provider_updated``, ``security_groups_member_updated``). Here a run asks the
hosts, after its claims, and tells those whose rules name the groups.
"""

from __future__ import annotations

import contextlib
import typing as t

from ansible_collections.kvmfleet.compute.plugins.module_utils.compute import member_sets, membership_file
from ansible_collections.kvmfleet.compute.plugins.module_utils.compute.filters import Filters, sets_of
from ansible_collections.kvmfleet.compute.plugins.module_utils.hypervisor import HypervisorLike
from ansible_collections.kvmfleet.compute.plugins.module_utils.network.ip_sets import IpSetsLike
from ansible_collections.kvmfleet.compute.plugins.module_utils.shapes import MemberReport


class Asked(t.NamedTuple):
    """What a host says."""

    report: MemberReport
    wanted: t.List[str]  # the groups that its rules name, by key
    changed: bool  # it wants more, or fewer of its servers are members


class GroupMembers:
    """The members of security groups, as one host knows them."""

    def __init__(self, hypervisor: HypervisorLike, state_path: str, ip_sets: IpSetsLike, clock: t.Callable[[], float], *, check_mode: bool) -> None:
        self._hypervisor, self._state_path, self._ip_sets, self._clock, self._check_mode = hypervisor, state_path, ip_sets, clock, check_mode
        self._filters = Filters(hypervisor, state_path, ip_sets)

    def ask(self, host: str, wanted: t.Collection[str] = (), leaving: t.Collection[str] = (), staying: t.Collection[str] = ()) -> Asked:
        """Who is a member here, as ``host`` reports it.

        From now on rules of this host name the groups ``wanted``, the servers ``leaving`` are members of none, and those ``staying`` are again.
        """
        with self._lock():
            membership = membership_file.read(self._state_path)
            before = (set(membership.wanted), set(membership.leaving))
            records = [domain["record"] for domain in self._hypervisor.domains() if domain["record"] is not None]
            gone = {*membership.leaving, *leaving}.difference(staying)
            membership.leaving = sorted(record["uuid"] for record in records if record["uuid"] in gone)
            membership.want(wanted)
            report = membership.report(host, records, int(self._clock() * 1000))
            if not self._check_mode:
                membership_file.write(self._state_path, membership)
        return Asked(report, sorted(membership.wanted), before != (set(membership.wanted), set(membership.leaving)))

    def tell(self, reports: t.Iterable[MemberReport], *, are_all: bool = False) -> t.List[str]:
        """Take what hosts say of themselves; returns the groups whose members are others now, or whose sets were not what they must be.

        ``are_all``: these are all hosts of the fleet, so that nobody is a member by the word of another."""
        given = list(reports)
        with self._lock():
            membership = membership_file.read(self._state_path)
            before = {key: membership.members(key) for key in membership.wanted}
            known = membership.as_dict()
            membership.take(given)
            if are_all:
                membership.keep_only({report["host"] for report in given})
            named = sets_of(self._hypervisor.filters())
            different = member_sets.differing(self._ip_sets, membership, named)
            if not self._check_mode:
                if membership.as_dict() != known:
                    membership_file.write(self._state_path, membership)
                if different:
                    self._ip_sets.fill(different)
        return sorted(key for key in membership.wanted if membership.members(key) != before[key] or membership.set_names(key) & different.keys())

    def _lock(self) -> t.ContextManager[None]:
        return contextlib.nullcontext() if self._check_mode else self._filters.lock()
