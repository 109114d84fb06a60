# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The fleet as one kind of request sees it: who is a candidate, who passed the filters, what they weigh, and why the others are out; pure.

Follows ``nova/scheduler/host_manager.py: get_filtered_hosts``. It is kept between the picks of a request, and between requests that differ in their ids only:
what was placed meanwhile touches single hosts, and those are looked at again.
"""

from __future__ import annotations

import typing as t

from ansible_collections.kvmfleet.compute.plugins.plugin_utils.scheduler import explain, prefilters
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.scheduler.config import Config
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.scheduler.filters.base import Filter
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.scheduler.host_state import HostState
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.scheduler.ranking import Ranking
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.scheduler.request import Request
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.scheduler.weighers.base import Weigher

Removed = dict[str, dict[str, str]]


class Stage(t.NamedTuple):
    """What evaluates: the filters and weighers in their order, with their options."""

    filters: list[Filter]
    weighers: list[Weigher]
    zones: set[str]
    config: Config


def _named_otherwise(host: HostState, request: Request) -> str | None:
    wanted = request.destination
    if wanted.get("host") and wanted["host"] != host.host:
        return f"not the requested host {wanted['host']}"
    if wanted.get("node") and wanted["node"] != host.nodename:
        return f"not the requested node {wanted['node']}"
    if request.force_hosts and host.host.lower() not in request.forced_names:
        return f"not the forced host {', '.join(request.force_hosts)}"
    if request.force_nodes and host.nodename not in request.force_nodes:
        return f"not the forced node {', '.join(request.force_nodes)}"
    if request.ignored_names and host.host.lower() in request.ignored_names:
        return "to be ignored"
    return None


class Evaluation:
    """``rejected``: {host: why} before the filters; ``removed``: {host: {filter, reason}}; ``ranking``: the others."""

    def __init__(self, stage: Stage, request: Request, hosts: list[HostState]) -> None:
        self._stage = stage
        self.rejected: dict[str, str] = {}
        self.removed: Removed = {}
        self._filters = [] if request.is_forced else stage.filters
        self._again = [item for item in self._filters if not item.run_filter_once_per_request]
        weighed_alone = all(weigher.is_local(request) for weigher in stage.weighers)
        # Does a pick of this request change the chosen host only? And may all this be kept for the next request?
        self._is_local = weighed_alone and all(item.is_local(request) for item in self._again)
        self.is_lasting = weighed_alone and request.numa is None and all(item.is_local(request) for item in self._filters)
        self.ranking = Ranking(stage.weighers, [host for host in hosts if self._passes(host, request)], request)

    def _passes(self, host: HostState, request: Request) -> bool:
        why = _named_otherwise(host, request) or prefilters.reason(host, request, self._stage.zones, self._stage.config)
        if why:
            self.rejected[host.host] = why
            return False
        return self._filtered(host, request, self._filters, self.removed)

    @staticmethod
    def _filtered(host: HostState, request: Request, filters: list[Filter], removed: Removed) -> bool:
        for item in filters:
            why = item.reason(host, request)
            if why is not None:
                removed[host.host] = {"filter": item.name, "reason": why}
                return False
        return True

    def reasons(self) -> dict[str, str]:
        """{host: why it is out}."""
        return {**self.rejected, **explain.removals(self.removed)}

    def still_passes(self, host: HostState, request: Request) -> bool:
        """May an alternate be on it, with all that was placed since?"""
        return self._filtered(host, request, self._again, {})

    def follow(self, chosen: HostState, request: Request) -> Removed:
        """A server of this request was placed on ``chosen``; {host: {filter, reason}} of the hosts that are out by it. Those stay out."""
        removed: Removed = {}
        if not self._is_local:
            hosts = [host for host in self.ranking.hosts if self._filtered(host, request, self._again, removed)]
            self.ranking = Ranking(self._stage.weighers, hosts, request)
        elif self._filtered(chosen, request, self._again, removed):
            self.ranking.put(chosen, request)
        else:
            self.ranking.drop(chosen)
        self.removed.update(removed)
        return removed

    def catch_up(self, touched: list[HostState], request: Request) -> bool:
        """Look again at hosts that other requests have changed, as a new request does; False where only a new evaluation will do."""
        for host in touched:
            was_in = host.host not in self.rejected and host.host not in self.removed
            self.rejected.pop(host.host, None)
            self.removed.pop(host.host, None)
            is_in = self._passes(host, request)
            if is_in and (not was_in or self.ranking.is_shut(host)):
                return False
            if is_in:
                self.ranking.put(host, request)
            elif was_in:
                self.ranking.drop(host)
        return True
