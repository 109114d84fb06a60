"""Servers that exist already: matched by name, never shrunk, and what differs is told."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.kvmfleet.compute.plugins.plugin_utils.api import existing
from ansible_collections.kvmfleet.compute.tests.unit import make
from ansible_collections.kvmfleet.compute.tests.unit.plugins.plugin_utils.api.stage import asked, check, fleet_of, record_of, rules


def test_existing_servers_are_matched_and_drift_is_told() -> None:
    record = record_of(check(asked()))
    again = check(asked(), fleet=fleet_of(record))
    assert again["request_specs"] == []
    found = again["instances"][0]
    assert (found["instance"]["uuid"], found["existing"]["action"], found["existing"]["drift"]) == (record["uuid"], "none", [])
    other = check(asked(metadata={"a": "b"}), fleet=fleet_of(dict(record, power_state="shutdown")))["instances"][0]["existing"]
    assert (other["action"], [item["path"] for item in other["drift"]]) == ("start", ["metadata", "power_state"])


def test_a_building_server_is_a_conflict_only_while_its_run_lives() -> None:
    record = record_of(check(asked()), vm_state="building", run=make.run(id="other"), lease_left_s=0)
    assert check(asked(), fleet=fleet_of(record))["instances"][0]["existing"]["action"] == "finish"
    live = dict(record, live=True)
    result = check(asked(), fleet=fleet_of(live))
    assert rules(result) == [("servers[0].name", "InstanceIsBuilding")]
    assert "compute_take_over" in result["errors"][0]["rule"]
    assert check(asked(), fleet=fleet_of(live), take_over=True)["instances"][0]["existing"]["action"] == "finish"


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        ({"lease_left_s": 90}, "host h1 keeps the claim for another 90 s"),
        ({"lease_left_s": 0, "locked": True}, "a process on host h1 is at work on it"),
        ({"lease_left_s": None}, "host h1 does not say for how long"),
    ],
)
def test_a_conflict_says_until_when_by_the_hosts_own_word(fields: dict[str, t.Any], why: str) -> None:
    record = record_of(check(asked()), vm_state="building", run=make.run(id="other", controller="ctl"), live=True, **fields)
    (error,) = check(asked(), fleet=fleet_of(record))["errors"]
    told = f"is being built by run other of controller ctl: {why}; wait for it, or take it over with compute_take_over: true"
    assert (error["rule"], error["http_status"]) == (told, 409)


def test_multi_create_grows_and_never_shrinks() -> None:
    three = [record_of({"instances": [item]}) for item in check(asked(min_count=3))["instances"]]
    more = check(asked(min_count=4), fleet=fleet_of(*three))
    assert [item["instance"]["display_name"] for item in more["instances"]] == ["web-1", "web-2", "web-3", "web-4"]
    assert more["request_specs"][0]["display_names"] == ["web-4"]
    assert more["instances"][3]["instance"]["reservation_id"] == three[0]["reservation_id"]
    fewer = check(asked(min_count=2), fleet=fleet_of(*three))
    assert fewer["errors"] == []
    assert "none is deleted" in fewer["notes"][0]


def test_one_name_twice_in_a_run() -> None:
    assert ("servers[1].name", "InstanceExists") in rules(check(asked(), asked()))


def test_a_name_in_another_project_is_another_server() -> None:
    there = record_of(check(asked()), project_id="other")
    there["ports"][0]["fixed_ips"] = [make.fixed_ip(ip_address="192.0.2.50")]
    wanted = asked(networks=[{"name": "lan", "fixed_ip": "192.0.2.50"}])
    assert rules(check(wanted, fleet=fleet_of(there))) == [("servers[0].networks[0].fixed_ip", "FixedIpAlreadyInUse")]
    assert rules(check(wanted, fleet=fleet_of(dict(there, project_id="p")))) == []


@pytest.mark.parametrize(
    ("changes", "action"),
    [
        ({"power_state": "running"}, "none"),
        ({"power_state": "shutdown"}, "start"),
        ({"power_state": "paused"}, "none"),
        ({"power_state": "paused", "run": make.run()}, "start"),
        ({"power_state": "paused", "run": make.run(), "locked": True}, "none"),
        ({"vm_state": "building", "power_state": "paused", "run": make.run()}, "finish"),
    ],
)
def test_a_pause_of_the_user_is_left_alone_and_one_of_a_start_that_was_cut_off_is_not(changes: dict[str, t.Any], action: str) -> None:
    assert existing.action_for(make.fleet_record(make.instance("a"), **changes)) == action
