# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which rules of a group hosts end with when several runs bring others, in whichever order they arrive."""

from __future__ import annotations

import itertools
import typing as t

import hypothesis
import pytest
from hypothesis import strategies as st

from ansible_collections.kvmfleet.compute.plugins.module_utils.network.membership import Membership
from ansible_collections.kvmfleet.compute.plugins.module_utils.network.rules_number import (
    NOTHING,
    Number,
    digest,
    latest,
    next_local,
    numbered,
    read_number,
)
from ansible_collections.kvmfleet.compute.plugins.module_utils.shapes import GroupRules
from ansible_collections.kvmfleet.compute.tests.unit import make

WEB = "p/web"


def web(port: int) -> GroupRules:
    return {"id": "web", "name": "web", "rules": [make.rule(protocol="tcp", port_range_min=port, port_range_max=port)]}


def edit(hosts: t.Iterable[Membership], port: int) -> GroupRules:
    """What a run brings to all hosts that has asked these now."""
    return numbered([web(port)], latest([host.numbers() for host in hosts]))[0]


def build(host: Membership, port: int) -> GroupRules:
    """What a run brings to the host on which it builds, which it has asked now."""
    return {**web(port), "number": next_local(host.numbers().get(WEB, NOTHING), web(port)["rules"]).as_dict()}


def ports(host: Membership) -> set[int | None]:
    return {rule["port_range_min"] for rule in host.rules_of(WEB)}


def fleet_with(port: int, hosts: int = 3) -> list[Membership]:
    made = [Membership() for _number in range(hosts)]
    first = edit(made, port)
    assert [host.bring(WEB, first) for host in made] == [True] * hosts
    return made


@hypothesis.given(st.lists(st.integers(1, 4), min_size=2, max_size=4), st.data())
def test_runs_at_once_leave_all_hosts_with_the_rules_of_the_same_run(edits: list[int], data: st.DataObject) -> None:
    hosts = fleet_with(0)
    brought = [edit(hosts, port) for port in edits]
    for host in hosts:
        for group in data.draw(st.permutations(brought)):
            host.bring(WEB, group)
    assert len({frozenset(ports(host)) for host in hosts}) == 1
    assert ports(hosts[0]) <= set(edits)


@pytest.mark.parametrize("order", list(itertools.permutations(range(3))))
def test_an_edit_is_later_than_what_builds_bring_that_have_read_the_host_before(order: tuple[int, ...]) -> None:
    hosts = fleet_with(0)
    edited = edit(hosts, 3)
    first = build(hosts[0], 1)
    hosts[0].bring(WEB, first)
    # The edit has come to another host, which the second one has read, too.
    hosts[1].bring(WEB, edited)
    news = [first, build(hosts[0], 2), edited]
    for index in order:
        hosts[0].bring(WEB, news[index])
    assert ports(hosts[0]) == {3}


def test_rules_of_the_first_server_on_a_host_come_before_an_edit_that_was_there_first() -> None:
    host = Membership()
    first = build(host, 0)
    assert host.bring(WEB, edit(fleet_with(0), 1)) and not host.bring(WEB, first) and ports(host) == {1}


@hypothesis.given(st.lists(st.tuples(st.sampled_from(["edit", "build"]), st.integers(0, 2), st.integers(0, 3)), max_size=12))
def test_who_comes_after_all_others_is_never_ignored(runs: list[tuple[str, int, int]]) -> None:
    hosts = [Membership() for _number in range(3)]
    for kind, port, number in runs:
        if kind == "build":
            host = hosts[number % 3]
            assert host.bring(WEB, build(host, port)) and ports(host) == {port}
            continue
        # One of the hosts, or none, is not reached.
        reached = [host for index, host in enumerate(hosts) if index != number]
        edited = edit(reached, port)
        assert all(host.bring(WEB, edited) for host in reached)
        assert all(ports(host) == {port} for host in reached)


def test_who_asks_after_an_edit_brings_later_rules_and_the_host_says_whose_it_does_not_take() -> None:
    hosts = fleet_with(0)
    slow = edit(hosts, 1)
    for port in (2, 3):
        edited = edit(hosts, port)
        assert all(host.bring(WEB, edited) for host in hosts)
    assert not hosts[0].bring(WEB, slow) and ports(hosts[0]) == {3}
    back = edit(hosts, 1)
    assert hosts[0].bring(WEB, back) and ports(hosts[0]) == {1}
    # The same rules by an older run are what the host has.
    assert hosts[0].bring(WEB, slow)


def test_the_same_rules_are_no_edit() -> None:
    hosts = fleet_with(0)
    before = hosts[0].numbers()
    for same in (edit(hosts, 0), build(hosts[0], 0)):
        assert hosts[0].bring(WEB, same) and hosts[0].numbers() == before
    built = build(hosts[0], 1)
    hosts[0].bring(WEB, built)
    # What was one host's is all hosts' now, and a build that has asked before does not come after it.
    edited, other = edit(hosts, 1), build(hosts[0], 2)
    assert edited["number"]["fleet"] == built["number"]["fleet"] + 1
    assert hosts[0].bring(WEB, edited) and not hosts[0].bring(WEB, other)


def test_without_a_number_rules_are_later_than_what_the_host_has() -> None:
    host = fleet_with(0)[0]
    assert host.bring(WEB, web(1)) and ports(host) == {1}
    assert host.bring(WEB, web(0)) and ports(host) == {0}
    numbers = host.numbers()
    assert host.bring(WEB, web(0)) and host.numbers() == numbers


def test_neither_order_nor_a_rule_that_is_there_twice_makes_other_rules() -> None:
    one, two = make.rule(protocol="tcp"), make.rule("egress")
    assert digest([one, two, one]) == digest([two, one]) != digest([one])
    assert digest([]) != NOTHING.digest


def test_the_latest_of_a_group_is_that_of_any_project() -> None:
    low, high = Number(1, 5, "b"), Number(2, 0, "a")
    assert latest([{"p/web": low, "q/db": low}, {"q/web": high}, {}]) == {"web": high, "db": low}


@pytest.mark.parametrize(
    "given",
    [
        None,
        {},
        {"fleet": 1, "local": 0},
        {"fleet": "one", "local": 0, "digest": ""},
        {"fleet": 1, "local": -1, "digest": ""},
        {"fleet": 10**15 + 1, "local": 0, "digest": ""},
    ],
)
def test_what_is_no_number_is_not_read(given: t.Any) -> None:
    with pytest.raises((KeyError, TypeError, ValueError)):
        read_number(given)


def test_a_number_travels() -> None:
    number = Number(3, 1, "5c1f7a0e4e0f9d21")
    assert read_number(number.as_dict()) == number
