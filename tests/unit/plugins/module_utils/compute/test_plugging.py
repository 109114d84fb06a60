# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A guest runs when its ports are plugged: what is waited for, what no waiting helps, and what holds meanwhile."""

from __future__ import annotations

import threading

import pytest

from ansible_collections.kvmfleet.compute.plugins.module_utils.compute import locks
from ansible_collections.kvmfleet.compute.plugins.module_utils.compute.plugging import Patience
from ansible_collections.kvmfleet.compute.plugins.module_utils.shapes import Outcome
from ansible_collections.kvmfleet.compute.tests.unit import make
from ansible_collections.kvmfleet.compute.tests.unit.plugins.module_utils.compute.lab import Lab

LENIENT, NO_WAIT = Patience(7, is_fatal=False), Patience(0)


class Killed(BaseException):
    """The process is gone."""


def error_of(outcome: Outcome) -> tuple[str, str, bool]:
    """(outcome, error class, may another host try)"""
    error = outcome["error"]
    assert error is not None
    return outcome["outcome"], error["error_class"], error["reschedule"]


def build(lab: Lab, patience: Patience | None = None) -> Outcome:
    lab.claim(lab.web())
    return lab.build(lab.web(), builder=lab.builder(patience=patience))[0]


def start(lab: Lab) -> Outcome:
    lab.hypervisor.states[lab.web()["uuid"]] = "shutdown"
    (outcome,) = lab.build(make.order(lab.web(), action="start"))
    return outcome


def test_a_port_that_is_plugged_is_not_waited_for(lab: Lab) -> None:
    outcome = build(lab)
    assert (outcome["outcome"], lab.link_events.waits, lab.link_events.listeners) == ("built", [], 0)
    assert "warnings" not in outcome


def test_the_guest_runs_once_its_port_forwards_and_it_is_only_looked_when_something_has_changed(lab: Lab) -> None:
    lab.links.state = "listening"
    seen: list[tuple[str, int]] = []

    def become(state: str) -> None:
        seen.append((lab.hypervisor.states[lab.web()["uuid"]], lab.links.asked))
        lab.links.state = state

    lab.link_events.then(lambda: become("listening"))
    lab.link_events.then(lambda: become("learning"))
    lab.link_events.then(lambda: become("forwarding"))
    outcome = build(lab)
    assert (outcome["outcome"], outcome["power_state"]) == ("built", "running")
    assert seen == [("paused", 1), ("paused", 2), ("paused", 3)]
    assert lab.links.asked == 4 and "warnings" not in outcome
    assert all(0 < left <= 300 for left in lab.link_events.waits)


def test_what_changes_before_anybody_listens_is_seen(lab: Lab) -> None:
    lab.links.state = "listening"

    def forwards() -> None:
        lab.links.state = "forwarding"

    lab.link_events.before = forwards
    assert (build(lab)["outcome"], lab.link_events.waits) == ("built", [])


def test_a_port_that_does_not_come_in_time_fails_the_build_which_is_undone_and_may_be_tried_elsewhere(lab: Lab) -> None:
    lab.links.state = "blocking"
    outcome = build(lab, Patience(7))
    assert error_of(outcome) == ("failed", "VirtualInterfacePlugException", True)
    assert "is blocking on bridge br0, not forwarding; waited for 7 s" in str(outcome["error"])
    assert "resume" not in lab.hypervisor.calls
    assert lab.left() == []


def test_where_that_is_not_fatal_the_guest_runs_and_it_is_told(lab: Lab) -> None:
    lab.links.state = "learning"
    outcome = build(lab, LENIENT)
    assert (outcome["outcome"], lab.hypervisor.states[lab.web()["uuid"]]) == ("built", "running")
    (said,) = outcome["warnings"]
    assert said.endswith("tap0 is learning on bridge br0, not forwarding after 7 s; the guest runs all the same")
    assert len(lab.link_events.waits) == 1


@pytest.mark.parametrize(("state", "told"), [("listening", 0), ("learning", 0), ("blocking", 1), ("disabled", 1)])
def test_who_waits_for_nothing_is_told_of_ports_that_will_not_come_by_themselves(lab: Lab, state: str, told: int) -> None:
    lab.links.state = state
    outcome = build(lab, NO_WAIT)
    assert (outcome["outcome"], len(outcome.get("warnings", [])), lab.link_events.waits) == ("built", told, [])


@pytest.mark.parametrize("patience", [Patience(7), LENIENT, NO_WAIT], ids=["fatal", "not fatal", "no wait"])
@pytest.mark.parametrize("fault", ["gone", "unbound"])
def test_no_waiting_helps_a_port_that_is_not_where_it_belongs_or_is_not_filtered(lab: Lab, patience: Patience, fault: str) -> None:
    lab.links.there = fault != "gone"
    lab.hypervisor.unbound = {"tap0"} if fault == "unbound" else set()
    assert error_of(build(lab, patience)) == ("failed", "VirtualInterfacePlugException", True)
    assert lab.link_events.waits == [] and lab.left() == []


