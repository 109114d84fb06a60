from __future__ import annotations

import typing as t

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.kvmfleet.compute.plugins.plugin_utils.conductor import result, rounds
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.conductor.outcomes import LostHost, Outcomes
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.shapes import Round
from ansible_collections.kvmfleet.compute.tests.unit import make

IMAGE = make.image()
outcome = make.outcome


def server(name: str, host: str = "h1", alternates: tuple[str, ...] = ("h2", "h3"), group: t.Any = None, **changes: t.Any) -> t.Any:
    return make.placed(make.instance(name, availability_zone="az1", group=group), host, alternates, **changes)


def error(reschedule: bool = True) -> dict[str, t.Any]:
    return {"error_class": "X", "message": "no", "reschedule": reschedule}


def first(*placed: t.Any, unplaced: t.Any = (), attempts: int = 3, cached: t.Any = None, members: t.Any = None) -> Round:
    found = {"group_members": members or {}, "cached_images": cached or {}}
    return rounds.first(list(placed), list(unplaced), run=make.run(), max_attempts=attempts, **found)


def statuses(state: Round) -> dict[str, str]:
    return {uuid: item["status"] for uuid, item in state["servers"].items()}


def test_claims_come_before_builds() -> None:
    state = first(server("a"), server("b", "h2"))
    assert (state["stage"], state["placements"], state["images"]) == ("claim", {"h1": ["a"], "h2": ["b"]}, {})
    refused = outcome("b", "refused", "claim", error=error())
    state = rounds.conduct(state, {"h1": {"a": outcome("a", "claimed", "claim")}, "h2": {"b": refused}})
    assert (state["stage"], state["placements"]) == ("claim", {"h2": ["b"]}), "a refused claim is settled before anything is built"
    state = rounds.conduct(state, {"h2": {"b": outcome("b", "claimed", "claim")}})
    assert (state["stage"], state["placements"]) == ("build", {"h1": ["a"], "h2": ["b"]})
    assert state["images"] == {"h1": [IMAGE], "h2": [IMAGE]}


def test_each_instance_stands_once_in_a_round() -> None:
    state = first(server("a"), server("b", "h2"), unplaced=[make.unplaced(make.instance("z"))])
    assert str(state).count("'domain_name'") == 3
    assert list(state["servers"]) == ["a", "b", "z"]


def test_an_image_in_the_cache_is_not_asked_for() -> None:
    claimed = {"h1": {"a": outcome("a", "claimed", "claim")}}
    for cached, asked in (({"sha256:ab": "qcow2"}, []), ({"sha256:ab": "raw"}, [IMAGE]), ({"sha512:ab": "qcow2"}, [IMAGE]), ({}, [IMAGE])):
        assert rounds.conduct(first(server("a"), cached={"h1": cached}), claimed)["images"] == {"h1": asked}


def test_a_refused_claim_takes_the_alternate_with_its_node_and_zone() -> None:
    state = rounds.conduct(first(server("a")), {"h1": {"a": outcome("a", "refused", "claim", error=error())}})
    assert state["placements"] == {"h2": ["a"]}
    moved = state["servers"]["a"]["placed"]
    assert (moved["host"], moved["node"], moved["instance"]["availability_zone"]) == ("h2", "h2.example.org", "az2")
    assert [item["host"] for item in moved["alternates"]] == ["h3"]
    assert moved["attempts"] == [{"host": "h1", "stage": "claim", "error": "no"}]


def test_attempts_are_bounded_and_bad_input_is_not_retried() -> None:
    state = first(server("a"), attempts=2)
    for _attempt in range(2):
        state = rounds.conduct(state, {host: {"a": outcome("a", "refused", "claim", error=error())} for host in state["placements"]})
    assert state["stage"] == "done"
    assert len(state["servers"]["a"]["placed"]["attempts"]) == 2
    state = rounds.conduct(first(server("a")), {"h1": {"a": outcome("a", "refused", "claim", error=error(reschedule=False))}})
    assert (state["stage"], statuses(state)) == ("done", {"a": "failed"})


def test_a_server_that_is_there_goes_to_no_other_host() -> None:
    state = rounds.conduct(first(server("a", action="start")), {"h1": {"a": outcome("a", "failed", "build", error=error())}})
    assert (state["stage"], statuses(state)) == ("done", {"a": "failed"})


def test_a_lost_host_leaves_unknown_and_goes_nowhere() -> None:
    state = rounds.conduct(first(server("a"), server("b", "h2")), {"h1": LostHost("unreachable: gone"), "h2": {"b": outcome("b", "claimed", "claim")}})
    assert statuses(state) == {"a": "unknown", "b": "claimed"}
    assert "host h1 was lost in the stage claim: unreachable: gone" in state["servers"]["a"]["error"]["message"]
    # A host that answers without a word of the server is as good as lost.
    assert statuses(rounds.conduct(first(server("a")), {"h1": {}})) == {"a": "unknown"}


def test_nothing_more_is_sent_to_a_lost_host() -> None:
    state = first(server("a", "h2"), server("b", "h1", ("h2",)), server("c", "h2"), server("d", "h2", action="none"), server("e", "h3", ("h2", "h1")))
    refused = outcome("e", "refused", "claim", error=error())
    told: Outcomes = {
        "h1": {"b": outcome("b", "refused", "claim", error=error())},
        "h2": LostHost("libvirt has not answered", {"a": outcome("a", "claimed", "claim"), "c": outcome("c", "unknown", "claim", error=error())}),
        "h3": {"e": refused},
    }
    state = rounds.conduct(state, told)
    # b has no other alternate, and e takes the one after it; a is claimed there and d is there, and both stay.
    assert statuses(state) == {"a": "unknown", "b": "failed", "c": "unknown", "d": "unknown", "e": "placed"}
    assert state["placements"] == {"h1": ["e"]}
    assert "host h2 was lost in the stage claim: libvirt has not answered" in state["servers"]["a"]["error"]["message"]
    # Nor in a later round.
    state = rounds.conduct(state, {"h1": {"e": outcome("e", "claimed", "claim")}})
    state = rounds.conduct(state, {"h1": {"e": outcome("e", "failed", "build", error=error())}})
    assert (state["stage"], statuses(state)["e"]) == ("done", "failed")


