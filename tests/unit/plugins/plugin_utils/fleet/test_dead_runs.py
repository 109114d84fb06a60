# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What killed runs have reserved: whose hosts are told, for how long, and what counts no more once their facts say so."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.kvmfleet.compute.plugins.plugin_utils.fleet import dead_runs
from ansible_collections.kvmfleet.compute.tests.unit import make

if t.TYPE_CHECKING:
    from ansible_collections.kvmfleet.compute.plugins.module_utils.shapes import Process
    from ansible_collections.kvmfleet.compute.plugins.plugin_utils.shapes import Agreement, Fleet

DEAD: Process = {"boot_id": "boot", "pid_namespace": "pid:[1]", "pid": 7, "pid_start": 99}
ALIVE: Process = {**DEAD, "pid": 8}
TICKET, OTHER = 40, 41


def is_killed(process: Process | None) -> bool:
    return process == DEAD


def hosts(**ended: list[int]) -> Fleet:
    """Three hosts, of which one can't be read, with the tickets that they say to have ended."""
    read = [make.host(name, registrar=make.held(make.epoch(2), ended=ended.get(name, []))) for name in ("h1", "h2")]
    found: Fleet = {"version": 1, "hosts": {host["name"]: {"status": "ok", "error": None, "state": host} for host in read}, "aggregates": []}
    found["hosts"]["h3"] = {"status": "unreachable", "error": "no route", "state": None}
    return found


@pytest.fixture
def agreement() -> Agreement:
    """Of a run that began at 1000 s of the registrar's clock, when two others had reserved on every host."""
    held: list[dict[str, object]] = []
    for ticket, expires in ((TICKET, 1120), (OTHER, 1130)):
        held += [{"ticket": ticket, "server": f"{ticket} on {host}", "host": host, "expires": expires, "released_at": None} for host in ("h1", "h2", "h3")]
    own = {"ticket": 42, "run": "r", "lasts_s": 600, "deadline": 1600, "process": ALIVE}
    holders = [{**own, "ticket": TICKET, "process": DEAD}, {**own, "ticket": OTHER}]
    made: t.Any = {"epoch": make.epoch(2), "ticket": own, "reservations": held, "holders": holders, "dead": {}}
    return made


def test_the_hosts_of_a_run_that_was_killed_are_told_for_as_long_as_its_claims_could_be_in_time(agreement: Agreement) -> None:
    found = dead_runs.without(agreement, hosts(), is_killed)
    epoch = {"number": 2, "id": "epoch 2"}
    # One that can't be read has nothing that shows what became of the claims there.
    assert found["dead"] == {host: {"epoch": epoch, "tickets": [{"ticket": TICKET, "left_s": 120}]} for host in ("h1", "h2")}
    assert found["reservations"] == agreement["reservations"]


def test_what_is_reserved_counts_until_its_host_says_that_it_was_told(agreement: Agreement) -> None:
    found = dead_runs.without(agreement, hosts(h1=[TICKET]), is_killed)
    left = {held["server"] for held in found["reservations"]}
    assert left == {held["server"] for held in agreement["reservations"]} - {f"{TICKET} on h1"}
    assert list(found["dead"]) == ["h2"]


@pytest.mark.parametrize("process", [None, ALIVE])
def test_of_a_run_that_was_not_seen_to_be_killed_nobody_is_told(agreement: Agreement, process: Process | None) -> None:
    agreement["holders"][0]["process"] = process
    assert dead_runs.without(agreement, hosts(), is_killed)["dead"] == {}


def test_what_has_ended_already_needs_no_end(agreement: Agreement) -> None:
    for held in agreement["reservations"]:
        held["released_at"] = 41
    assert dead_runs.without(agreement, hosts(), is_killed)["dead"] == {}


def test_a_host_is_believed_about_itself_and_of_its_own_epoch_only(agreement: Agreement) -> None:
    whole = hosts(h1=[TICKET], h2=[TICKET])
    state = whole["hosts"]["h2"]["state"]
    assert state
    state["registrar"]["epoch"] = make.epoch(3)
    assert dead_runs.ended(whole, {"number": 2, "id": "epoch 2"}) == {"h1": [TICKET]}
