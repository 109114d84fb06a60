# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a run makes of the hosts' answers to begin: an epoch, what is missing on the way to it, or a sentence."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.kvmfleet.compute.plugins.module_utils.registrar import epoch as epochs
from ansible_collections.kvmfleet.compute.plugins.module_utils.registrar.refusal import Refused
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.fleet import agreement, begun
from ansible_collections.kvmfleet.compute.tests.unit.plugins.plugin_utils.fleet.registrar_answers import Hosts

if t.TYPE_CHECKING:
    from ansible_collections.kvmfleet.compute.plugins.plugin_utils.shapes import Agreement

HOSTS = ["h1", "h2", "h3"]


def inventory(*hosts: str, store: str = epochs.SQLITE) -> agreement.Inventory:
    return agreement.Inventory(list(hosts or HOSTS), store)


def agree(answers: dict[str, t.Any], of: agreement.Inventory | None = None) -> Agreement:
    return agreement.agree(begun.read(answers), of or inventory(), "first")


def refusal(answers: dict[str, t.Any], of: agreement.Inventory | None = None) -> Refused:
    with pytest.raises(Refused) as refused:
        agree(answers, of)
    return refused.value


def fleet(*hosts: str) -> Hosts:
    """A fleet that has enrolled itself, as runs do it: begin, agree, and again with what is offered."""
    made = Hosts(*(hosts or HOSTS))
    found = agree(made.begin(), inventory(*made.held))
    for _round in range(5):
        if not found["offers"]:
            break
        found = agree(made.begin(found["offers"]), inventory(*made.held))
    assert found["is_in_force"]
    return made


def test_a_fleet_in_one_epoch_has_the_registrars_ticket_and_every_hosts_clock() -> None:
    hosts = fleet()
    found = agree(hosts.begin())
    assert (found["epoch"], found["is_in_force"], found["offers"]) == (hosts.held["h1"], True, {})
    assert found["ticket"]
    assert found["ticket"]["ticket"] + 1 == (agree(hosts.begin())["ticket"] or {"ticket": 0})["ticket"]
    assert found["clocks"]["h2"] == {"boot_id": "boot of h2", "seconds": 5.0, "answered_at": 7.0}


def test_hosts_that_hold_nothing_are_offered_something_first() -> None:
    found = agree(Hosts(*HOSTS).begin())
    assert (found["is_in_force"], found["ticket"], list(found["offers"]), found["epoch"]["registrar"]) == (False, None, ["h1"], "h1")


def test_a_host_that_missed_an_epoch_is_offered_it() -> None:
    hosts = fleet()
    first = dict(hosts.held)
    hosts.held["h3"] = None
    found = agree(hosts.begin())
    assert (found["is_in_force"], list(found["offers"])) == (True, ["h3"])
    agree(hosts.begin(found["offers"]))
    assert hosts.held == first


def test_the_highest_ticket_is_that_of_hosts_in_this_epoch() -> None:
    hosts = fleet()
    answers = hosts.begin()
    answers["h2"]["held"]["highest_ticket"] = 41
    assert (agree(answers)["highest_ticket"], agree(answers)["highest_host"]) == (41, "h2")
    answers["h2"]["held"]["epoch"] = None
    assert (agree(answers)["highest_ticket"], agree(answers)["highest_host"]) == (0, None)


def test_the_ticket_of_a_host_that_is_not_the_epochs_counts_for_nothing() -> None:
    hosts = fleet()
    answers = hosts.begin()
    answers["h4"] = {**answers["h2"], "held": {**answers["h2"]["held"], "highest_ticket": 2**60}}
    assert agree(answers)["highest_ticket"] == 0


def test_a_stale_ledger_is_said_with_the_host_by_whose_word_it_is() -> None:
    answers = fleet().begin()
    answers["h2"]["held"]["highest_ticket"] = 99
    answers["h1"].update(answer=None, refused={"error_class": "LedgerStale", "message": "hosts have recorded tickets"})
    told = str(refusal(answers))
    assert "grants nothing: hosts have recorded tickets; ansible-playbook kvmfleet.compute.registrar -e registrar_operation=rebuild; " in told
    assert "the highest is ticket 99 of host h2; if that can't be, give the host up by" in told