def test_existing_servers_need_no_claim_and_what_has_its_disk_no_image() -> None:
    there = server("a", action="none", image=None)
    state = first(there, server("b", action="start"))
    assert (state["stage"], state["images"]) == ("build", {"h1": [IMAGE]})
    assert first(there)["images"] == {"h1": []}
    assert first(server("c", action="finish"))["stage"] == "claim"


def test_group_hosts_follow_the_members() -> None:
    group = make.group()
    state = first(server("a", group=group), server("b", group=group), members={"g": {"old": "h9"}})
    assert state["servers"]["a"]["placed"]["group_hosts"] == ["h1", "h9"]


def test_the_result_says_what_became_of_each() -> None:
    lost = make.unplaced(make.instance("z", launch_index=9))
    state = rounds.conduct(first(server("a"), unplaced=[lost]), {"h1": {"a": outcome("a", "claimed", "claim")}})
    done = rounds.conduct(state, {"h1": {"a": outcome("a", "built", "build")}})
    assert done["stage"] == "done"
    summary = result.summary(done, False, make.inventory_names(), make.LOGIN)
    assert [(item["name"], item["state"]) for item in summary["report"]] == [("a", "ACTIVE"), ("z", "ERROR")]
    assert summary["report"][0]["seconds"] == {"claim": 1.0, "build": 1.0}
    assert summary["report"][1]["error"]["reasons"] == {"h1": "full"}
    assert summary["lost"] == ["z: NoValidHost: no valid host"]
    assert result.summary(done, True, make.inventory_names(), make.LOGIN)["report"][0]["state"] == "PLANNED"


RERUN, REBUILD = ({"path": path, "wanted": 1, "actual": None, "remedy": path} for path in ("rerun", "rebuild"))


def test_what_a_run_applied_is_no_difference_any_more() -> None:
    there = first(server("a", action="start", drift=[RERUN, REBUILD], power_state="shutdown"))
    started = rounds.conduct(there, {"h1": {"a": outcome("a", "started", "build", power_state="running")}})
    row = result.report_row(started["servers"]["a"], make.instance("a"), False)
    assert (row["state"], row["drift"]) == ("ACTIVE", [REBUILD])
    planned = result.report_row(started["servers"]["a"], make.instance("a"), True)
    assert (planned["state"], planned["drift"]) == ("PLANNED", [RERUN, REBUILD])
    lost = rounds.conduct(there, {"h1": LostHost("gone")})
    assert result.report_row(lost["servers"]["a"], make.instance("a"), False)["drift"] == [RERUN, REBUILD]


@pytest.mark.parametrize(("power_state", "state"), [("running", "ACTIVE"), ("blocked", "ACTIVE"), ("paused", "PAUSED"), ("suspended", "SUSPENDED")])
def test_a_server_is_active_only_if_its_guest_runs(power_state: str, state: str) -> None:
    there = first(server("a", action="none", power_state=power_state))
    assert result.report_row(there["servers"]["a"], make.instance("a"), True)["state"] == state
    # What the host says in the end counts.
    done = rounds.conduct(there, {"h1": {"a": outcome("a", "unchanged", "build", changed=False, power_state="paused")}})
    assert result.report_row(done["servers"]["a"], make.instance("a"), False)["state"] == "PAUSED"
    assert result.summary(done, False, make.inventory_names(), make.LOGIN)["logins"] == []


def test_the_table_has_a_line_for_each_difference_with_its_remedy() -> None:
    huge = {"path": "metadata", "wanted": "x" * 1000, "actual": "it's", "remedy": "manual"}
    state = first(server("a", action="none", drift=[REBUILD, huge], power_state="running"))
    lines = result.summary(state, False, make.inventory_names(), make.LOGIN)["table"][2:]
    assert lines[:2] == ["a differs from the request: rebuild is nothing, not 1; only a server", "    that is made anew has it"]
    assert lines[2].startswith('a differs from the request: metadata is "it\'s", not')
    assert all(len(line) <= 68 for line in lines) and len(lines) < 10


@given(st.lists(st.sampled_from(["claimed", "refused", "failed", "built", "unknown", "lost"]), max_size=30), st.integers(1, 5))
def test_every_run_ends_with_each_server_in_one_final_state(script: list[str], attempts: int) -> None:
    state = first(server("a"), server("b", "h2", ("h3",)), attempts=attempts)
    answers = iter(script)
    rounds_taken = 0
    while state["stage"] != "done":
        rounds_taken += 1
        assert rounds_taken <= 4 * attempts + 4
        outcomes: Outcomes = {}
        for host, placed in state["placements"].items():
            what = next(answers, "claimed" if state["stage"] == "claim" else "built")
            if what == "lost":
                outcomes[host] = LostHost("gone")
                continue
            bad = what in ("refused", "failed", "unknown")
            outcomes[host] = {uuid: outcome(uuid, what, state["stage"], error=error() if bad else None) for uuid in placed}
        state = rounds.conduct(state, outcomes)
    assert set(statuses(state).values()) <= {"active", "failed", "unknown"}
    assert all(len(item["placed"]["attempts"]) <= attempts for item in state["servers"].values())
