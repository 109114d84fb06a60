# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from ansible_collections.kvmfleet.compute.plugins.plugin_utils.conductor import rounds
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.conductor.orders import orders_of
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.conductor.outcomes import LostHost, read_outcomes, with_image_seconds, without_images
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.shapes import Round
from ansible_collections.kvmfleet.compute.tests.unit import make

IMAGE = make.image()


def test_a_host_without_outcomes_is_lost_and_the_reason_is_kept() -> None:
    built = make.outcome("a", "built", "build")
    reports = {
        "gone": {"unreachable": True, "msg": "no route"},
        "quiet": {"unreachable": True},
        "hung": {"failed": True, "timedout": {"period": 300}, "msg": "Timed out after 300 second(s)."},
        "mute": {"servers": [built], "lost": "libvirt has not answered"},
        "broken": {"failed": True, "msg": "libvirt is not there", "servers": []},
        "silent": {},
        "partly": {"failed": True, "msg": "one failed", "servers": [built]},
        "well": {"servers": [built]},
    }
    first = rounds.first([make.placed(make.instance("a"))], [], run=make.run(), max_attempts=1, group_members={}, cached_images={})
    claimed = rounds.conduct(first, {"h1": {"a": make.outcome("a", "claimed", "claim")}})
    state: Round = {**claimed, "placements": {host: ["a"] for host in reports}}
    assert read_outcomes(state, reports) == {
        "gone": LostHost("unreachable: no route"),
        "quiet": LostHost("unreachable: no connection"),
        "hung": LostHost("the task was cut off: Timed out after 300 second(s)."),
        "mute": LostHost("libvirt has not answered", {"a": built}),
        "broken": LostHost("libvirt is not there"),
        "silent": LostHost("the task gave no result"),
        "partly": {"a": built},
        "well": {"a": built},
    }


def test_the_seconds_of_an_image_are_those_of_its_servers() -> None:
    placed = [make.placed(make.instance("a")), make.placed(make.instance("b"), image=None), make.placed(make.instance("c"), "h2")]
    state = rounds.first(placed, [], run=make.run(), max_attempts=1, group_members={}, cached_images={})
    outcomes = {"h1": {name: make.outcome(name, "built", "build") for name in ("a", "b")}, "h2": LostHost("gone", {"c": make.outcome("c", "built", "build")})}
    timed = with_image_seconds(
        outcomes, state, {"h1": {"images": [{"id": IMAGE["id"], "seconds": 2.5}]}, "h2": {"images": [{"id": IMAGE["id"], "seconds": 0.5}]}}
    )
    of_host = timed["h1"]
    assert not isinstance(of_host, LostHost)
    assert {name: outcome["seconds"] for name, outcome in of_host.items()} == {"a": {"build": 1.0, "image": 2.5}, "b": {"build": 1.0}}
    of_lost = timed["h2"]
    assert isinstance(of_lost, LostHost)
    assert (of_lost.reason, of_lost.servers["c"]["seconds"]) == ("gone", {"build": 1.0, "image": 0.5})
    assert outcomes["h1"]["a"]["seconds"] == {"build": 1.0}, "what was given stays as it is"


def test_a_host_that_was_lost_with_its_images_says_so_where_it_was_not_asked_to_build() -> None:
    skipped = {"skipped": True}
    lost = {"unreachable": True, "msg": "no route"}
    cut = {"failed": True, "timedout": {"period": 9}, "msg": "Timed out"}
    built = {"servers": [make.outcome("a", "built", "build")]}
    reports = {"h1": skipped, "h2": skipped, "h3": built, "h4": built}
    assert without_images(reports, {"h1": lost, "h2": cut, "h3": lost, "h4": {"images": []}}) == {"h1": lost, "h2": cut, "h3": built, "h4": built}


def test_an_order_is_whole_for_a_claim_and_short_for_a_build() -> None:
    placed = make.placed(make.instance("a"), group_hosts=["h3"])
    (claim,) = orders_of([placed], claimed=False)
    assert claim == {"version": 1, "instance": placed["instance"], "action": "build", "group_hosts": ["h3"], "gone_run": None}
    (build,) = orders_of([placed], claimed=True)
    assert build == {"version": 1, "instance": {"uuid": "a", "display_name": "a"}, "action": "build", "group_hosts": ["h3"], "gone_run": None}


def test_progress_says_where_a_refused_server_goes_next() -> None:
    state = rounds.first(
        [make.placed(make.instance("a")), make.placed(make.instance("b"))], [], run=make.run(), max_attempts=3, group_members={}, cached_images={}
    )
    refused = make.outcome("a", "refused", "claim", error={"error_class": "X", "message": "no room", "reschedule": True})
    state = rounds.conduct(state, {"h1": {"a": refused, "b": make.outcome("b", "claimed", "claim")}})
    assert rounds.progress(state) == "a: h1 (claim): no room; next: h2"
    state = rounds.conduct(state, {"h2": {"a": make.outcome("a", "claimed", "claim")}})
    assert rounds.progress(state) == ""
