# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The loop: filter, weigh, pick, consume; alternates; each pick with its explanation; pure.

Follows ``nova/scheduler/manager.py: SchedulerManager._schedule`` and ``_get_alternate_hosts``.
"""

from __future__ import annotations

import json
import typing as t
from collections.abc import Iterable, Mapping

from ansible_collections.kvmfleet.compute.plugins.plugin_utils.random_source import RandomSource
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.scheduler import explain, prefilters, registry
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.scheduler.config import Config, Options
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.scheduler.evaluation import Evaluation, Judges, Reasons
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.scheduler.expression import ExpressionError
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.scheduler.host_state import HostState, Taken
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.scheduler.membership import memberships
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.scheduler.ranking import Ranking
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.scheduler.request import Group, Request, RequestError
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.shapes import (
    Aggregate,
    FleetHost,
    Pick,
    Removal,
    RequestSpec,
    Schedule,
    ScheduleResult,
    SpecGroup,
    WeighedHost,
)

# The names that Nova has for "no zone at all": they restrict nothing unless an aggregate makes a zone of that name.
NO_ZONES = {"nova", "internal"}
# How many hosts' fates and weights one call explains. Past that a pick tells its own host only, and a request its first hosts.
EXPLAINED = 20000
EXPLAINED_PAST_THAT = 20
# Evaluations of this many kinds of request are kept.
KEPT = 8
# Hosts of the members of server groups, by group id and server id.
Members = Mapping[str, Mapping[str, str]]
# What tells requests of one kind from each other.
OWN_FIELDS = ("id", "instance_uuids", "display_names", "num_instances", "min_count", "request_index")


def schedule(
    requests: list[RequestSpec],
    hosts: list[FleetHost],
    aggregates: list[Aggregate],
    groups: list[SpecGroup],
    config: Options | None = None,
    *,
    rng: RandomSource | None = None,
    members: Members | None = None,
    occupied: Iterable[tuple[RequestSpec, Mapping[str, str]]] = (),
) -> Schedule:
    """Place the requests one after another; those of one call see each other. ``rng``: for shuffling among equals; without it there is none.

    ``members``: of server groups, that the hosts' facts need not show. ``occupied``: request specs with the hosts of servers that were placed before.
    """
    scheduler = Scheduler(hosts, aggregates, groups, config, rng, members)
    for spec, hosts_of in occupied:
        scheduler.occupy(spec, hosts_of)
    return {"version": 1, "results": [scheduler.place(spec) for spec in requests]}


class Scheduler:
    """The fleet during one call."""

    def __init__(
        self,
        hosts: list[FleetHost],
        aggregates: list[Aggregate],
        groups: list[SpecGroup],
        config: Options | None,
        rng: RandomSource | None = None,
        members: Members | None = None,
    ) -> None:
        belongs = memberships(aggregates)
        self.config, self.rng, self.aggregates = Config(config), rng, aggregates
        self.hosts = [HostState(facts, belongs(facts["name"]), position) for position, facts in enumerate(hosts)]
        self.groups = {group["uuid"]: Group(group) for group in groups}
        self._add_members(members or {})
        self.group_hosts: dict[str, set[str]] = {group.uuid: self._hosts_of(group) for group in self.groups.values()}
        self._judges = Judges(
            [registry.make_filter(item, self.config, self.group_hosts) for item in self.config.filter("enabled_filters")],
            registry.make_weighers(self.config),
            prefilters.zones(self.hosts),
            self.config,
        )
        self._room = EXPLAINED
        # Hosts in the order in which something was placed on them or taken back; those up to _refreshed have had their free numbers worked out anew.
        self._touched: list[HostState] = []
        self._refreshed = 0
        # By kind of request: the evaluation, and how much of _touched it has seen.
        self._evaluations: dict[str, tuple[Evaluation, int]] = {}

    def _hosts_of(self, group: Group) -> set[str]:
        return {host.host for host in self.hosts if not group.members.isdisjoint(host.instances)} if group.members else set()

    def _add_members(self, members: Members) -> None:
        """Let members be on hosts whose facts don't show them."""
        by_name = {host.host: host for host in self.hosts} if members else {}
        for uuid, of_group in members.items():
            for member, name in of_group.items():
                if uuid in self.groups and name in by_name:
                    self.groups[uuid].members.add(member)
                    by_name[name].instances.setdefault(member, {"uuid": member})

    def occupy(self, spec: RequestSpec, hosts: Mapping[str, str]) -> None:
        """Take what servers of a request use where they were placed before; ``hosts``: by server id."""
        by_name = {host.host: host for host in self.hosts}
        for uuid, name in hosts.items():
            if name in by_name:
                self._consume(by_name[name], Request(spec, self.groups, self.config), uuid)

    # one request

    def place(self, spec: RequestSpec) -> ScheduleResult:
        """The result of one request; what it places stays placed for the next one."""
        result: ScheduleResult = {"id": spec["id"], "result": "ok", "message": "", "rejected_by_placement": {}, "omitted": 0, "picks": []}
        try:
            request = self._request(spec)
        except (RequestError, ValueError) as error:
            return {**result, "result": "api_error", "message": str(error)}
        except LookupError as error:
            return {**result, "result": "no_valid_host", "message": str(error)}
        self._refresh(request)
        undo: list[tuple[HostState, Taken]] = []
        try:
            evaluation = self._evaluate(request)
            full = self._pick_all(request, evaluation, result, undo)
        except (ValueError, LookupError, TypeError, AttributeError) as error:
            # What a filter or weigher of Nova would have died of (text in the place of a number, an unknown operator) refuses this request and no other.
            self._give_back(request, undo)
            self._evaluations.clear()
            message = str(error) if isinstance(error, ExpressionError) else f"{type(error).__name__}: {error}"
            return {**result, "result": "scheduler_crash", "message": message, "picks": []}
        if len(undo) < request.number:
            enough = len(undo) >= request.min_count and self.config.get("kvmfleet", "honour_min_count")
            result["result"] = "partial" if enough else "no_valid_host"
            result["message"] = explain.no_valid_host({**evaluation.reasons(), **full}, [item.name for item in self._judges.filters])
            if not enough:
                self._give_back(request, undo)
        return result

    def candidates(self, spec: RequestSpec) -> tuple[list[HostState], Reasons]:
        """(the hosts that one server of the request could be on, in the order of the inventory; why the others could not)."""
        evaluation = Evaluation(self._judges, self._request(spec), self.hosts)
        return evaluation.ranking.hosts, evaluation.reasons()

    def weighed(self, spec: RequestSpec) -> list[tuple[int, WeighedHost]]:
        """All hosts with their positions, best first."""
        ranking = Ranking(self._judges.weighers, list(self.hosts), self._request(spec))
        return [(index, {"name": self.hosts[index].host, "weight": ranking.totals[index], "weights": ranking.detail(index)}) for index in ranking.order()]

    def _request(self, spec: RequestSpec) -> Request:
        request = Request(spec, self.groups, self.config)
        if request.zone and self._judges.zones and request.zone not in self._judges.zones | NO_ZONES:
            raise RequestError(f"availability zone {request.zone} does not exist; known: {', '.join(sorted(self._judges.zones))}")
        if request.group:
            uuids = set(request.uuids)
            request.is_known = any(not uuids.isdisjoint(host.instances) for host in self.hosts)
        request.tenant_aggregates = prefilters.tenant_aggregates(self.aggregates, request.project_id, self.config)
        return request

    def _refresh(self, request: Request) -> None:
        for host in self.hosts if request.numa else set(self._touched[self._refreshed :]):
            host.refresh()
        self._refreshed = len(self._touched)

    def _evaluate(self, request: Request) -> Evaluation:
        """The fleet for this kind of request: the one that is kept, brought up to date, or a new one."""
        same = {key: value for key, value in request.spec.items() if key not in OWN_FIELDS}
        # An expression may ask for the number, and a server that is there already passes anti-affinity.
        kind = json.dumps([same, request.number, request.is_known], sort_keys=True)
        evaluation, seen = self._evaluations.pop(kind, (None, 0))
        if evaluation is None or not evaluation.catch_up(list(dict.fromkeys(self._touched[seen:])), request):
            evaluation = Evaluation(self._judges, request, self.hosts)
        if evaluation.is_lasting:
            self._evaluations[kind] = (evaluation, len(self._touched))
            if len(self._evaluations) > KEPT:
                del self._evaluations[next(iter(self._evaluations))]
        return evaluation

    def _pick_all(self, request: Request, evaluation: Evaluation, result: ScheduleResult, undo: list[tuple[HostState, Taken]]) -> Reasons:
        """Fill in the picks; why hosts that are full by now took none."""
        removed = self._fates(evaluation, result)
        full: Reasons = {}
        spare: t.Iterator[HostState] = iter(())
        chosen: HostState | None = None
        for index, uuid in enumerate(request.uuids[: request.number]):
            request.instance_uuid = uuid
            if chosen is not None:
                dropped = evaluation.follow(chosen, request)
                removed = explain.removals(dropped) if dropped else {}
            ranking = evaluation.ranking
            order = self._order(ranking)
            chosen, failed = self._claim(ranking, request, order)
            if failed:
                full.update(failed)
            pick: Pick = {
                "instance_uuid": uuid,
                "host": chosen.host if chosen else None,
                "node": chosen.nodename if chosen else None,
                "removed": removed,
                "survivors": len(ranking.hosts),
                "weighed": [],
                "weights": {},
                "claim_failed": [(name, str(why)) for name, why in failed.items()] if failed else [],
                "alternates": [],
            }
            result["picks"].append(pick)
            self._describe(ranking, chosen, pick)
            if chosen is None:
                return full
            undo.append((chosen, self._consume(chosen, request, uuid)))
            if index == request.number - 1:
                taken = {host.position for host, _taken in undo}
                # As the hosts were ordered for this pick, which evaluation.follow has not changed.
                spare = ranking.spare(taken) if order is None else iter([host for host in order if host.position not in taken])
        alternates = self._alternates(request, evaluation, spare)
        for pick in result["picks"]:
            pick["alternates"] = list(alternates)
        return full

    def _fates(self, evaluation: Evaluation, result: ScheduleResult) -> dict[str, Removal]:
        """Put into the result why hosts are out before the first pick; what the filters removed."""
        rejected, removed = evaluation.rejected, evaluation.removed
        number = len(rejected) + len(removed)
        if number > self._room:
            rejected = dict(list(rejected.items())[:EXPLAINED_PAST_THAT])
            removed = dict(list(removed.items())[:EXPLAINED_PAST_THAT])
            result["omitted"] = number - len(rejected) - len(removed)
        self._room -= len(rejected) + len(removed)
        result["rejected_by_placement"] = {host: str(why) for host, why in rejected.items()}
        return explain.removals(removed)

    def _describe(self, ranking: Ranking, chosen: HostState | None, pick: Pick) -> None:
        """The weights of all hosts that were left, or past EXPLAINED of the chosen one."""
        if len(ranking.hosts) <= self._room:
            self._room -= len(ranking.hosts)
            shown = ranking.order()
            tied = [ranking.hosts[index].host for index in shown if ranking.totals[index] == ranking.totals[shown[0]]]
            if len(tied) > 1:
                pick["tied_for_best"] = tied
        else:
            shown = [] if chosen is None else [ranking.index(chosen)]
        # + 0.0 makes zero of minus zero.
        pick["weighed"] = [(ranking.hosts[index].host, ranking.totals[index] + 0.0) for index in shown]
        pick["weights"] = {ranking.hosts[index].host: ranking.detail(index) for index in shown}

    def _order(self, ranking: Ranking) -> list[HostState] | None:
        """The hosts in the order to try them, if the options mix up the best ones (``_get_sorted_hosts``); None for the plain order."""
        shuffle, size = self.config.filter("shuffle_best_same_weighed_hosts"), int(self.config.filter("host_subset_size"))
        if self.rng is None or (not shuffle and size < 2) or not ranking.hosts:
            return None
        indexes = ranking.order()
        best = sum(1 for index in indexes if ranking.totals[index] == ranking.totals[indexes[0]])
        ordered = [ranking.hosts[index] for index in indexes]
        if shuffle and best > 1:
            head = ordered[:best]
            self.rng.shuffle(head)
            ordered = head + ordered[best:]
        if size > 1:
            chosen = self.rng.choice(ordered[:size])
            ordered = [chosen] + [host for host in ordered if host is not chosen]
        return ordered

    @staticmethod
    def _claim(ranking: Ranking, request: Request, order: list[HostState] | None) -> tuple[HostState | None, Reasons]:
        """(the first host with room; why those before it have none)."""
        failed: Reasons = {}
        if order is not None:
            tried: t.Iterator[HostState] = iter(order)
        else:
            # A host that is shut is not the best one any more.
            tried = iter(ranking.best, None)
        for host in tried:
            why = host.shortage(request.resources_on(host.host))
            if why is None:
                return host, failed
            failed[host.host] = why
            ranking.shut(host)
        return None, failed

    def _consume(self, host: HostState, request: Request, uuid: str) -> Taken:
        taken = host.consume(request, uuid)
        self._touched.append(host)
        if request.group:
            request.group.members.add(uuid)
            self.group_hosts[request.group.uuid].add(host.host)
        return taken

    def _give_back(self, request: Request, undo: list[tuple[HostState, Taken]]) -> None:
        for host, taken in reversed(undo):
            host.release(taken)
            self._touched.append(host)
            if request.group:
                request.group.members.discard(taken.uuid)
        if request.group and undo:
            self.group_hosts[request.group.uuid].clear()
            self.group_hosts[request.group.uuid].update(self._hosts_of(request.group))

    def _alternates(self, request: Request, evaluation: Evaluation, spare: t.Iterator[HostState]) -> list[str]:
        """Up to max_attempts - 1 hosts that still have room and weren't picked."""
        most = int(self.config.get("scheduler", "max_attempts")) - 1
        found: list[str] = []
        while len(found) < most and (host := next(spare, None)) is not None:
            if host.shortage(request.resources_on(host.host)) is None and evaluation.still_passes(host, request):
                found.append(host.host)
        return found
