# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One weigher's numbers over the hosts that are left, kept up to date host by host; pure.

A pick changes one host, so only that number is worked out again, and the whole column only if its largest or least number has changed.
Each number comes about by the same operations either way, so it is the same to the last bit.
"""

from __future__ import annotations

from ansible_collections.kvmfleet.compute.plugins.plugin_utils.scheduler.host_state import HostState
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.scheduler.request import Request
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.scheduler.weighers.base import Weigher
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.shapes import Weight


class Column:
    """Raw numbers, bounds, and normalised x multiplier (``nova.weights: BaseWeigher.weigh_objects`` and ``normalize``)."""

    def __init__(self, weigher: Weigher, hosts: list[HostState], request: Request) -> None:
        self.weigher = weigher
        self.raw = [weigher.raw(host, request) for host in hosts]
        # Hosts in the same aggregates share the multiplier.
        shared = {id(host.membership): weigher.multiplier(host) for host in {id(host.membership): host for host in hosts}.values()}
        self._multipliers = [shared[id(host.membership)] for host in hosts]
        self._same = next(iter(shared.values())) if len(set(shared.values())) == 1 else None
        minval = weigher.minval
        self._values = self.raw if minval is None else [value if value > minval else minval for value in self.raw]
        # None: this weigher tells no host from another.
        self.multiplied: list[float] | None = None
        self.rescale()

    def rescale(self) -> None:
        """Find the bounds, and normalise every number to them."""
        self._largest = float(max(self._values))
        self._least = float(min(self._values) if self.weigher.minval is None else self.weigher.minval)
        span, least, same = self._largest - self._least, self._least, self._same
        if not span or same == 0.0:
            self.multiplied = None
        elif same is not None:
            self.multiplied = [same * ((value - least) / span) for value in self._values]
        else:
            self.multiplied = [factor * ((value - least) / span) for factor, value in zip(self._multipliers, self._values, strict=True)]

    def _normalised(self, index: int) -> float:
        return (self._values[index] - self._least) / (self._largest - self._least)

    def _is_bound(self, value: float) -> bool:
        return value >= self._largest or (self.weigher.minval is None and value <= self._least)

    def put(self, index: int, host: HostState, request: Request) -> bool:
        """Work out one host's number again; True if the column must be rescaled for it."""
        before, minval = self._values[index], self.weigher.minval
        self.raw[index] = now = self.weigher.raw(host, request)
        if minval is not None:
            self._values[index] = now = now if now > minval else minval
        if now == before:
            return False
        if self._is_bound(before) or self._is_bound(now):
            return True
        if self.multiplied is not None:
            self.multiplied[index] = self._multipliers[index] * self._normalised(index)
        return False

    def drop(self, index: int) -> bool:
        """A host is left out; True if the column must be rescaled for it."""
        was_bound = self._is_bound(self._values[index])
        del self.raw[index], self._multipliers[index]
        if self._values is not self.raw:
            del self._values[index]
        if self.multiplied is not None:
            del self.multiplied[index]
        return was_bound

    def detail(self, index: int) -> Weight:
        """What the weigher says of a host."""
        multiplied = self.multiplied[index] if self.multiplied is not None else 0.0
        return {"raw": self.raw[index], "normalised": self._normalised(index) if self.multiplied is not None else 0.0, "multiplied": multiplied}
