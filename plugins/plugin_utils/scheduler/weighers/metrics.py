# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""MetricsWeigher: metrics that the host reports (Nova: ``weights/metrics.py``)."""

from __future__ import annotations

from ansible_collections.kvmfleet.compute.plugins.plugin_utils.scheduler.config import Config, parse_weight_setting
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.scheduler.host_state import HostState
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.scheduler.request import Request
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.scheduler.weighers.base import HostWeigher


class MetricsWeigher(HostWeigher):
    """The sum of metric times ratio over [metrics] weight_setting."""

    option = "metrics_weight_multiplier"

    def __init__(self, config: Config) -> None:
        super().__init__(config)
        self._setting = parse_weight_setting(config.get("metrics", "weight_setting"))

    def multiplier(self, host: HostState) -> float:
        """It has a section of its own."""
        return host.number_of(self.option, float(self.config.get("metrics", "weight_multiplier")), float)

    def raw(self, host: HostState, request: Request) -> float:
        total = 0.0
        for name, ratio in self._setting:
            if name in host.metrics:
                total += host.metrics[name] * ratio
            elif self.config.get("metrics", "required"):
                raise LookupError(f"host {host.host} has no metric {name}, which [metrics] weight_setting needs")
            elif ratio * self.multiplier(host) != 0:
                return float(self.config.get("metrics", "weight_of_unavailable"))
        return total