def test_a_registrar_that_does_not_answer_is_named_with_what_to_do() -> None:
    found = refusal(fleet().begin(down=["h1"]))
    assert found.error_class == "RegistrarUnreachable"
    assert "host h1, the registrar by epoch 2, gave no answer that counts (no route)" in str(found)
    assert 'registrar_operation=move -e registrar_host=<another host> -e \'{"registrar_give_up": ["h1"]}\'' in str(found)


def test_another_host_that_does_not_answer_stops_nothing_here() -> None:
    assert agree(fleet().begin(down=["h3"]))["ticket"]


def test_a_lost_ledger_is_said_with_what_to_do() -> None:
    hosts = fleet()
    hosts.ledger = None
    found = refusal(hosts.begin())
    assert found.error_class == "LedgerLost"
    assert "the registrar has no ledger" in str(found) and "registrar_operation=rebuild" in str(found)


@pytest.mark.parametrize("asked", [["h1", "h2"], ["h3"]])
def test_a_play_over_a_part_of_the_fleet_is_refused_with_what_it_leaves_out(asked: list[str]) -> None:
    hosts = fleet()
    found = refusal({host: answer for host, answer in hosts.begin().items() if host in asked}, inventory(*asked))
    assert found.error_class == "FleetIncomplete"
    left_out = sorted(set(HOSTS) - set(asked))
    assert f"the play leaves out {', '.join(left_out)} of the fleet's hosts by epoch 2" in str(found)
    assert '{"registrar_give_up": [' + ", ".join(f'"{host}"' for host in left_out) + "]}" in str(found)


def test_hosts_that_are_waited_for_are_named_with_why_they_did_not_answer() -> None:
    found = refusal(Hosts(*HOSTS).begin(down=["h2"]))
    assert found.error_class == "EpochIncomplete"
    assert "waits for host h2" in str(found) and "(host h2: no route)" in str(found)


def test_a_ledger_that_is_elsewhere_is_not_used_by_accident() -> None:
    hosts = fleet()
    found = refusal(hosts.begin(), inventory(store=epochs.POSTGRESQL))
    assert found.error_class == "RegistrarElsewhere"
    assert "the fleet's ledger is on host h1 by epoch 2, and compute_registrar_dsn is set: take it out, or move the ledger by" in str(found)
    other = Hosts(*HOSTS)
    offers = agree(other.begin(), inventory(store=epochs.POSTGRESQL))["offers"]
    assert "in PostgreSQL by epoch 1, and compute_registrar_dsn is not set: set it" in str(refusal(other.begin(offers)))


def test_what_postgresql_says_counts_where_it_has_the_ledger() -> None:
    hosts = Hosts(*HOSTS)
    there = inventory(store=epochs.POSTGRESQL)
    for _round in range(4):
        hosts.begin(agree(hosts.begin(), there)["offers"])
    (ticket,) = [answer["answer"] for answer in fleet().begin().values() if answer["answer"]]
    read = begun.read(hosts.begin())
    assert agreement.agree(read, there, "x", {"ticket": ticket, "refused": None})["ticket"] == ticket["ticket"]
    with pytest.raises(Refused, match=r"the registrar \(PostgreSQL\) grants nothing: it is down"):
        agreement.agree(read, there, "x", {"ticket": None, "refused": {"error_class": "LedgerUnavailable", "message": "it is down"}})


def test_rounds_come_to_an_end() -> None:
    found = agree(Hosts(*HOSTS).begin())
    assert agreement.rounds_left(found, 9) == 10
    with pytest.raises(Refused, match="host h1 did not come to hold epoch 1 in 10 rounds: run again"):
        agreement.rounds_left(found, 10)


# What hosts may say


