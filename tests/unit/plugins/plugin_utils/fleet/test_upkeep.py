# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The registrar moved, rebuilt and taken off, and what is shown of it; hosts answer by the real rules."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.kvmfleet.compute.plugins.module_utils.registrar import epoch as epochs
from ansible_collections.kvmfleet.compute.plugins.module_utils.registrar.refusal import Refused
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.fleet import agreement, begun, upkeep
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.fleet.registrar_review import Read, cut, review
from ansible_collections.kvmfleet.compute.tests.unit.plugins.plugin_utils.fleet.registrar_answers import Hosts

if t.TYPE_CHECKING:
    from ansible_collections.kvmfleet.compute.plugins.module_utils.shapes import Epoch, LedgerContent

HOSTS = ["h1", "h2", "h3"]


def wish(operation: str, registrar: str | None = None, *, given_up: t.Sequence[str] = (), is_postgresql: bool = False) -> upkeep.Wish:
    return upkeep.Wish(operation, HOSTS, registrar, is_postgresql, list(given_up))


@pytest.fixture
def hosts() -> Hosts:
    """A fleet with its registrar on h1."""
    made = Hosts(*HOSTS)
    offers: t.Any = {}
    while True:
        found = agreement.agree(begun.read(made.begin(offers)), agreement.Inventory(HOSTS, epochs.SQLITE), "first")
        offers = found["offers"]
        if not offers:
            return made


def done(hosts: Hosts, wanted: upkeep.Wish, down: t.Collection[str] = ()) -> Epoch:
    """As the playbook does it, to its end."""
    step = upkeep.begin(begun.read(hosts.begin(down=down)), wanted)
    goal = step.epoch
    for _round in range(6):
        answers = dict(hosts.begin(step.offers, down).items())
        step = upkeep.go_on(begun.read(answers), wanted, goal)
        if not step.offers:
            agreement.of_step(begun.read(answers), step, None)
            return step.epoch
    raise AssertionError("not done after six rounds")


def refusal(hosts: Hosts, wanted: upkeep.Wish, down: t.Collection[str] = ()) -> str:
    with pytest.raises(Refused) as refused:
        upkeep.begin(begun.read(hosts.begin(down=down)), wanted)
    return f"{refused.value.error_class}: {refused.value}"


def test_a_move_ends_with_a_ledger_that_grants_on_the_other_host(hosts: Hosts) -> None:
    epoch = done(hosts, wish("move", "h2"))
    assert (epoch["registrar"], epoch["hosts"], epoch["replaces"]) == ("h2", HOSTS, [HOSTS])
    assert hosts.ledger and hosts.ledger.epoch["id"] == epoch["id"]
    with pytest.raises(upkeep.Nothing, match="the ledger is on host h2 already"):
        upkeep.begin(begun.read(hosts.begin()), wish("move", "h2"))


def test_a_rebuild_makes_a_new_ledger_where_the_lost_one_was(hosts: Hosts) -> None:
    hosts.ledger = None
    assert done(hosts, wish("rebuild"))["registrar"] == "h1"
    assert hosts.ledger and not hosts.ledger.reservations


def test_a_host_that_does_not_answer_is_named_until_it_is_given_up(hosts: Hosts) -> None:
    said = refusal(hosts, wish("move", "h2"), ["h1"])
    assert said.startswith("EpochIncomplete") and "(host h1: no route)" in said and 'registrar_operation=move -e \'{"registrar_give_up": ["h1"]}\'' in said
    epoch = done(hosts, wish("move", "h2", given_up=["h1"]), ["h1"])
    assert epoch["hosts"] == ["h2", "h3"]
    # Though it is in the inventory still, and answers again: nothing but the next run takes it back.
    assert done(hosts, wish("move", "h3", given_up=["h1"]))["hosts"] == ["h2", "h3"]


def test_giving_up_the_registrar_finds_another_and_giving_up_a_host_keeps_it(hosts: Hosts) -> None:
    assert done(hosts, wish("move", given_up=["h3"]), ["h3"])["registrar"] == "h1"
    assert done(hosts, wish("move", given_up=["h1", "h3"]), ["h1", "h3"])["registrar"] == "h2"


def test_off_is_off_once(hosts: Hosts) -> None:
    assert (done(hosts, wish("off"))["store"], hosts.held["h3"] and hosts.held["h3"]["store"]) == ("none", "none")
    with pytest.raises(upkeep.Nothing, match="taken off already"):
        upkeep.begin(begun.read(hosts.begin()), wish("off"))
    assert "the next run of create_server takes one on again" in refusal(hosts, wish("rebuild"))
    assert done(hosts, wish("move", "h2"))["registrar"] == "h2"


