# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The fleet as one kind of request sees it: who is a candidate, who passed the filters, what they weigh, and why the others are out; pure.

Follows ``nova/scheduler/host_manager.py: get_filtered_hosts``. It is kept between the picks of a request, and between requests that differ in their ids only:
what was placed meanwhile touches single hosts, and those are looked at again.

1. An evaluation asks every host once: named otherwise or no candidate (``rejected``), dropped by a filter (``removed``), or in the ``ranking``.
2. A pick changes the chosen host only, if all filters and weighers say so (``is_local``): ``follow`` filters and weighs that host again, and it keeps its place
   or leaves. A single filter or weigher that looks at other hosts has all remaining hosts filtered and weighed again.
3. The next request of the same kind may go on with the evaluation (``is_lasting``). As a new request it runs all filters, but only on the hosts that were
   touched since (``catch_up``): who still passes is weighed again, who does not leaves.
4. A host that comes back (what was placed there was given back) would need a place in the ranking that it has left: then a new evaluation is made.
5. A host that is full is shut in the ranking: it keeps its weight, which scales the others', but can't be chosen.
"""

from __future__ import annotations

import typing as t

from ansible_collections.kvmfleet.compute.plugins.module_utils.reason import Reason
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.scheduler import prefilters
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.scheduler.config import Config
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.scheduler.filters.base import Filter
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.scheduler.host_state import HostState
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.scheduler.ranking import Ranking
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.scheduler.request import Request
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.scheduler.weighers.base import Weigher

# Why hosts are out, by their names.
Reasons = dict[str, Reason]


class Judges(t.NamedTuple):
    """What evaluates hosts: the filters and weighers in their order, with their options."""

    filters: list[Filter]
    weighers: list[Weigher]
    zones: set[str]
    config: Config


def _named_otherwise(host: HostState, request: Request) -> Reason | None:
    wanted = request.destination
    if wanted and wanted["host"] and wanted["host"] != host.host:
        return Reason(f"not the requested host {wanted['host']}")
    if wanted and wanted["node"] and wanted["node"] != host.nodename:
        return Reason(f"not the requested node {wanted['node']}")
    if request.force_hosts and host.host.lower() not in request.forced_names:
        return Reason(f"not the forced host {', '.join(request.force_hosts)}")
    if request.force_nodes and host.nodename not in request.force_nodes:
        return Reason(f"not the forced node {', '.join(request.force_nodes)}")
    if request.ignored_names and host.host.lower() in request.ignored_names:
        return Reason("ignored", "the request names it in ignore_hosts")
    return None


class Evaluation:
    """``rejected``: why hosts are out before the filters; ``removed``: why filters dropped them; ``ranking``: the others."""

    def __init__(self, judges: Judges, request: Request, hosts: list[HostState]) -> None:
        self._judges = judges
        self.rejected: Reasons = {}
        self.removed: Reasons = {}
        self._filters = [] if request.is_forced else judges.filters
        self._again = [item for item in self._filters if not item.run_filter_once_per_request]
        weighed_alone = all(weigher.is_local(request) for weigher in judges.weighers)
        # True if a pick of this request changes the chosen host only; and if all this may be kept for the next request.
        self._is_local = weighed_alone and all(item.is_local(request) for item in self._again)
        self.is_lasting = weighed_alone and request.numa is None and all(item.is_local(request) for item in self._filters)
        self.ranking = Ranking(judges.weighers, [host for host in hosts if self._passes(host, request)], request)

    def _passes(self, host: HostState, request: Request) -> bool:
        why = _named_otherwise(host, request) or prefilters.reason(host, request, self._judges.zones, self._judges.config)
        if why:
            self.rejected[host.host] = why
            return False
        return self._filtered(host, request, self._filters, self.removed)

    @staticmethod
    def _filtered(host: HostState, request: Request, filters: list[Filter], removed: Reasons) -> bool:
        for item in filters:
            why = item.reason(host, request)
            if why is not None:
                removed[host.host] = why if isinstance(why, Reason) else Reason(item.name, why)
                return False
        return True

    def reasons(self) -> Reasons:
        """Why hosts are out."""
        return {**self.rejected, **self.removed}

    def still_passes(self, host: HostState, request: Request) -> bool:
        """True if an alternate may be on it, with all that was placed since."""
        return self._filtered(host, request, self._again, {})

    def follow(self, chosen: HostState, request: Request) -> Reasons:
        """A server of this request was placed on ``chosen``; why hosts are out by that. They stay out."""
        removed: Reasons = {}
        if not self._is_local:
            hosts = [host for host in self.ranking.hosts if self._filtered(host, request, self._again, removed)]
            self.ranking = Ranking(self._judges.weighers, hosts, request)
        elif self._filtered(chosen, request, self._again, removed):
            self.ranking.put(chosen, request)
        else:
            self.ranking.drop(chosen)
        self.removed.update(removed)
        return removed

    def catch_up(self, touched: list[HostState], request: Request) -> bool:
        """Look again at hosts that other requests have changed, as a new request does; False if only a new evaluation will do."""
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