@pytest.mark.parametrize("fault", ["gone", "unbound"])
def test_what_breaks_while_it_is_waited_fails_the_build_at_once(lab: Lab, fault: str) -> None:
    lab.links.state = "listening"

    def breaks() -> None:
        if fault == "gone":
            lab.links.there = False
        else:
            lab.links.state = "forwarding"
            lab.hypervisor.unbound = {"tap0"}

    lab.link_events.then(breaks)
    assert error_of(build(lab, LENIENT)) == ("failed", "VirtualInterfacePlugException", True)
    assert len(lab.link_events.waits) == 1 and lab.left() == []


def test_a_host_that_tells_no_news_can_not_build(lab: Lab) -> None:
    def refuses() -> None:
        raise OSError(93, "Protocol not supported")

    lab.link_events.before = refuses
    assert error_of(build(lab)) == ("failed", "OSError", True)
    assert lab.left() == []


def test_who_waits_holds_no_lock_but_the_servers_own(lab: Lab) -> None:
    lab.links.state = "listening"
    held: list[bool] = []

    def looks() -> None:
        held.append(locks.is_locked(str(lab.state), lab.web()["uuid"]))
        with locks.host_lock(str(lab.state), 0.0), locks.filter_lock(str(lab.state), 0.0):
            lab.links.state = "forwarding"

    lab.link_events.then(looks)
    assert build(lab)["outcome"] == "built"
    assert held == [True]


def test_who_waits_gives_his_place_to_the_next_build(lab: Lab) -> None:
    lab.claim(lab.web(0), lab.web(1))
    lab.links.states = {"tap0": "listening"}
    runs = threading.Event()
    resume = lab.hypervisor.resume

    def resumed(uuid: str) -> None:
        resume(uuid)
        runs.set()

    def other_runs() -> None:
        assert runs.wait(30), "the other guest was not built meanwhile"
        lab.links.states = {}

    lab.hypervisor.resume = resumed  # type: ignore[method-assign]
    lab.link_events.then(other_runs)
    assert [outcome["outcome"] for outcome in lab.build(lab.web(0), lab.web(1), at_once=1)] == ["built", "built"]


def test_who_is_killed_while_he_waits_leaves_a_build_that_the_next_run_makes_anew(lab: Lab) -> None:
    lab.claim(lab.web())
    lab.links.state = "listening"

    def killed() -> None:
        raise Killed

    lab.link_events.then(killed)
    with pytest.raises(Killed):
        lab.build(lab.web())
    assert lab.hypervisor.states[lab.web()["uuid"]] == "paused" and not lab.hypervisor.record(lab.web()["uuid"])["started"]
    (lab.folder(lab.web()) / "disk").write_text("half made")
    lab.links.state = "forwarding"
    assert lab.build(lab.web())[0]["outcome"] == "built"
    assert (lab.folder(lab.web()) / "disk").read_text() == "new"


@pytest.mark.parametrize(("state", "told"), [("forwarding", 0), ("listening", 0), ("blocking", 1)])
def test_a_server_that_was_off_is_started_without_a_wait_and_a_port_that_does_not_come_is_told(lab: Lab, state: str, told: int) -> None:
    lab.there(lab.web())
    lab.links.state = state
    outcome = start(lab)
    assert (outcome["outcome"], lab.link_events.waits, lab.hypervisor.states[lab.web()["uuid"]]) == ("started", [], "running")
    assert [said.endswith("not forwarding; the guest runs all the same") for said in outcome.get("warnings", [])] == [True] * told


@pytest.mark.parametrize("fault", ["gone", "unbound"])
def test_a_server_that_was_off_does_not_run_where_its_port_is_not_plugged(lab: Lab, fault: str) -> None:
    lab.there(lab.web())
    lab.links.there = fault != "gone"
    lab.hypervisor.unbound = {"tap0"} if fault == "unbound" else set()
    assert error_of(start(lab))[:2] == ("failed", "VirtualInterfacePlugException")
    assert lab.hypervisor.states[lab.web()["uuid"]] == "shutdown"


def test_a_guest_that_runs_already_is_adopted_with_its_late_port(lab: Lab) -> None:
    lab.claim(lab.web())
    lab.hypervisor.lose("resume")
    lab.build(lab.web())
    lab.links.up = False
    (outcome,) = lab.build(lab.web())
    assert (outcome["outcome"], lab.link_events.waits) == ("built", [])
    assert outcome["warnings"][0].endswith("tap0 is down; the guest runs all the same")
