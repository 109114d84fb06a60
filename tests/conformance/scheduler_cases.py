"""Do the scheduler's picks, survivors and weights agree with Nova's?

A case leaves out what has a default there; those defaults are filled in here, as the collection itself makes nothing up.
"""

from __future__ import annotations

import typing as t
from collections import Counter

from ansible_collections.kvmfleet.compute.plugins.plugin_utils.fleet import target
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.scheduler.schedule import schedule
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.scheduler.stand_alone import group_of, spec_of
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.shapes import Aggregate, FleetHost, Pick, RequestSpec, ScheduleResult

Data = dict[str, t.Any]
TOLERANCE = 1e-6
HOST = {
    "host_ip": "192.0.2.1",
    "hypervisor_type": "QEMU",
    "hypervisor_version": 8002000,
    "supported_instances": [["x86_64", "kvm", "hvm"]],
}
PROJECT = "demo"
# Picks that were compared, and those that were left out because a tie had been broken another way before them.
picks: Counter[str] = Counter()


def summary() -> str:
    """How much of the cases was compared."""
    return f"{picks['compared']} picks compared, {picks['left out']} left out after a tie that was broken another way"


def _host(given: Data) -> FleetHost:
    instances = [{**instance, "image": {"properties": instance.get("image_properties") or {}}} for instance in given.get("instances") or []]
    stats = {key: str(value) for key, value in (given.get("stats") or {}).items()}
    return t.cast(FleetHost, {**HOST, **{key: value for key, value in given.items() if value is not None}, "instances": instances, "stats": stats})


def _spec(given: Data, known: target.Places) -> RequestSpec | str:
    """The request spec as the api stage makes it, or why the api refuses the request."""
    zone = target.resolve(given.get("availability_zone"), known)
    wanted = given.get("requested_destination") or {}
    destination = target.destination(wanted.get("host"), wanted.get("node"), known)
    for fault in [*zone.faults, *destination.faults]:
        return f"{fault.error_class}: {fault.value}: {fault.rule}"
    spec = spec_of({"project_id": PROJECT, **{key: value for key, value in given.items() if key != "availability_zone"}})
    spec["target"] = zone.target
    if wanted:
        spec["requested_destination"] = {"host": destination.target["host"], "node": destination.target["node"]}
    return spec


def results_of(scenario: Data) -> list[ScheduleResult]:
    """What the api and scheduler stages answer to the requests of a scenario, one after another."""
    hosts = [_host(host) for host in scenario["hosts"]]
    aggregates: list[Aggregate] = scenario.get("aggregates", [])
    known = target.places(hosts, aggregates)
    specs = [_spec(request, known) for request in scenario["requests"]]
    options = {**scenario.get("config", {}), "kvmfleet": {"profile": "nova"}}
    groups = [group_of(group) for group in scenario.get("groups", [])]
    scheduled = iter(schedule([spec for spec in specs if not isinstance(spec, str)], hosts, aggregates, groups, options)["results"])
    refused: ScheduleResult = {"id": "", "result": "api_error", "message": "", "rejected_by_placement": {}, "omitted": 0, "picks": []}
    return [{**refused, "message": spec} if isinstance(spec, str) else next(scheduled) for spec in specs]


def _difference(wanted: Data, got: Pick) -> str | None:
    allowed = wanted.get("tied_for_best") or [wanted["host"]]
    if got["host"] not in [*allowed, wanted["host"]]:
        return f"host {got['host']}, wanted {wanted['host']} (removed {got['removed']}, weighed {got['weighed']})"
    ours, theirs = dict(got["weighed"]), dict(map(tuple, wanted["weighed"]))
    if set(ours) != set(theirs):
        return f"survivors {sorted(ours)}, wanted {sorted(theirs)}; removed {got['removed']}"
    for host, weight in theirs.items():
        if abs(ours[host] - weight) > TOLERANCE:
            return f"weight of {host} {ours[host]}, wanted {weight}: {got['weights'][host]}"
    return None


def compare(case: Data) -> tuple[str, str | None]:
    """(id, None if they agree, else the first difference).

    Who breaks a tie another way goes on with another fleet: from then on nothing of the case can be compared.
    """
    wanted_results = case["expected"]["results"]
    differs = False
    for number, (wanted, got) in enumerate(zip(wanted_results, results_of(case["scenario"]), strict=True)):
        placed = [(index, pick) for index, pick in enumerate(wanted.get("picks", [])) if pick.get("host")]
        if differs:
            picks["left out"] += len(placed)
            continue
        if wanted["result"] != got["result"]:
            return case["id"], f"request {number}: {got['result']} ({got['message']}; {got['rejected_by_placement']}), wanted {wanted['result']}"
        for index, pick in placed:
            if differs:
                picks["left out"] += 1
                continue
            picks["compared"] += 1
            difference = _difference(pick, got["picks"][index])
            if difference:
                return case["id"], f"request {number}, pick {index}: {difference}"
            differs = pick["host"] != got["picks"][index]["host"]
    return case["id"], None
