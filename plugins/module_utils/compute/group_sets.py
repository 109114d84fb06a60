# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The IP sets of a host, by what it keeps of security groups. Whoever calls this holds the host's lock for network filters.

What is allowed anew is added to all of them before anything is taken from one, and a filter that changes with them does so in between. So what is allowed
before and after is allowed all the time.
"""

from __future__ import annotations

import typing as t

from ansible_collections.kvmfleet.compute.plugins.module_utils.errors import ServerError
from ansible_collections.kvmfleet.compute.plugins.module_utils.network.filters.set_entries import Sets
from ansible_collections.kvmfleet.compute.plugins.module_utils.network.ip_sets import IpSetsLike
from ansible_collections.kvmfleet.compute.plugins.module_utils.network.membership import Membership


class Difference(t.NamedTuple):
    """What is not as it must be."""

    missing: Sets  # with no entries: the set alone
    extra: Sets

    def names(self) -> t.List[str]:
        """The names of the sets."""
        return sorted({*self.missing, *self.extra})


def difference(ip_sets: IpSetsLike, membership: Membership, looked_into: t.Iterable[str]) -> Difference:
    """How the host's sets differ from what they must be; ``looked_into``: those that filters of groups look into.

    ServerError (PortBindingFailed) if the host has no IP sets.
    """
    wanted = membership.sets(dict.fromkeys(looked_into))
    if not wanted:
        return Difference({}, {})
    why = ip_sets.missing()
    if why:
        raise ServerError("PortBindingFailed", why, reschedule=True)
    there = ip_sets.contents()
    missing = {name: entries - there.get(name, set()) for name, entries in wanted.items() if name not in there or not entries <= there[name]}
    return Difference(missing, {name: there[name] - entries for name, entries in wanted.items() if not there.get(name, set()) <= entries})


def add_missing(ip_sets: IpSetsLike, different: Difference) -> None:
    """The sets are there, and have what they must have."""
    if different.missing:
        ip_sets.add(different.missing)


def remove_extra(ip_sets: IpSetsLike, different: Difference) -> None:
    """They have nothing else any more."""
    if different.extra:
        ip_sets.remove(different.extra)
