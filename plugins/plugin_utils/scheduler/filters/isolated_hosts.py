# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""IsolatedHostsFilter: images and hosts kept for each other (Nova: ``isolated_hosts_filter``)."""

from __future__ import annotations

from ansible_collections.kvmfleet.compute.plugins.plugin_utils.scheduler.filters.base import HostFilter
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.scheduler.host_state import HostState
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.scheduler.request import Request


class IsolatedHostsFilter(HostFilter):
    """Isolated images go to isolated hosts, and those take (if restricted) nothing else."""

    run_filter_once_per_request = True

    def reason(self, host: HostState, request: Request) -> str | None:
        hosts: list[str] = self.config.filter("isolated_hosts")
        images: list[str] = self.config.filter("isolated_images")
        restrict: bool = self.config.filter("restrict_isolated_hosts_to_isolated_images")
        host_isolated = host.host in hosts
        if not images:
            return "kept for isolated images" if restrict and host_isolated else None
        image_isolated = request.image_id in images
        if image_isolated and not host_isolated:
            return "the image is kept for isolated hosts"
        return "kept for isolated images" if restrict and host_isolated and not image_isolated else None