def test_a_fleet_that_was_never_enrolled_has_nothing_to_move() -> None:
    assert "of no fleet yet" in refusal(Hosts(*HOSTS), wish("move", "h2"))
    with pytest.raises(upkeep.Nothing, match="no host holds an epoch"):
        upkeep.begin(begun.read(Hosts(*HOSTS).begin()), wish("off"))


@pytest.mark.parametrize(
    ("wanted", "why"),
    [
        (wish("move", "h9"), "host h9 can't have the ledger"),
        (wish("move", "h1", given_up=["h1"]), "host h1 can't have the ledger"),
        (wish("move", "h1", given_up=["h8"]), "registrar_give_up names h8: the fleet has h1, h2, h3"),
        (wish("rebuild", given_up=["h1"]), "the ledger is on host h1, which does not answer or is given up: move the registrar"),
    ],
)
def test_what_can_not_be_is_said(hosts: Hosts, wanted: upkeep.Wish, why: str) -> None:
    said = refusal(hosts, wanted)
    assert said.startswith("BadRegistrar") and why in said


def test_postgresql_gets_the_ledger_if_no_host_is_named(hosts: Hosts) -> None:
    step = upkeep.begin(begun.read(hosts.begin()), wish("move", is_postgresql=True))
    assert (step.epoch["store"], step.epoch["registrar"]) == ("postgresql", "")


def test_of_two_moves_the_one_that_lost_says_where_the_ledger_is(hosts: Hosts) -> None:
    late = upkeep.begin(begun.read(hosts.begin()), wish("move", "h3"))
    done(hosts, wish("move", "h2"))
    answers = begun.read(hosts.begin(late.offers))
    with pytest.raises(Refused, match="another run came in between, and by epoch 4 the ledger is on host h2"):
        upkeep.go_on(answers, wish("move", "h3"), late.epoch)


# What is shown


def content(hosts: Hosts, **changes: t.Any) -> LedgerContent:
    ledger = hosts.ledger
    assert ledger
    whole: t.Any = {"epoch": ledger.epoch, "sequence": ledger.sequence, "outrun": ledger.outrun, "tickets": [], "reservations": []}
    return {**whole, **changes}


def test_a_sound_fleet_is_shown_with_nothing_wrong(hosts: Hosts) -> None:
    found = review(begun.read(hosts.begin()), HOSTS, Read(content(hosts), None))
    assert found.wrong == []
    assert found.table[0] == "Epoch 2 is in force, by which the ledger is on host h1; 0 tickets are open, and 0 reservations in force."
    assert found.table[2:] == [f"{host}    2      h1         0" for host in HOSTS]


def test_what_is_wrong_is_named(hosts: Hosts) -> None:
    answers = hosts.begin(down=["h3"])
    answers["h2"]["held"]["highest_ticket"] = 99
    assert review(begun.read(answers), HOSTS, Read(content(hosts), None)).wrong == [
        "host h3 gave no answer that counts: no route",
        "the ledger on host h1 has not drawn tickets that hosts have recorded, as after a restored backup: registrar_operation=rebuild renews it; "
        "the highest is ticket 99 of host h2; if that can't be, give the host up by ansible-playbook kvmfleet.compute.registrar "
        """-e registrar_operation=rebuild -e '{"registrar_give_up": ["h2"]}'""",
    ]
    assert review(begun.read(hosts.begin()), HOSTS, Read(None, None)).wrong == ["there is no ledger on host h1: registrar_operation=rebuild makes a new one"]
    assert review(begun.read(hosts.begin()), ["h1", "h2"], Read(content(hosts), None)).wrong == ["this play leaves out h3 of the fleet's hosts"]
    early = content(hosts, epoch={"number": 1, "id": "x"})
    assert review(begun.read(hosts.begin()), HOSTS, Read(early, None)).wrong == ["the ledger on host h1 is of epoch 1, and the fleet is at epoch 2"]
    hosts.held["h2"] = None
    assert "host h2 holds no epoch: it joins by the next run of create_server" in review(begun.read(hosts.begin()), HOSTS, Read(content(hosts), None)).wrong
    assert review(begun.read(Hosts(*HOSTS).begin()), HOSTS, Read(None, None)).wrong == ["the fleet is not enrolled"]


def test_a_play_over_a_part_of_the_fleet_is_told_what_it_leaves_out(hosts: Hosts) -> None:
    assert cut(begun.read(hosts.begin()), HOSTS) == ""
    assert "the play leaves out h3 of the fleet's hosts by epoch 2: run it over all of them" in cut(begun.read(hosts.begin()), ["h1", "h2"])
    assert cut(begun.read(Hosts(*HOSTS).begin()), ["h1"]) == ""
