# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The loop: filter, weigh, pick, consume; alternates; each pick with its explanation; pure.

Follows ``nova/scheduler/manager.py: SchedulerManager._schedule`` and ``_get_alternate_hosts``, and ``host_manager.py: get_filtered_hosts``.
"""

from __future__ import annotations

import random
import typing as t

from ansible_collections.kvmfleet.compute.plugins.plugin_utils.scheduler import prefilters, registry
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.scheduler.config import Config
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.scheduler.filters.base import Filter
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.scheduler.host_state import Devices, HostState
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.scheduler.request import Group, Request, RequestError
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.scheduler.weighers.base import Weigher, normalise

Data = dict[str, t.Any]
# What one pick took: the host, the server, resources and devices.
Taken = tuple[HostState, str, dict[str, int], Devices]
# The names that Nova has for "no zone at all": they restrict nothing unless an aggregate makes a zone of that name.
NO_ZONES = {"nova", "internal"}


def schedule(
    requests: list[Data],
    hosts: list[Data],
    aggregates: list[Data],
    groups: list[Data],
    config: Data | None = None,
    *,
    rng: random.Random | None = None,
) -> Data:
    """{version, results: one per request}; requests of one call see each other.

    ``requests``, ``hosts``, ``aggregates``, ``groups``: docs/data.md. ``config``: options by nova.conf section. ``rng``: for shuffling among equals, where
    the options ask for it. A result: {id, result (``ok``, ``partial``, ``no_valid_host``, ``api_error``, ``scheduler_crash``), message,
    rejected_by_placement {host: why}, picks [{host, node, instance_uuid, removed {host: {filter, reason}}, weighed [[host, weight]], weights, alternates,
    tied_for_best, claim_failed [[host, why]]}]}.
    """
    scheduler = _Scheduler(hosts, aggregates, groups, Config(config), rng or random.Random(0))
    return {"version": 1, "results": [scheduler.place(spec) for spec in requests]}


class _Scheduler:
    """The fleet during one call."""

    def __init__(self, hosts: list[Data], aggregates: list[Data], groups: list[Data], config: Config, rng: random.Random) -> None:
        self.hosts = [HostState(facts, aggregates, position) for position, facts in enumerate(hosts)]
        self.groups = {group["uuid"]: Group(group) for group in groups}
        self.config, self.rng, self.aggregates = config, rng, aggregates
        self.group_hosts: dict[str, set[str]] = {}
        for group in self.groups.values():
            self.group_hosts[group.uuid] = {host.host for host in self.hosts if group.members & host.instances.keys()}
        names = config.filter("enabled_filters")
        self.filters: list[Filter] = [registry.filter_class(name)(config, self.group_hosts) for name in names]
        self.weighers: list[Weigher] = [weigher(config) for _name, weigher in sorted(registry.all_weighers().items())]
        self.zones = prefilters.zones(self.hosts)

    # one request

    def place(self, spec: Data) -> Data:
        """The result of one request; what it places stays placed for the next one."""
        result: Data = {"id": spec.get("id"), "result": "ok", "message": "", "rejected_by_placement": {}, "picks": []}
        try:
            request = Request(spec, self.groups, self.config)
            self._check_zone(request)
        except (RequestError, ValueError) as error:
            return {**result, "result": "api_error", "message": str(error)}
        try:
            request.tenant_aggregates = prefilters.tenant_aggregates(self.aggregates, request.project_id, self.config)
        except LookupError as error:
            return {**result, "result": "no_valid_host", "message": str(error)}
        for host in self.hosts:
            host.refresh()
        undo: list[Taken] = []
        try:
            self._pick_all(request, result, undo)
        except (ValueError, LookupError, TypeError, AttributeError) as error:
            # A filter or weigher that Nova's own would have died of (a number that is none, an unknown operator): this request is refused, no other.
            self._give_back(request, undo)
            return {**result, "result": "scheduler_crash", "message": f"{type(error).__name__}: {error}", "picks": []}
        placed = len(undo)
        if placed < request.number:
            result["result"] = "partial" if placed >= request.min_count else "no_valid_host"
            if result["result"] == "no_valid_host":
                self._give_back(request, undo)
        return result

    def _check_zone(self, request: Request) -> None:
        if request.zone and self.zones and request.zone not in self.zones | NO_ZONES:
            raise RequestError(f"availability zone {request.zone} does not exist; known: {', '.join(sorted(self.zones))}")

    def _pick_all(self, request: Request, result: Data, undo: list[Taken]) -> None:
        survivors = self._candidates(request, result["rejected_by_placement"])
        for index, uuid in enumerate(request.uuids[: request.number]):
            request.instance_uuid = uuid
            pick: Data = {"instance_uuid": uuid, "removed": {}, "weighed": [], "claim_failed": []}
            result["picks"].append(pick)
            survivors, chosen = self._pick(request, survivors, index, pick)
            if chosen is None:
                break
            pick.update(host=chosen.host, node=chosen.nodename)
            undo.append(self._consume(chosen, request, uuid))
        self._add_alternates(request, survivors, result["picks"])

    def _candidates(self, request: Request, rejected: dict[str, str]) -> list[HostState]:
        """The hosts that Placement would offer, once for the request."""
        candidates = []
        for host in self.hosts:
            why = self._named_otherwise(host, request) or prefilters.reason(host, request, self.zones, self.config)
            if why:
                rejected[host.host] = why
            else:
                candidates.append(host)
        return candidates

    @staticmethod
    def _named_otherwise(host: HostState, request: Request) -> str | None:
        wanted = request.destination
        if wanted.get("host") and wanted["host"] != host.host:
            return f"not the requested host {wanted['host']}"
        if wanted.get("node") and wanted["node"] != host.nodename:
            return f"not the requested node {wanted['node']}"
        if request.force_hosts and host.host.lower() not in [name.lower() for name in request.force_hosts]:
            return f"not the forced host {', '.join(request.force_hosts)}"
        if request.force_nodes and host.nodename not in request.force_nodes:
            return f"not the forced node {', '.join(request.force_nodes)}"
        if host.host.lower() in [name.lower() for name in request.ignore_hosts]:
            return "to be ignored"
        return None

    def _pick(self, request: Request, survivors: list[HostState], index: int, pick: Data) -> tuple[list[HostState], HostState | None]:
        """(the survivors, best first; the first of them whose claim succeeds)."""
        if not request.is_forced:
            survivors = self._filter(request, survivors, index, pick["removed"])
        if not survivors:
            return [], None
        weights, detail = self._weigh(request, survivors)
        # Equals stand in the order of the inventory.
        order = sorted(range(len(survivors)), key=lambda index: (-weights[index], survivors[index].position))
        ordered = [survivors[position] for position in order]
        pick["weighed"] = [[survivors[position].host, weights[position]] for position in order]
        pick["weights"] = detail
        tied = [survivors[position].host for position in order if weights[position] == weights[order[0]]]
        if len(tied) > 1:
            pick["tied_for_best"] = tied
        ordered = self._among_equals(ordered, len(tied))
        for host in ordered:
            why = host.shortage(request.resources_on(host.host))
            if why is None:
                return ordered, host
            pick["claim_failed"].append([host.host, why])
        return ordered, None

    def _among_equals(self, ordered: list[HostState], best: int) -> list[HostState]:
        if self.config.filter("shuffle_best_same_weighed_hosts") and best > 1:
            head = ordered[:best]
            self.rng.shuffle(head)
            ordered = head + ordered[best:]
        size = int(self.config.filter("host_subset_size"))
        if size > 1:
            chosen = self.rng.choice(ordered[:size])
            ordered = [chosen] + [host for host in ordered if host is not chosen]
        return ordered

    def _filter(self, request: Request, survivors: list[HostState], index: int, removed: Data) -> list[HostState]:
        for item in self.filters:
            if index and item.run_filter_once_per_request:
                continue
            passed = []
            for host in survivors:
                why = item.reason(host, request)
                if why is None:
                    passed.append(host)
                else:
                    removed[host.host] = {"filter": type(item).__name__, "reason": why}
            survivors = passed
        return survivors

    def _weigh(self, request: Request, survivors: list[HostState]) -> tuple[list[float], Data]:
        """(the weight of each survivor, {host: {weigher: {raw, normalised, multiplied}}} of the weighers that make a difference)."""
        totals = [0.0] * len(survivors)
        detail: Data = {host.host: {} for host in survivors}
        if len(survivors) < 2:
            return totals, detail
        for weigher in self.weighers:
            raw = [weigher.raw(host, request) for host in survivors]
            normal = normalise(raw, weigher.minval)
            for position, host in enumerate(survivors):
                multiplied = weigher.multiplier(host) * normal[position]
                if multiplied:
                    totals[position] += multiplied
                    detail[host.host][type(weigher).__name__] = {"raw": raw[position], "normalised": normal[position], "multiplied": multiplied}
        return totals, detail

    def _consume(self, host: HostState, request: Request, uuid: str) -> Taken:
        """Take what the server needs, in the ledger and in the numbers that weighers see (``HostState.consume_from_request``)."""
        devices = host.consume_devices(request)
        resources = request.resources_on(host.host)
        for name, amount in resources.items():
            host.used[name] = host.used.get(name, 0) + amount
        host.free_ram_mb -= int(request.flavor["memory_mb"])
        host.free_disk_mb -= request.disk_mb
        host.vcpus_used += int(request.flavor["vcpus"])
        host.num_instances += 1
        host.num_io_ops += 1
        host.instances[uuid] = {"uuid": uuid, "image_properties": request.image_properties}
        if request.group:
            request.group.members.add(uuid)
            self.group_hosts[request.group.uuid].add(host.host)
        return host, uuid, resources, devices

    def _give_back(self, request: Request, undo: list[Taken]) -> None:
        for host, uuid, resources, devices in reversed(undo):
            for name, amount in resources.items():
                host.used[name] -= amount
            host.restore_devices(devices)
            host.num_instances -= 1
            host.num_io_ops -= 1
            del host.instances[uuid]
            if request.group:
                request.group.members.discard(uuid)
        if request.group:
            group = request.group
            self.group_hosts[group.uuid] = {host.host for host in self.hosts if group.members & host.instances.keys()}

    def _add_alternates(self, request: Request, survivors: list[HostState], picks: list[Data]) -> None:
        """Up to max_attempts - 1 hosts for each pick that still have room and weren't picked."""
        number = int(self.config.get("scheduler", "max_attempts")) - 1
        selected = {pick.get("host") for pick in picks}
        if not request.is_forced:
            survivors = self._filter(request, survivors, 1, {})
        spare = [host.host for host in survivors if host.host not in selected and host.shortage(request.resources_on(host.host)) is None]
        for pick in picks:
            pick["alternates"] = spare[:number] if pick.get("host") else []
