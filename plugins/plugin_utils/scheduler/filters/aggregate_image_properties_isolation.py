# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""AggregateImagePropertiesIsolation: image properties match the metadata of the host's aggregates (Nova: same name)."""

from __future__ import annotations

from ansible_collections.kvmfleet.compute.plugins.plugin_utils.scheduler.filters.base import HostFilter
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.scheduler.host_state import HostState
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.scheduler.request import Request


class AggregateImagePropertiesIsolation(HostFilter):
    """A metadata key that is a property of the image must hold its value."""

    run_filter_once_per_request = True

    def reason(self, host: HostState, request: Request) -> str | None:
        namespace: str | None = self.config.filter("aggregate_image_properties_isolation_namespace")
        separator: str = self.config.filter("aggregate_image_properties_isolation_separator")
        prefix = namespace + separator if namespace else ""
        for key, values in host.metadata().items():
            wanted: object = request.image_properties.get(key) if key.startswith(prefix) else None
            if wanted and str(wanted) not in values:
                return f"{key}: the aggregates have {', '.join(sorted(values))}, the image has {wanted}"
        return None
