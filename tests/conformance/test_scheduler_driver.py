"""The driver of the scheduler cases compares what can be compared, and sees what differs."""

from __future__ import annotations

import copy
import json
import pathlib
import typing as t

import pytest
from conformance import scheduler_cases

HOSTS = [{"name": name, "vcpus": 8, "memory_mb": 8192, "disk_gb": 100} for name in ("a", "b", "c")]
FLAVOR = {"name": "f", "vcpus": 1, "memory_mb": 1024, "root_gb": 10}
CASES = pathlib.Path(__file__).with_name("scheduler_cases.jsonl")


def case(*requests: dict[str, t.Any]) -> dict[str, t.Any]:
    """A case whose expected results are our own."""
    scenario = {"hosts": HOSTS, "requests": [{"id": f"r{number}", "flavor": FLAVOR, **item} for number, item in enumerate(requests)]}
    return {"id": "case", "scenario": scenario, "expected": {"results": copy.deepcopy(scheduler_cases.results_of(scenario))}}


def counted(made: dict[str, t.Any]) -> tuple[str | None, int, int]:
    """(the difference, picks compared, picks left out)."""
    scheduler_cases.picks.clear()
    difference = scheduler_cases.compare(made)[1]
    return difference, scheduler_cases.picks["compared"], scheduler_cases.picks["left out"]


def test_after_a_tie_that_was_broken_another_way_nothing_is_compared() -> None:
    made = case({"num_instances": 3}, {})
    assert counted(made) == (None, 4, 0)
    first, second, *_others = made["expected"]["results"][0]["picks"]
    assert first["tied_for_best"] == ["a", "b", "c"]
    first["host"] = "c"
    second["weighed"] = [("nobody", 9.0)]
    assert counted(made) == (None, 1, 3)


def test_a_host_that_was_not_the_best_is_a_difference() -> None:
    made = case({"num_instances": 2})
    made["expected"]["results"][0]["picks"][1].update(host="a", tied_for_best=["a"])
    assert "host b, wanted a" in str(counted(made)[0])


@pytest.mark.parametrize(
    ("request_", "result", "message"),
    [
        ({"availability_zone": "nosuch"}, "api_error", "InvalidRequest"),
        ({"availability_zone": "a:b:c:d"}, "api_error", "InvalidInput"),
        ({"requested_destination": {"host": "nosuch"}}, "api_error", "ComputeHostNotFound"),
        ({"requested_destination": {"node": "nosuch"}}, "api_error", "ComputeHostNotFound"),
        ({"availability_zone": "nova:nosuch"}, "no_valid_host", "not the forced host nosuch"),
        ({"availability_zone": "nosuch:B"}, "ok", ""),
    ],
)
def test_the_api_stage_is_asked_about_zones_and_hosts(request_: dict[str, t.Any], result: str, message: str) -> None:
    answer = scheduler_cases.results_of(case(request_)["scenario"])[0]
    assert (answer["result"], message in answer["message"]) == (result, True)


def test_what_a_case_leaves_out_has_the_default_of_the_cases() -> None:
    near = {"scheduler_hints": {"build_near_host_ip": "192.0.2.7"}}
    scenario = case(near)["scenario"] | {"config": {"filter_scheduler": {"enabled_filters": ["SimpleCIDRAffinityFilter"]}}}
    assert scheduler_cases.results_of(scenario)[0]["result"] == "ok"


def test_a_change_of_any_weight_is_seen() -> None:
    made = json.loads(CASES.read_text(encoding="utf-8").splitlines()[0])
    pick = next(pick for result in made["expected"]["results"] for pick in result.get("picks", []) if pick.get("host"))
    pick["weighed"][-1][1] += 1e-3
    assert "weight of" in str(counted(made)[0])
