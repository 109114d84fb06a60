# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The aggregates that a host is in; pure."""

from __future__ import annotations

import typing as t

from ansible_collections.kvmfleet.compute.plugins.plugin_utils.shapes import Aggregate


class Membership:
    """The aggregates that a host is in; hosts in the same ones share it. What it works out it remembers."""

    def __init__(self, aggregates: list[Aggregate]) -> None:
        self.aggregates = aggregates
        self._values: dict[str, set[str]] = {}
        self._metadata: dict[str, set[str]] | None = None

    def values(self, key: str) -> set[str]:
        """The values that the aggregates give a metadata key."""
        if key not in self._values:
            self._values[key] = {aggregate["metadata"][key] for aggregate in self.aggregates if key in aggregate["metadata"]}
        return self._values[key]

    def metadata(self) -> dict[str, set[str]]:
        """All metadata of the aggregates, each value split at commas."""
        if self._metadata is None:
            self._metadata = {}
            for aggregate in self.aggregates:
                for key, value in aggregate["metadata"].items():
                    self._metadata.setdefault(key, set()).update(part.strip() for part in str(value).split(","))
        return self._metadata


def memberships(aggregates: list[Aggregate]) -> t.Callable[[str], Membership]:
    """From a host's name to its membership."""
    indexes: dict[str, list[int]] = {}
    for index, aggregate in enumerate(aggregates):
        for host in dict.fromkeys(aggregate["hosts"]):
            indexes.setdefault(host, []).append(index)
    made: dict[tuple[int, ...], Membership] = {}

    def membership(host: str) -> Membership:
        key = tuple(indexes.get(host, ()))
        if key not in made:
            made[key] = Membership([aggregates[index] for index in key])
        return made[key]

    return membership
