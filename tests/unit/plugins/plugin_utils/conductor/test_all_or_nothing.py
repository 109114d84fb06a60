# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A plan is built whole or not at all: what becomes of the others when one server of it can't be."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.kvmfleet.compute.plugins.plugin_utils.conductor import rounds
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.conductor.all_or_nothing import all_or_nothing
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.conductor.outcomes import LostHost
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.shapes import Round
from ansible_collections.kvmfleet.compute.tests.unit import make

REFUSED = {"error_class": "ComputeResourcesUnavailable", "message": "no memory", "reschedule": True}
outcome = make.outcome


def first(*placed: t.Any) -> Round:
    """A round of a plan, in which the registrar has granted everything."""
    state = rounds.first(list(placed), [], run=make.run(), max_attempts=1, all_or_nothing=True, group_members={}, cached_images={})
    state["reserved"]["open"] = [uuid for uuid, server in state["servers"].items() if server["status"] == "placed"]
    return state


def server(name: str, host: str = "h1", **changes: t.Any) -> t.Any:
    return make.placed(make.instance(name), host, (), **changes)


def statuses(state: Round) -> dict[str, str]:
    return {uuid: item["status"] for uuid, item in state["servers"].items()}


def claimed(*names: str) -> t.Any:
    return {name: outcome(name, "claimed", "claim") for name in names}


def test_all_claims_are_built() -> None:
    state = rounds.conduct(first(server("a"), server("b", "h2")), {"h1": claimed("a"), "h2": claimed("b")})
    assert (state["stage"], state["placements"]) == ("build", {"h1": ["a"], "h2": ["b"]})


def test_a_refused_claim_gives_up_the_others_before_anything_is_built() -> None:
    state = first(server("a"), server("b", "h2"), server("c"), server("there", action="none"), server("off", action="start"))
    refused = {"b": outcome("b", "refused", "claim", error=REFUSED)}
    state = rounds.conduct(state, {"h1": claimed("a", "c"), "h2": refused})
    assert (state["stage"], state["placements"], state["images"]) == ("release", {"h1": ["a", "c"]}, {})
    assert statuses(state) == {"a": "releasing", "b": "failed", "c": "releasing", "there": "claimed", "off": "failed"}
    deleted = {name: outcome(name, "deleted", "delete") for name in ("a", "c")}
    state = rounds.conduct(state, {"h1": deleted})
    assert state["reserved"] == {"open": [], "claimed": [], "absent": ["b", "a", "c"]}
    assert (state["stage"], statuses(state)["a"]) == ("build", "failed"), "what is there already is kept"
    assert state["placements"] == {"h1": ["there"]}
    error = state["servers"]["a"]["error"]
    assert error
    assert error["message"] == "it is not built, because b can't be, and a plan is built whole or not at all"
    assert (state["servers"]["b"]["error"] or {})["message"] == "no memory"


@pytest.mark.parametrize(
    "told",
    [
        {"h1": {"a": outcome("a", "failed", "delete", error=REFUSED)}},
        {"h1": {"a": outcome("a", "unknown", "delete", error=REFUSED)}},
        {"h1": LostHost("unreachable")},
        {},
    ],
)
def test_a_claim_that_could_not_be_given_up_is_unknown(told: t.Any) -> None:
    state = rounds.conduct(first(server("a"), server("b", "h2")), {"h1": claimed("a"), "h2": LostHost("unreachable")})
    assert (state["stage"], statuses(state)) == ("release", {"a": "releasing", "b": "unknown"})
    state = rounds.conduct(state, told)
    assert (state["stage"], statuses(state)) == ("done", {"a": "unknown", "b": "unknown"})
    assert state["reserved"] == {"open": ["b"], "claimed": ["a"], "absent": []}, "of its claim the registrar hears what is known: it is there"


def test_what_was_not_granted_lets_nothing_be_claimed() -> None:
    state = first(server("a"), server("b", "h2"))
    state["servers"]["b"].update(status="failed", error=make.unplaced(make.instance("b"))["error"])
    state["reserved"]["open"] = ["a"]
    state = rounds.staged(all_or_nothing(state))
    assert (state["stage"], statuses(state), state["placements"]) == ("done", {"a": "failed", "b": "failed"}, {})
    assert state["reserved"] == {"open": [], "claimed": [], "absent": ["a"]}, "the registrar is told, so that the next run need not wait"


def test_a_build_that_fails_fails_alone() -> None:
    state = rounds.conduct(first(server("a"), server("b", "h2")), {"h1": claimed("a"), "h2": claimed("b")})
    failed = {"b": outcome("b", "failed", "build", error=REFUSED)}
    state = rounds.conduct(state, {"h1": {"a": outcome("a", "built", "build")}, "h2": failed})
    assert (state["stage"], statuses(state)) == ("done", {"a": "active", "b": "failed"})


def test_without_a_plan_every_server_is_on_its_own() -> None:
    state = first(server("a"), server("b", "h2"))
    state["all_or_nothing"] = False
    refused = {"b": outcome("b", "refused", "claim", error=REFUSED)}
    state = rounds.conduct(state, {"h1": claimed("a"), "h2": refused})
    assert (state["stage"], statuses(state)) == ("build", {"a": "claimed", "b": "failed"})
