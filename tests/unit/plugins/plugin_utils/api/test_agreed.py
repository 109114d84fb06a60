# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Without the registrar nothing new is built; where there is nothing new it is not needed."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.kvmfleet.compute.plugins.module_utils.registrar.epoch import SQLITE
from ansible_collections.kvmfleet.compute.plugins.module_utils.shapes import Epoch
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.api.registrar import is_to_build, refuse_without, settled
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.fleet import begun
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.fleet.agreement import Inventory
from ansible_collections.kvmfleet.compute.tests.unit import make
from ansible_collections.kvmfleet.compute.tests.unit.plugins.plugin_utils.api.stage import asked, check, fleet_of, record_of, rules
from ansible_collections.kvmfleet.compute.tests.unit.plugins.plugin_utils.fleet.registrar_answers import Hosts


def nobody(_process: object) -> bool:
    return False


@pytest.fixture
def hosts() -> Hosts:
    """Two hosts in one epoch, of which h2 can say what a test wants."""
    made = Hosts("h1", "h2")
    while True:
        found = settled(check(asked()), two(), begun.read(made.begin()), Inventory(["h1", "h2"], SQLITE), "first", leaves_out=False, is_killed=nobody)
        if not found or not found["offers"]:
            return made
        made.begin(found["offers"])


def two() -> t.Any:
    whole = fleet_of()
    whole["hosts"]["h2"] = {"status": "ok", "error": None, "state": {**whole["hosts"]["h1"]["state"], "name": "h2", "service": {"disabled": False}}}
    return whole


def test_only_what_is_not_there_yet_is_to_build() -> None:
    first = check(asked(), fleet=fleet_of())
    assert is_to_build(first)
    assert not is_to_build(check(asked(), fleet=fleet_of(record_of(first))))
    assert is_to_build(check(asked(), asked(name="db"), fleet=fleet_of(record_of(first))))


def test_a_run_that_agrees_goes_on(hosts: Hosts) -> None:
    validated = check(asked())
    found = settled(validated, two(), begun.read(hosts.begin()), Inventory(["h1", "h2"], SQLITE), "x", leaves_out=False, is_killed=nobody)
    assert found and found["ticket"]
    assert (validated["errors"], len(validated["instances"])) == ([], 1)


def test_who_does_without_the_registrar_of_a_fleet_that_has_one_is_told_before_any_host_is() -> None:
    whole = two()
    whole["hosts"]["h2"]["state"]["registrar"] = make.held(make.epoch(2))
    refused = check(asked())
    refuse_without(refused, whole)
    assert rules(refused) == [("compute_registrar", "EpochMissing")]
    assert (refused["instances"], refused["errors"][0]["http_status"]) == ([], 409)
    assert "take the registrar off by ansible-playbook kvmfleet.compute.registrar -e registrar_operation=off" in refused["errors"][0]["message"]


@pytest.mark.parametrize("held", [None, make.epoch(3, store="none", registrar="")])
def test_a_fleet_without_a_registrar_can_be_done_without(held: Epoch | None) -> None:
    whole = two()
    whole["hosts"]["h1"]["state"]["registrar"] = make.held(held)
    # One that was away when the registrar was taken off refuses claims for itself.
    if held:
        whole["hosts"]["h2"]["state"]["registrar"] = make.held(make.epoch(2))
    validated = check(asked())
    refuse_without(validated, whole)
    assert (validated["errors"], len(validated["instances"])) == ([], 1)


def test_a_registrar_that_does_not_answer_is_a_503_and_nothing_is_built(hosts: Hosts) -> None:
    validated = check(asked())
    answers = begun.read(hosts.begin(down=["h1"]))
    assert settled(validated, two(), answers, Inventory(["h1", "h2"], SQLITE), "x", leaves_out=True, is_killed=nobody) is None
    assert (validated["instances"], validated["request_specs"]) == ([], [])
    # Of two hosts both are a majority.
    assert [(error["path"], error["error_class"], error["http_status"]) for error in validated["errors"]] == [("compute_registrar", "EpochIncomplete", 503)]


def test_a_host_that_can_take_no_claim_is_an_error_or_left_out() -> None:
    three = Hosts("h1", "h2", "h3")
    of = Inventory(["h1", "h2", "h3"], SQLITE)
    whole = two()
    whole["hosts"]["h3"] = {"status": "unreachable", "error": "no route", "state": None}
    offers: t.Any = {}
    for _round in range(5):
        found = settled(check(asked()), whole, begun.read(three.begin(offers)), of, "first", leaves_out=False, is_killed=nobody)
        offers = found["offers"] if found else {}
    answers = begun.read({**three.begin(), "h2": {}, "h3": {"unreachable": True}})
    # Of three hosts one answers: that is no majority.
    assert settled(check(asked()), whole, answers, of, "x", leaves_out=True, is_killed=nobody) is None
    answers = begun.read({**three.begin(), "h2": {}})
    refused = check(asked())
    assert settled(refused, whole, answers, of, "x", leaves_out=False, is_killed=nobody) is None
    assert rules(refused) == [("hosts.h2", "HostUnreachable")]
    ignored = check(asked())
    assert settled(ignored, whole, answers, of, "x", leaves_out=True, is_killed=nobody)
    assert ignored["warnings"] == ["host h2 gets no server: it gave no answer that counts when the run began: its answer is none: held: is required"]
    # Its facts count all the same.
    assert whole["hosts"]["h2"]["state"]["service"]["disabled"]
