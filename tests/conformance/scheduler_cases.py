"""Do the scheduler's picks, survivors and weights agree with Nova's?"""

from __future__ import annotations

import typing as t

from ansible_collections.kvmfleet.compute.plugins.plugin_utils.scheduler.schedule import schedule

TOLERANCE = 1e-6


def _pick_difference(wanted: dict[str, t.Any], got: dict[str, t.Any]) -> str | None:
    allowed = wanted.get("tied_for_best") or [wanted["host"]]
    if got.get("host") not in [*allowed, wanted["host"]]:
        return f"host {got.get('host')}, wanted {wanted['host']} (removed {got['removed']}, weighed {got['weighed']})"
    ours, theirs = dict(map(tuple, got["weighed"])), dict(map(tuple, wanted["weighed"]))
    if set(ours) != set(theirs):
        return f"survivors {sorted(ours)}, wanted {sorted(theirs)}; removed {got['removed']}"
    for host, weight in theirs.items():
        if abs(ours[host] - weight) > TOLERANCE:
            return f"weight of {host} {ours[host]}, wanted {weight}: {got['weights'][host]}"
    return None


def compare(case: dict[str, t.Any]) -> tuple[str, str | None]:
    """(id, None where they agree, else the first difference)."""
    scenario = case["scenario"]
    config = {**scenario.get("config", {}), "kvmfleet": {"profile": "nova"}}
    results = schedule(scenario["requests"], scenario["hosts"], scenario.get("aggregates", []), scenario.get("groups", []), config)["results"]
    for number, (wanted, got) in enumerate(zip(case["expected"]["results"], results, strict=True)):
        if wanted["result"] != got["result"]:
            return case["id"], f"request {number}: {got['result']} ({got['message']}; {got['rejected_by_placement']}), wanted {wanted['result']}"
        for index, pick in enumerate(wanted.get("picks", [])):
            if pick.get("host"):
                difference = _pick_difference(pick, got["picks"][index])
                if difference:
                    return case["id"], f"request {number}, pick {index}: {difference}"
    return case["id"], None
