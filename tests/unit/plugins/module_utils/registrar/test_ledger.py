"""Who counts for whom, what ends when, and when the ledger can't be trusted."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.kvmfleet.compute.plugins.module_utils.registrar import ledger as ledgers
from ansible_collections.kvmfleet.compute.plugins.module_utils.registrar import tickets
from ansible_collections.kvmfleet.compute.plugins.module_utils.registrar.refusal import Refused
from ansible_collections.kvmfleet.compute.tests.unit.plugins.module_utils.registrar import wishes
from ansible_collections.kvmfleet.compute.tests.unit.plugins.module_utils.registrar.wishes import (
    CLAIM_S,
    EPOCH,
    HOSTS,
    LASTS_S,
    SKEW_S,
    Registrar,
    losses,
    server,
)

if t.TYPE_CHECKING:
    from ansible_collections.kvmfleet.compute.plugins.module_utils.shapes import Epoch, Process


@pytest.fixture
def registrar() -> Registrar:
    return Registrar()


def is_held(registrar: Registrar, ticket: int, hosts: list[str] | None = None) -> bool:
    """Whether the name of server a counts for a run with these facts."""
    return bool(losses(registrar.reserve(ticket, server("probe", name="a"), hosts=HOSTS if hosts is None else hosts)))


def test_what_is_in_force_counts_for_every_run(registrar: Registrar) -> None:
    before, own = registrar.begin(), registrar.begin()
    registrar.reserve(own, server("a"))
    assert is_held(registrar, before)
    assert is_held(registrar, registrar.begin())


def test_what_was_settled_counts_for_runs_with_an_older_ticket_only(registrar: Registrar) -> None:
    before, own = registrar.begin(), registrar.begin()
    registrar.reserve(own, server("a"))
    registrar.settle(own, claimed=["a"])
    after = registrar.begin()
    assert is_held(registrar, before)
    assert not is_held(registrar, after)


def test_what_was_refused_counts_for_nobody(registrar: Registrar) -> None:
    before, own = registrar.begin(), registrar.begin()
    registrar.reserve(own, server("a"))
    registrar.settle(own, absent=["a"])
    assert not is_held(registrar, before)


def test_a_claim_that_is_undone_later_is_free_at_once(registrar: Registrar) -> None:
    before, own = registrar.begin(), registrar.begin()
    registrar.reserve(own, server("a"))
    registrar.settle(own, claimed=["a"])
    registrar.settle(own, absent=["a"])
    assert not is_held(registrar, before)


def test_settling_twice_changes_nothing(registrar: Registrar) -> None:
    own = registrar.begin()
    registrar.reserve(own, server("a"))
    registrar.settle(own, claimed=["a"])
    after = registrar.begin()
    registrar.settle(own, claimed=["a"])
    assert not is_held(registrar, after)


def test_a_deadline_frees_only_past_the_greatest_difference_of_clocks(registrar: Registrar) -> None:
    registrar.reserve(registrar.begin(), server("a"))
    registrar.now += CLAIM_S + SKEW_S
    assert is_held(registrar, registrar.begin())
    registrar.now += 1
    assert not is_held(registrar, registrar.begin())


def test_a_deadline_frees_nothing_for_a_run_whose_facts_may_be_older(registrar: Registrar) -> None:
    before, own = registrar.begin(), registrar.begin()
    registrar.reserve(own, server("a"))
    registrar.now += CLAIM_S + SKEW_S + 1
    assert is_held(registrar, before)


def test_a_deadline_frees_nothing_for_a_run_that_has_not_read_the_host(registrar: Registrar) -> None:
    registrar.reserve(registrar.begin(), server("a", "h1"))
    registrar.now += CLAIM_S + SKEW_S + 1
    blind, sighted = registrar.begin(), registrar.begin()
    assert is_held(registrar, blind, ["h2", "h3"])
    assert not is_held(registrar, sighted)
    # The sighting tells the ledger nothing that the blind run's facts have.
    assert is_held(registrar, blind, ["h2", "h3"])


def test_facts_that_may_be_from_before_a_claim_tell_nothing_of_it(registrar: Registrar) -> None:
    before, own = registrar.begin(), registrar.begin()
    registrar.reserve(own, server("a", "h1"))
    registrar.now += CLAIM_S + SKEW_S + 1
    registrar.reserve(before)
    assert is_held(registrar, registrar.begin(), ["h2", "h3"])


def test_who_settles_late_says_what_became_of_it(registrar: Registrar) -> None:
    own = registrar.begin()
    registrar.reserve(own, server("a", "h1"))
    registrar.now += CLAIM_S + SKEW_S + 1
    blind = registrar.begin()
    registrar.settle(own, claimed=["a"])
    assert is_held(registrar, blind, ["h2"])
    assert not is_held(registrar, registrar.begin(), ["h2"])


def test_a_ticket_ends_by_its_deadline_and_every_call_with_it_renews_it(registrar: Registrar) -> None:
    ticket = registrar.begin()
    for _round in range(3):
        registrar.now += LASTS_S
        registrar.reserve(ticket)
    registrar.now += LASTS_S
    registrar.renew(ticket)
    registrar.now += LASTS_S + 1
    with pytest.raises(Refused, match="past its deadline") as refused:
        registrar.reserve(ticket, server("a"))
    assert refused.value.error_class == "TicketOver"
    with pytest.raises(Refused, match="past its deadline"):
        registrar.renew(ticket)


def test_a_claim_is_settled_though_the_ticket_is_over(registrar: Registrar) -> None:
    ticket = registrar.begin()
    registrar.reserve(ticket, server("a"), claim_s=2 * LASTS_S)
    registrar.now += LASTS_S + 1
    registrar.settle(ticket, claimed=["a"])
    assert not is_held(registrar, registrar.begin())


def test_what_has_ended_goes_when_no_open_ticket_is_older(registrar: Registrar) -> None:
    before, own = registrar.begin(), registrar.begin()
    registrar.reserve(own, server("a"))
    registrar.settle(own, claimed=["a"])
    assert len(registrar.held()) == 1
    registrar.now += LASTS_S // 2
    registrar.renew(own)
    registrar.now += LASTS_S // 2 + 1
    # The ticket from before the end is over, the run's own one is not: that is older, too.
    registrar.begin()
    assert before not in registrar.ledger.tickets
    assert len(registrar.held()) == 1
    registrar.now += LASTS_S + 1
    registrar.begin()
    assert registrar.held() == []


def test_what_waits_for_its_host_stays_until_a_run_has_read_it(registrar: Registrar) -> None:
    registrar.reserve(registrar.begin(), server("a", "h1"))
    registrar.now += 10 * LASTS_S
    registrar.reserve(registrar.begin(), hosts=["h2", "h3"])
    registrar.now += 10 * LASTS_S
    registrar.begin()
    assert len(registrar.held()) == 1
    registrar.reserve(registrar.begin())
    registrar.now += 10 * LASTS_S
    registrar.begin()
    assert registrar.held() == []


def test_begin_tells_the_scheduler_what_facts_need_not_show(registrar: Registrar) -> None:
    own = registrar.begin()
    registrar.reserve(own, server("settled"), server("open"))
    registrar.settle(own, claimed=["settled"])
    begun = registrar.begun()
    assert [held["server"] for held in begun["reservations"]] == ["open"]
    assert begun["oldest"] == own


def test_no_ledger_is_refused_until_it_is_founded() -> None:
    with pytest.raises(Refused, match="has no ledger, and the fleet is at epoch 1") as refused:
        tickets.begin(None, wishes.begin_request(), 0)
    assert refused.value.error_class == "LedgerLost"


@pytest.mark.parametrize(
    ("number", "name", "error_class"),
    [(2, "second", "LedgerStale"), (0, "zeroth", "EpochOver"), (1, "other", "EpochForeign")],
    ids=["later", "earlier", "other"],
)
def test_another_epoch_is_refused(registrar: Registrar, number: int, name: str, error_class: str) -> None:
    with pytest.raises(Refused) as refused:
        tickets.begin(registrar.ledger, wishes.begin_request(epoch={"number": number, "id": name}), registrar.now)
    assert refused.value.error_class == error_class
    assert refused.value.ledger is None


def test_a_ledger_that_has_lost_tickets_is_refused_for_ever(registrar: Registrar) -> None:
    ticket = registrar.begin()
    with pytest.raises(Refused, match="restored backup") as refused:
        registrar.reserve(ticket, server("a"), highest_ticket=ticket + 1)
    assert refused.value.ledger
    # Runs that know nothing of it may not let its sequence come as far again.
    with pytest.raises(Refused, match="restored backup"):
        tickets.begin(refused.value.ledger, wishes.begin_request(), registrar.now)


def test_what_is_in_force_stays_so_in_a_later_epoch_of_the_same_registrar(registrar: Registrar) -> None:
    own = registrar.begin()
    registrar.reserve(own, server("a", "h1"), server("gone", "h3"), server("settled", "h1"))
    registrar.settle(own, claimed=["settled"])
    registrar.carry(["h1", "h2", "h4"])
    assert [held["server"] for held in registrar.held()] == ["a"]
    with pytest.raises(Refused, match="this run is of epoch 1, and the registrar is at epoch 2: run again"):
        registrar.settle(own, claimed=["a"], epoch=EPOCH)
    assert is_held(registrar, registrar.begin())


def test_a_ledger_is_carried_into_its_own_epoch_and_into_no_earlier_one(registrar: Registrar) -> None:
    registrar.carry(HOSTS)
    same: Epoch = {**registrar.epoch, "fleet": "first", "store": "sqlite", "registrar": "h1", "is_carried": True, "hosts": HOSTS, "replaces": [HOSTS]}
    assert ledgers.carried(registrar.ledger, same) is registrar.ledger
    with pytest.raises(Refused, match="run again"):
        ledgers.carried(registrar.ledger, {**same, "number": 1})
    with pytest.raises(Refused, match="has no ledger"):
        ledgers.carried(None, same)


def test_a_rebuilt_ledger_is_empty_and_draws_no_ticket_twice(registrar: Registrar) -> None:
    ticket = registrar.begin()
    registrar.reserve(ticket, server("a"))
    rebuilt = ledgers.found(registrar.ledger, {"number": 2, "id": "second"}, 70)
    assert (rebuilt.reservations, rebuilt.tickets, rebuilt.sequence) == ({}, {}, 70)
    assert ledgers.found(registrar.ledger, EPOCH, 0) is registrar.ledger
    with pytest.raises(Refused, match="run again"):
        ledgers.found(rebuilt, EPOCH, 0)


ENDED = {"h1": [2]}  # what the facts of h1 say once it takes no claim of the second ticket


def test_what_a_killed_run_has_reserved_is_free_for_a_run_whose_facts_show_that_its_host_was_told(registrar: Registrar) -> None:
    before, killed, own = registrar.begin(), registrar.begin(), registrar.begin()
    registrar.reserve(killed, server("a"))
    assert is_held(registrar, own)
    assert losses(registrar.reserve(own, server("b", name="a"), ended=ENDED)) == {}
    # An older run has read its facts before, or they say so too.
    registrar.settle(own, absent=["b"])
    assert is_held(registrar, before)
    assert not is_held(registrar, registrar.begin())


def test_what_it_has_reserved_on_other_hosts_and_what_other_tickets_have_counts_on(registrar: Registrar) -> None:
    registrar.begin()
    killed, other, own = registrar.begin(), registrar.begin(), registrar.begin()
    registrar.reserve(killed, server("a"), server("on h2", "h2"))
    registrar.reserve(other, server("c"))
    answer = registrar.reserve(own, *(server(f"probe {name}", name=name) for name in ("a", "on h2", "c")), ended=ENDED)
    assert losses(answer) == {"probe on h2": "InstanceExists", "probe c": "InstanceExists"}


def test_what_ended_so_counts_for_who_has_not_read_the_host_until_somebody_has(registrar: Registrar) -> None:
    registrar.begin()
    killed, own = registrar.begin(), registrar.begin()
    registrar.reserve(killed, server("a"))
    registrar.reserve(own, ended=ENDED)
    blind = registrar.begin()
    assert is_held(registrar, blind, ["h2"])
    registrar.reserve(registrar.begin(), hosts=["h1"])
    assert not is_held(registrar, registrar.begin(), ["h2"])


def test_who_holds_what_is_in_force_is_told_with_the_ticket(registrar: Registrar) -> None:
    process: Process = {"boot_id": "boot", "pid_namespace": "pid:[1]", "pid": 7, "pid_start": 99}
    idle, holding = registrar.begin(), registrar.begun(process)["ticket"]["ticket"]
    registrar.reserve(holding, server("a"))
    assert [(ticket["ticket"], ticket["process"]) for ticket in registrar.begun()["tickets"]] == [(holding, process)]
    assert idle in registrar.ledger.tickets
