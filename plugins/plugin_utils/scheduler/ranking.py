# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The hosts that are left in the order of their weights, kept up to date host by host; pure.

Follows ``nova/weights.py: BaseWeightHandler.get_weighed_objects``. The largest total is found by ``max`` over a list, which beats any cleverer structure up to
the sizes of a fleet; equals stand in the order of the inventory.
"""

from __future__ import annotations

import operator
import typing as t
from bisect import bisect_left

from ansible_collections.kvmfleet.compute.plugins.plugin_utils.scheduler.column import Column
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.scheduler.host_state import HostState
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.scheduler.request import Request
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.scheduler.weighers.base import Weigher
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.shapes import Weight

SHUT = float("-inf")


class Ranking:
    """``hosts`` in the order of the inventory, and ``totals``, a weight for each."""

    def __init__(self, weighers: list[Weigher], hosts: list[HostState], request: Request) -> None:
        self.hosts = hosts
        self._positions = [host.position for host in hosts]
        # One host alone weighs nothing, and Nova asks no weigher then.
        self._columns = [Column(weigher, hosts, request) for weigher in weighers] if len(hosts) > 1 else []
        self._shut: set[int] = set()
        self.totals: list[float] = []
        self._open: list[float] = []
        self._add_up()

    def _add_up(self) -> None:
        columns = [column.multiplied for column in self._columns if column.multiplied is not None]
        self.totals = list(columns[0]) if columns else [0.0] * len(self.hosts)
        for column in columns[1:]:
            self.totals = list(map(operator.add, self.totals, column))
        self._open = self.totals
        for position in self._shut:
            self._close(self._at(position))

    def _close(self, index: int) -> None:
        if self._open is self.totals:
            self._open = self.totals.copy()
        self._open[index] = SHUT

    def _at(self, position: int) -> int:
        """The index of the host with this position, or where it would stand."""
        return bisect_left(self._positions, position)

    def _find(self, position: int) -> int | None:
        index = self._at(position)
        return index if index < len(self._positions) and self._positions[index] == position else None

    def shut(self, host: HostState) -> None:
        """It keeps its weight among the others, but can't be chosen any more: it is full."""
        index = self._find(host.position)
        if index is not None:
            self._shut.add(host.position)
            self._close(index)

    def is_shut(self, host: HostState) -> bool:
        """True if it is full."""
        return host.position in self._shut

    def put(self, host: HostState, request: Request) -> None:
        """Something was placed on this host."""
        index = self._find(host.position)
        if index is None:
            return
        rescaled = [column for column in self._columns if column.put(index, host, request)]
        for column in rescaled:
            column.rescale()
        if rescaled:
            self._add_up()
            return
        total = 0.0
        for column in self._columns:
            if column.multiplied is not None:
                total += column.multiplied[index]
        self.totals[index] = total
        if self._open is not self.totals and self._open[index] != SHUT:
            self._open[index] = total

    def drop(self, host: HostState) -> None:
        """This host is left out from now on."""
        index = self._find(host.position)
        if index is None:
            return
        del self.hosts[index], self._positions[index], self.totals[index]
        if self._open is not self.totals:
            del self._open[index]
        self._shut.discard(host.position)
        rescaled = [column for column in self._columns if column.drop(index)]
        if len(self.hosts) < 2:
            self._columns = []
            self._add_up()
        elif rescaled:
            for column in rescaled:
                column.rescale()
            self._add_up()

    def index(self, host: HostState) -> int:
        """Where one of its hosts stands."""
        return self._at(host.position)

    def best(self) -> HostState | None:
        """The first of the hosts with the largest weight that are not shut."""
        if not self._open:
            return None
        largest = max(self._open)
        return None if largest == SHUT else self.hosts[self._open.index(largest)]

    def order(self) -> list[int]:
        """All indexes, best first."""
        return sorted(range(len(self.hosts)), key=lambda index: (-self.totals[index], index))

    def detail(self, index: int) -> dict[str, Weight]:
        """By weigher, what makes a difference for a host."""
        return {column.weigher.name: column.detail(index) for column in self._columns if column.multiplied is not None and column.multiplied[index]}

    def spare(self, taken: set[int]) -> t.Iterator[HostState]:
        """Hosts that are neither shut nor ``taken`` (positions), best first, as they stand now even if the ranking changes meanwhile."""
        left = self._open.copy()
        for position in taken:
            index = self._find(position)
            if index is not None:
                left[index] = SHUT
        return _descending(left, self.hosts.copy())


def _descending(weights: list[float], hosts: list[HostState]) -> t.Iterator[HostState]:
    while weights and (largest := max(weights)) != SHUT:
        index = weights.index(largest)
        weights[index] = SHUT
        yield hosts[index]
