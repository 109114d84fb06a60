# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The scheduler's loop with nothing kept: every filter and weigher for every host and every pick. What the fast one must agree with."""

from __future__ import annotations

from ansible_collections.kvmfleet.compute.plugins.plugin_utils.scheduler import prefilters, registry
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.scheduler.config import Config, Options
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.scheduler.host_state import HostState, Taken
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.scheduler.membership import memberships
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.scheduler.request import Group, Request
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.shapes import Aggregate, FleetHost, RequestSpec, SpecGroup


def normalise(weights: list[float], minval: float | None) -> list[float]:
    """0 to 1; all equal is 0 (``nova.weights.normalize``)."""
    if minval is not None:
        weights = [max(weight, minval) for weight in weights]
    largest, least = float(max(weights)), float(min(weights) if minval is None else minval)
    return [0.0] * len(weights) if largest == least else [(weight - least) / (largest - least) for weight in weights]


class PlainScheduler:
    def __init__(self, hosts: list[FleetHost], aggregates: list[Aggregate], groups: list[SpecGroup], config: Options | None) -> None:
        belongs = memberships(aggregates)
        self.config, self.aggregates = Config(config), aggregates
        self.hosts = [HostState(facts, belongs(facts["name"]), position) for position, facts in enumerate(hosts)]
        self.groups = {group["uuid"]: Group(group) for group in groups}
        self.group_hosts = {group.uuid: {host.host for host in self.hosts if group.members & host.instances.keys()} for group in self.groups.values()}
        self.filters = [registry.make_filter(item, self.config, self.group_hosts) for item in self.config.filter("enabled_filters")]
        self.weighers = registry.make_weighers(self.config)
        self.zones = prefilters.zones(self.hosts)

    def place(self, spec: RequestSpec) -> tuple[str, list[tuple[str | None, list[tuple[str, float]]]], list[str]]:
        """(result, [(host, [(host, weight)] best first)], alternates)."""
        request = Request(spec, self.groups, self.config)
        for host in self.hosts:
            host.refresh()
        survivors = [host for host in self.hosts if prefilters.reason(host, request, self.zones, self.config) is None]
        picks: list[tuple[str | None, list[tuple[str, float]]]] = []
        undo: list[tuple[HostState, Taken]] = []
        for index, uuid in enumerate(request.uuids[: request.number]):
            request.instance_uuid = uuid
            survivors = self.filtered(survivors, request, index > 0)
            weights = self.weights(survivors, request)
            order = sorted(range(len(survivors)), key=lambda index: (-weights[index], survivors[index].position))
            chosen = next(
                (survivors[position] for position in order if survivors[position].shortage(request.resources_on(survivors[position].host)) is None), None
            )
            picks.append((chosen.host if chosen else None, [(survivors[position].host, weights[position]) for position in order]))
            if chosen is None:
                break
            ranked = [survivors[position] for position in order]
            undo.append((chosen, chosen.consume(request, uuid)))
            if request.group:
                request.group.members.add(uuid)
                self.group_hosts[request.group.uuid].add(chosen.host)
        if len(undo) < request.number:
            if len(undo) >= request.min_count:
                return "partial", picks, []
            self.give_back(undo, request)
            return "no_valid_host", picks, []
        taken = {host.host for host, _taken in undo}
        spare = [
            host.host for host in self.filtered(ranked, request, True) if host.host not in taken and host.shortage(request.resources_on(host.host)) is None
        ]
        return "ok", picks, spare[: int(self.config.get("scheduler", "max_attempts")) - 1]

    def filtered(self, hosts: list[HostState], request: Request, again: bool) -> list[HostState]:
        for item in self.filters:
            if not (again and item.run_filter_once_per_request):
                hosts = [host for host in hosts if item.reason(host, request) is None]
        return hosts

    def weights(self, hosts: list[HostState], request: Request) -> list[float]:
        totals = [0.0] * len(hosts)
        for weigher in self.weighers if len(hosts) > 1 else []:
            normal = normalise([weigher.raw(host, request) for host in hosts], weigher.minval)
            totals = [total + weigher.multiplier(host) * number for total, host, number in zip(totals, hosts, normal, strict=True)]
        return totals

    def give_back(self, undo: list[tuple[HostState, Taken]], request: Request) -> None:
        for host, taken in reversed(undo):
            host.release(taken)
            if request.group:
                request.group.members.discard(taken.uuid)
        if request.group:
            self.group_hosts[request.group.uuid].clear()
            self.group_hosts[request.group.uuid].update(host.host for host in self.hosts if request.group.members & host.instances.keys())
