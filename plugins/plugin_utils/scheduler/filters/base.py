# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a filter is (``nova/scheduler/filters/__init__.py: BaseHostFilter``)."""

from __future__ import annotations

from ansible_collections.kvmfleet.compute.plugins.module_utils.reason import Reason
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.scheduler.config import Config
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.scheduler.host_state import HostState
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.scheduler.request import Request


class Filter:
    """Drops hosts. A subclass is named as Nova names it, and says why a host is dropped."""

    # Nothing that it looks at changes between the picks of one request.
    run_filter_once_per_request = False

    def __init__(self, config: Config, groups_hosts: dict[str, set[str]]) -> None:
        self.name = type(self).__name__
        self.config = config
        self.group_hosts = groups_hosts

    def is_local(self, request: Request) -> bool:
        """True if its answer for a host changes only when a server is placed on that very host; else all hosts are filtered again for each server."""
        return False

    def reason(self, host: HostState, request: Request) -> Reason | str | None:
        """Why the host is dropped: a text, or a Reason if it is about an amount; None if the host passes."""
        raise NotImplementedError

    def refusal(self, text: str, left: float, asked: float) -> Reason:
        """A reason about an amount, which may be the nearest miss."""
        return Reason(self.name, text, left, asked)


class HostFilter(Filter):
    """A filter that looks at the host and the request only, so that after a pick the chosen host alone is filtered again."""

    def is_local(self, request: Request) -> bool:
        return True
