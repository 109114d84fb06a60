# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The IP sets of a host in a dict, for the host side's unit tests."""

from __future__ import annotations

import collections.abc

from ansible_collections.kvmfleet.compute.plugins.module_utils.network.ip_sets import IpSetsLike

Entries = collections.abc.Mapping[str, collections.abc.Collection[str]]  # by the names of the sets


class FakeIpSets:
    """``there``: the sets; ``lacking``: why the host has none; ``in_use``: what can't be destroyed."""

    def __init__(self) -> None:
        self.there: dict[str, set[str]] = {}
        self.lacking: str | None = None
        self.in_use: set[str] = set()

    def missing(self) -> str | None:
        return self.lacking

    def contents(self) -> dict[str, set[str]]:
        return {name: set(entries) for name, entries in self.there.items()}

    def names(self) -> list[str]:
        return list(self.there)

    def add(self, entries: Entries) -> None:
        for name, new in entries.items():
            self.there.setdefault(name, set()).update(new)

    def remove(self, entries: Entries) -> None:
        for name, gone in entries.items():
            self.there[name] -= set(gone)

    def destroy(self, names: collections.abc.Iterable[str]) -> None:
        for name in names:
            if name not in self.in_use:
                self.there.pop(name, None)


def has_ip_sets(fake: FakeIpSets) -> IpSetsLike:
    """For the type checker: the fake has what the host side needs."""
    return fake