ODD: list[tuple[t.Any, str]] = [
    (None, "it was not asked"),
    ({"unreachable": True, "msg": "no route"}, "no route"),
    ({"failed": True, "msg": "the host's epoch can't be read"}, "can't be read"),
    ({"timedout": {"period": 300}}, "did not answer"),
    ({}, "held: is required"),
    ({"held": {"highest_ticket": 0}}, "held.clock: is required"),
    ({"held": {"highest_ticket": -1, "clock": {"boot_id": "b", "seconds": 1}}}, "must not be negative"),
    ({"held": {"highest_ticket": 2**70, "clock": {"boot_id": "b", "seconds": 1}}}, "must be at most"),
    ({"held": {"epoch": {"number": 1}, "highest_ticket": 0, "clock": {"boot_id": "b", "seconds": 1}}}, "held.epoch.id: is required"),
    ({"held": {"highest_ticket": 0, "clock": {"boot_id": "b", "seconds": 1}}, "answer": {"ticket": 1}}, "answer."),
]


@pytest.mark.parametrize(("said", "why"), ODD)
def test_an_odd_answer_takes_out_its_host_alone(said: t.Any, why: str) -> None:
    hosts = fleet()
    read = begun.read({**hosts.begin(), "h3": said})
    assert why in read.lost["h3"]
    found = agreement.agree(read, inventory(), "x")
    assert found["ticket"]
    assert list(agreement.out_of_step(read, found)) == ["h3"]


def claimed(made: Hosts, **changes: t.Any) -> dict[str, t.Any]:
    """The answers, with h3's epoch made up."""
    answers = made.begin()
    answers["h3"]["held"]["epoch"] = {**answers["h3"]["held"]["epoch"], **changes}
    return answers


def test_a_host_that_lies_of_an_epoch_of_others_is_not_believed() -> None:
    hosts = fleet()
    read = begun.read(claimed(hosts, registrar="h3", hosts=["h3"], replaces=[["h3"]]))
    assert read.lost == {"h3": "it says something else of epoch 2 than other hosts that hold it"}
    assert agreement.agree(read, inventory(), "x")["epoch"] == hosts.held["h1"]


def test_a_host_does_not_make_itself_the_registrar() -> None:
    hosts = fleet()
    answers = claimed(hosts, number=99, id="own", registrar="h3")
    # Nor does its ticket count.
    answers["h3"]["answer"] = answers["h1"]["answer"]
    read = begun.read(answers)
    found = agreement.agree(read, inventory(), "x")
    assert (found["epoch"], found["offers"]) == (hosts.held["h1"], {})
    assert "it holds epoch 99, and the fleet is at epoch 2" in agreement.out_of_step(read, found)["h3"]


def test_a_ticket_of_a_host_that_is_not_the_registrar_is_none() -> None:
    hosts = fleet()
    answers = hosts.begin()
    answers["h3"]["answer"], answers["h1"]["answer"] = answers["h1"]["answer"], None
    assert refusal(answers).error_class == "EpochOver"


def test_a_registrar_outside_of_its_fleet_is_odd() -> None:
    assert "the registrar h9 is no host of the fleet" in begun.read(claimed(fleet(), registrar="h9")).lost["h3"]


# How large the fleet is said to be


@pytest.mark.parametrize("declared", [None, 3, "3", ["h3", "h1", "h2"]])
def test_a_whole_play_is_as_large_as_declared(declared: object) -> None:
    assert agreement.check_size(declared, HOSTS) == ""


@pytest.mark.parametrize(
    ("declared", "why"),
    [
        (4, "has 4 hosts, and this play has 3"),
        ("2", "has 2 hosts, and this play has 3"),
        (["h1", "h2", "h3", "h4"], "names 4 hosts, and this play lacks h4:"),
        (["h1", "h2", "h4"], "names 3 hosts, and this play lacks h4 and has h3 beside them"),
        ([], "has h1, h2, h3 beside them"),
        (0, "must be a number of hosts"),
        (True, "must be a number of hosts"),
        ("all", "must be a number of hosts"),
        ({}, "must be a number of hosts"),
    ],
)
def test_a_cut_inventory_is_named(declared: object, why: str) -> None:
    assert why in agreement.check_size(declared, HOSTS)
