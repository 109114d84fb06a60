# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whatever a host answers for its servers and images, the run goes on without it, and the other hosts' servers are as they were."""

from __future__ import annotations

import copy
import json
import typing as t

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.kvmfleet.compute.plugins.plugin_utils.conductor import rounds
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.conductor.outcomes import LostHost, read_outcomes, with_image_seconds
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.shapes import Round
from ansible_collections.kvmfleet.compute.tests.unit import make

LEAVES = st.none() | st.booleans() | st.integers() | st.just(10**400) | st.floats() | st.text(max_size=5)
LEAVES |= st.sampled_from(["a", "b", "built", "claimed", "failed", "deleted", "unknown", "build"])
ANYTHING = st.recursive(LEAVES, lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner, max_size=2), max_leaves=4)
ANSWERS = st.dictionaries(st.sampled_from(["servers", "failed", "unreachable", "msg", "images"]), ANYTHING)
STAGES = st.sampled_from(["claim", "build"])
DONE = {"claim": "claimed", "build": "built"}


def state_of(stage: str) -> Round:
    """A round with the server a on h1 and the server b on h2."""
    placed = [make.placed(make.instance("a"), "h1"), make.placed(make.instance("b"), "h2")]
    state = rounds.first(placed, [], run=make.run(), max_attempts=3, group_members={}, cached_images={})
    if stage == "build":
        claimed = {f"h{number}": {name: make.outcome(name, "claimed", "claim")} for number, name in ((1, "a"), (2, "b"))}
        state = rounds.conduct(state, claimed)
    assert state["stage"] == stage
    return state


def conducted(stage: str, answer: dict[str, t.Any], images: dict[str, t.Any] | None = None) -> Round:
    """The round that follows if h1 is honest and h2 answers this."""
    state = state_of(stage)
    reports = {"h1": {"servers": [make.outcome("a", DONE[stage], stage)]}, "h2": answer}
    following = rounds.conduct(state, with_image_seconds(read_outcomes(state, reports), state, {"h1": {}, "h2": images or {}}))
    json.dumps(following, allow_nan=False)
    assert following["servers"]["a"]["status"] == {"claim": "claimed", "build": "active"}[stage]
    return following


def answered(in_stage: str, **changes: t.Any) -> dict[str, t.Any]:
    """What h2 answers for its server, with these changes; an ellipsis leaves a key out."""
    whole = {**make.outcome("b", DONE[in_stage], in_stage), **changes}
    return {"servers": [{key: value for key, value in whole.items() if value is not ...}]}


@given(STAGES, ANSWERS, ANSWERS)
def test_any_json_as_an_answer_leaves_the_servers_of_that_host_unknown(stage: str, answer: dict[str, t.Any], images: dict[str, t.Any]) -> None:
    lost = conducted(stage, answer, images)["servers"]["b"]
    assert lost["status"] == "unknown"
    assert lost["error"] is not None
    assert lost["error"]["error_class"] == "HostLost"


@settings(max_examples=2 * settings.default.max_examples)
@given(STAGES, st.dictionaries(st.sampled_from(list(make.outcome("b", "built", "build"))), ANYTHING | st.just(...), min_size=1, max_size=2))
def test_an_outcome_with_other_things_in_it_is_never_more_than_it_says(stage: str, changes: dict[str, t.Any]) -> None:
    state = conducted(stage, answered(stage, **changes))["servers"]["b"]
    assert state["status"] in ("claimed", "active", "unknown")
    if state["status"] != "unknown":
        assert changes.get("outcome", DONE[stage]) in (DONE[stage], "unchanged", "started")


ERROR = {"error_class": "X", "message": "no", "reschedule": True}


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"seconds": {"build": float("nan")}}, "servers[0].seconds.build: must be a number"),
        ({"seconds": ...}, "servers[0].seconds: is required"),
        ({"outcome": "perhaps"}, "servers[0].outcome: must be one of"),
        ({"error": "no"}, "servers[0].error: must be a mapping"),
        ({"error": {"error_class": "X"}}, "servers[0].error.message: is required"),
        ({"error": {**ERROR, "reschedule": 1}}, "servers[0].error.reschedule: must be true or false"),
        ({"error": ERROR}, "b is built with an error in the stage build"),
        ({"outcome": "failed"}, "b is failed without an error in the stage build"),
        ({"outcome": "claimed"}, "b is claimed without an error in the stage build"),
        ({"outcome": "deleted"}, "b is deleted without an error in the stage build"),
        ({"drift": [3]}, "servers[0].drift[0]: must be a mapping"),
        ({"console": "text"}, "servers[0].console: must be a list"),
        ({"warnings": "text"}, "servers[0].warnings: must be a list"),
        ({"warnings": [{}]}, "servers[0].warnings[0]: must be text"),
    ],
)
def test_the_sentence_names_what_is_wrong(changes: dict[str, t.Any], reason: str) -> None:
    state = state_of("build")
    found = read_outcomes(state, {"h2": answered("build", **changes)})["h2"]
    assert isinstance(found, LostHost)
    assert reason in found.reason


def test_what_a_host_says_of_servers_that_it_was_not_given_is_dropped() -> None:
    state = state_of("build")
    stranger = {**make.outcome("a", "failed", "build"), "error": ERROR}
    reports = {"h2": {"servers": [stranger, make.outcome("c", "built", "build"), make.outcome("b", "built", "build")]}}
    assert read_outcomes(state, reports) == {"h2": {"b": make.outcome("b", "built", "build")}}
    assert read_outcomes(state, {"h9": {"servers": [copy.deepcopy(stranger)]}}) == {"h9": {}}


@pytest.mark.parametrize("images", [3, [3], [{}], [{"id": "i", "seconds": "2"}], [{"id": [], "seconds": 2}], {"id": 1}])
def test_images_of_another_shape_cost_only_their_seconds(images: t.Any) -> None:
    state = conducted("build", answered("build"), {"images": images})["servers"]["b"]
    assert (state["status"], state["seconds"]["build"]) == ("active", 1.0)
