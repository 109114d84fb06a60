# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a weigher is (``nova/weights.py: BaseWeigher``)."""

from __future__ import annotations

from ansible_collections.kvmfleet.compute.plugins.plugin_utils.scheduler.config import Config
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.scheduler.host_state import HostState
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.scheduler.request import Request


class Weigher:
    """Orders hosts: multiplier x normalised raw weight, summed over all weighers; more is better."""

    # The option with the multiplier; aggregates of a host may override it under the same name.
    option = ""
    # 0 normalises to raw / largest; None to where a host lies between the least and the largest.
    minval: float | None = None

    def __init__(self, config: Config) -> None:
        self.config = config

    def multiplier(self, host: HostState) -> float:
        """How much this weigher counts for a host."""
        return host.number_of(self.option, float(self.config.filter(self.option)), float)

    def raw(self, host: HostState, request: Request) -> float:
        """The weight before it is normalised."""
        raise NotImplementedError


def normalise(weights: list[float], minval: float | None) -> list[float]:
    """0 to 1 over the surviving hosts; all equal is 0 (``nova.weights.normalize``). What is below ``minval`` counts as ``minval``."""
    if minval is not None:
        weights = [max(weight, minval) for weight in weights]
    largest, least = float(max(weights)), float(min(weights) if minval is None else minval)
    if largest == least:
        return [0.0] * len(weights)
    return [(weight - least) / (largest - least) for weight in weights]
