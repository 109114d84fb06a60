from __future__ import annotations

import typing as t

from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.kvmfleet.compute.plugins.plugin_utils.conductor import result, rounds

IMAGE = {"id": "i", "checksum": "sha256:AB", "disk_format": "qcow2"}


def instance(name: str, host: str = "h1", alternates: tuple[str, ...] = ("h2", "h3"), **fields: t.Any) -> dict[str, t.Any]:
    made = {
        "uuid": name,
        "display_name": name,
        "hostname": name,
        "domain_name": name,
        "project_id": "p",
        "reservation_id": "r-1",
        "request_index": 0,
        "launch_index": 0,
        "image": IMAGE,
        "host": host,
        "node": host,
        "availability_zone": "az1",
        "alternates": list(alternates),
        "zones": dict.fromkeys(alternates, "az2"),
        "attempts": [],
        "ports": [],
        "existing": None,
        "group": None,
    }
    return {**made, **fields}


def outcome(name: str, what: str, stage: str, **fields: t.Any) -> dict[str, t.Any]:
    made = {"uuid": name, "display_name": name, "outcome": what, "stage": stage, "changed": True, "error": None, "power_state": None, "seconds": {stage: 1.0}}
    return {**made, **fields}


def error(reschedule: bool = True) -> dict[str, t.Any]:
    return {"error_class": "X", "message": "no", "reschedule": reschedule}


def first(*instances: dict[str, t.Any], lost: t.Any = (), attempts: int = 3, cached: t.Any = None) -> rounds.Round:
    return rounds.first(list(instances), list(lost), run={"id": "run"}, max_attempts=attempts, group_members={}, cached_images=cached or {})


def test_claims_come_before_builds() -> None:
    state = first(instance("a"), instance("b", "h2"))
    assert (state["stage"], sorted(state["placements"]), state["images"]) == ("claim", ["h1", "h2"], {})
    state = rounds.conduct(state, {"h1": {"a": outcome("a", "claimed", "claim")}, "h2": {"b": outcome("b", "refused", "claim", error=error())}})
    assert state["stage"] == "claim"
    # One refused claim is settled before anything is built; b goes to its first alternate.
    assert {host: [i["uuid"] for i in placed] for host, placed in state["placements"].items()} == {"h2": ["b"]} or "h3" in state["placements"]
    state = rounds.conduct(state, {host: {"b": outcome("b", "claimed", "claim")} for host in state["placements"]})
    assert state["stage"] == "build"
    assert state["images"] == {host: [IMAGE] for host in state["placements"]}


def test_an_image_in_the_cache_is_not_asked_for() -> None:
    claimed = {"h1": {"a": outcome("a", "claimed", "claim")}}
    for cached, asked in (({"sha256:ab": "qcow2"}, []), ({"sha256:ab": "raw"}, [IMAGE]), ({"sha512:ab": "qcow2"}, [IMAGE]), ({}, [IMAGE])):
        assert rounds.conduct(first(instance("a"), cached={"h1": cached}), claimed)["images"] == {"h1": asked}


def test_a_refused_claim_takes_the_alternate_with_its_zone() -> None:
    state = rounds.conduct(first(instance("a")), {"h1": {"a": outcome("a", "refused", "claim", error=error())}})
    moved = state["placements"]["h2"][0]
    assert (moved["host"], moved["availability_zone"], moved["alternates"]) == ("h2", "az2", ["h3"])
    assert moved["attempts"] == [{"host": "h1", "stage": "claim", "error": "no"}]


def test_attempts_are_bounded_and_bad_input_is_not_retried() -> None:
    state = first(instance("a"), attempts=2)
    for _attempt in range(2):
        state = rounds.conduct(state, {host: {"a": outcome("a", "refused", "claim", error=error())} for host in state["placements"]})
    assert state["stage"] == "done"
    assert len(state["servers"][0]["instance"]["attempts"]) == 2
    state = rounds.conduct(first(instance("a")), {"h1": {"a": outcome("a", "refused", "claim", error=error(reschedule=False))}})
    assert (state["stage"], state["servers"][0]["status"]) == ("done", "failed")


