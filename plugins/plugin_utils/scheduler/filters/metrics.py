# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""MetricsFilter: the host has all metrics that are weighed (Nova: ``metrics_filter``)."""

from __future__ import annotations

from ansible_collections.kvmfleet.compute.plugins.module_utils.reason import Reason
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.scheduler.config import parse_weight_setting
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.scheduler.filters.base import HostFilter
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.scheduler.host_state import HostState
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.scheduler.request import Request


class MetricsFilter(HostFilter):
    """Drops hosts without a metric of [metrics] weight_setting."""

    def reason(self, host: HostState, request: Request) -> Reason | None:
        wanted = [name for name, _ratio in parse_weight_setting(self.config.get("metrics", "weight_setting"))]
        missing = [name for name in wanted if name not in host.metrics]
        return self.refusal(f"the host reports no metric {', '.join(missing)}", len(wanted) - len(missing), len(wanted)) if missing else None
