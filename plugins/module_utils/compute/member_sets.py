# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The IP sets of a host, by what it keeps of the members of security groups. Whoever calls this holds the host's lock for network filters."""

from __future__ import annotations

import typing as t

from ansible_collections.kvmfleet.compute.plugins.module_utils.compute import membership_file
from ansible_collections.kvmfleet.compute.plugins.module_utils.errors import ServerError
from ansible_collections.kvmfleet.compute.plugins.module_utils.network.ip_sets import IpSetsLike, comparable
from ansible_collections.kvmfleet.compute.plugins.module_utils.network.membership import Membership


def differing(ip_sets: IpSetsLike, membership: Membership, named: t.Iterable[str]) -> t.Dict[str, t.Set[str]]:
    """What those of the sets must have that are not as they must be; ``named``: all that rules of the host look into.

    ServerError (PortBindingFailed) if the host has no IP sets.
    """
    wanted = membership.sets(dict.fromkeys(named))
    if not wanted:
        return {}
    missing = ip_sets.missing()
    if missing:
        raise ServerError("PortBindingFailed", missing, reschedule=True)
    there = ip_sets.contents()
    return {name: entries for name, entries in wanted.items() if name not in there or not _same(there[name], entries)}


def _same(one: t.Set[str], other: t.Set[str]) -> bool:
    return one == other or set(map(comparable, one)) == set(map(comparable, other))


def fill(ip_sets: IpSetsLike, membership: Membership, named: t.Iterable[str]) -> t.List[str]:
    """Make the sets what they must be; returns the names of those that were not."""
    different = differing(ip_sets, membership, named)
    if different:
        ip_sets.fill(different)
    return list(different)


def want(state_path: str, keys: t.Iterable[str]) -> Membership:
    """What the host keeps, with these groups among those that its rules name."""
    membership = membership_file.read(state_path)
    new = [key for key in keys if key not in membership.wanted]
    if new:
        membership.want(new)
        membership_file.write(state_path, membership)
    return membership