def test_a_lost_host_leaves_unknown_and_goes_nowhere() -> None:
    state = rounds.conduct(first(instance("a"), instance("b", "h2")), {"h1": "unreachable: gone", "h2": {"b": outcome("b", "claimed", "claim")}})
    assert {server["instance"]["uuid"]: server["status"] for server in state["servers"]} == {"a": "unknown", "b": "claimed"}
    assert "host h1 was lost in the stage claim: unreachable: gone" in state["servers"][0]["error"]["message"]
    # A host that answers without a word of the server is as good as lost.
    assert rounds.conduct(first(instance("a")), {"h1": {}})["servers"][0]["status"] == "unknown"


def test_existing_servers_need_no_claim_and_no_image() -> None:
    there = instance("a", existing={"action": "none", "record": {}, "drift": []})
    stopped = instance("b", existing={"action": "start", "record": {"missing_files": ["/i/b/disk"]}, "drift": []})
    state = first(there, stopped)
    assert (state["stage"], len(state["images"]["h1"])) == ("build", 1)
    assert first(there)["images"] == {"h1": []}
    assert first(instance("c", existing={"action": "finish", "record": {}}))["stage"] == "claim"


def test_group_hosts_follow_the_members() -> None:
    group = {"id": "g", "name": "g", "policy": "affinity", "rules": {}}
    state = rounds.first(
        [instance("a", group=group), instance("b", group=group)], [], run={}, max_attempts=3, group_members={"g": {"old": "h9"}}, cached_images={}
    )
    assert state["placements"]["h1"][0]["group_hosts"] == ["h1", "h9"]


def test_the_result_says_what_became_of_each() -> None:
    unplaced = ({**instance("z"), "launch_index": 9}, {"error_class": "NoValidHost", "message": "no valid host", "reasons": {"h1": "full"}})
    state = rounds.conduct(first(instance("a"), lost=[unplaced]), {"h1": {"a": outcome("a", "claimed", "claim")}})
    done = rounds.conduct(state, {"h1": {"a": outcome("a", "built", "build")}})
    assert done["stage"] == "done"
    summary = result.summary(done, False)
    assert [(item["name"], item["state"]) for item in summary["report"]] == [("a", "ACTIVE"), ("z", "ERROR")]
    assert summary["report"][0]["seconds"] == {"claim": 1.0, "build": 1.0}
    assert summary["report"][1]["error"]["reasons"] == {"h1": "full"}
    assert summary["lost"] == ["z: NoValidHost: no valid host"]
    assert result.summary(done, True)["report"][0]["state"] == "PLANNED"


@given(st.lists(st.sampled_from(["claimed", "refused", "failed", "built", "unknown", "lost"]), max_size=30), st.integers(1, 5))
def test_every_run_ends_with_each_server_in_one_final_state(script: list[str], attempts: int) -> None:
    state = first(instance("a"), instance("b", "h2", ("h3",)), attempts=attempts)
    answers = iter(script)
    rounds_taken = 0
    while state["stage"] != "done":
        rounds_taken += 1
        assert rounds_taken <= 4 * attempts + 4
        outcomes: rounds.Outcomes = {}
        for host, placed in state["placements"].items():
            what = next(answers, "claimed" if state["stage"] == "claim" else "built")
            if what == "lost":
                outcomes[host] = "gone"
                continue
            bad = what in ("refused", "failed", "unknown")
            outcomes[host] = {i["uuid"]: outcome(i["uuid"], what, state["stage"], error=error() if bad else None) for i in placed}
        state = rounds.conduct(state, outcomes)
    assert {server["status"] for server in state["servers"]} <= {"active", "failed", "unknown"}
    assert all(len(server["instance"]["attempts"]) <= attempts for server in state["servers"])
