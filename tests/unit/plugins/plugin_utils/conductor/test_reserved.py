# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the registrar may be told of claims."""

from __future__ import annotations

import typing as t

from ansible_collections.kvmfleet.compute.plugins.plugin_utils.conductor import rounds
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.conductor.outcomes import LostHost
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.conductor.reserved import settlement
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.shapes import Round
from ansible_collections.kvmfleet.compute.tests.unit import make

REFUSED = {"error_class": "X", "message": "no", "reschedule": True}


def reserved_round(*names: str, host: str = "h1") -> Round:
    state = rounds.first([make.placed(make.instance(name), host, ()) for name in names], [], run=make.run(), max_attempts=3, group_members={}, cached_images={})
    state["reserved"]["open"] = list(names)
    return state


def told(state: Round, **outcomes: str) -> Round:
    of_host = {uuid: make.outcome(uuid, what, "claim", error=None if what == "claimed" else REFUSED) for uuid, what in outcomes.items()}
    return rounds.conduct(state, {"h1": of_host})


def settled(state: Round) -> t.Any:
    return settlement(state, {"number": 1, "id": "e"}, 7)


def test_what_is_known_is_told() -> None:
    state = told(reserved_round("a", "b", "c", "d"), a="claimed", b="refused", c="failed", d="unknown")
    assert state["reserved"] == {"open": ["d"], "claimed": ["a"], "absent": ["b", "c"]}
    assert settled(state) == {"epoch": {"number": 1, "id": "e"}, "ticket": 7, "claimed": ["a"], "absent": ["b", "c"]}


def test_nothing_is_told_of_a_lost_host_whatever_it_said_before() -> None:
    claimed = {"a": make.outcome("a", "claimed", "claim"), "b": make.outcome("b", "refused", "claim", error=REFUSED)}
    state = rounds.conduct(reserved_round("a", "b", "c"), {"h1": LostHost("gone", claimed)})
    assert state["reserved"] == {"open": ["a", "b", "c"], "claimed": [], "absent": []}
    assert settled(state) is None


def test_a_host_that_says_nothing_of_a_server_settles_nothing() -> None:
    assert told(reserved_round("a"))["reserved"]["open"] == ["a"]


def test_nothing_is_told_while_claims_are_to_come() -> None:
    state = reserved_round("a")
    state["servers"]["a"]["placed"] = make.placed(make.instance("a"), "h1", ("h2",))
    state = told(state, a="refused")
    assert (state["stage"], state["reserved"]["absent"], settled(state)) == ("claim", ["a"], None)


def test_what_a_build_undoes_was_settled_before() -> None:
    state = told(reserved_round("a", "b"), a="claimed", b="claimed")
    failed = make.outcome("b", "failed", "build", error=REFUSED)
    state = rounds.conduct(state, {"h1": {"a": make.outcome("a", "built", "build"), "b": failed}})
    assert (state["reserved"], settled(state)) == ({"open": [], "claimed": [], "absent": []}, None)


def test_a_server_that_was_not_reserved_is_not_told() -> None:
    state = reserved_round("a")
    state["reserved"]["open"] = []
    assert told(state, a="claimed")["reserved"] == {"open": [], "claimed": [], "absent": []}
