# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What every store of the ledger promises: all or nothing, and one after another. A store's own tests take these over."""

from __future__ import annotations

import concurrent.futures
import multiprocessing
import typing as t

import pytest

from ansible_collections.kvmfleet.compute.plugins.module_utils.registrar import ledger as ledgers
from ansible_collections.kvmfleet.compute.plugins.module_utils.registrar import reserve, tickets
from ansible_collections.kvmfleet.compute.plugins.module_utils.registrar.refusal import Refused
from ansible_collections.kvmfleet.compute.tests.unit.plugins.module_utils.registrar.wishes import (
    EPOCH,
    addresses,
    begin_request,
    pool,
    port,
    reserve_request,
    server,
)

if t.TYPE_CHECKING:
    from ansible_collections.kvmfleet.compute.plugins.module_utils.registrar.ledger import Ledger
    from ansible_collections.kvmfleet.compute.plugins.module_utils.registrar.sqlite_store import Answer, Operation
    from ansible_collections.kvmfleet.compute.plugins.module_utils.shapes import EpochId

NOW = 1_000_000
RUNS, SERVERS = 6, 5


class Store(t.Protocol):
    """One ledger, wherever it is."""

    def transact(self, operation: Operation[Answer]) -> Answer: ...


Opener = t.Callable[[], Store]  # it may be sent to another process


def founded(store: Store) -> Store:
    store.transact(lambda ledger: (ledgers.found(ledger, EPOCH, 0), None))
    return store


def begin(store: Store, highest_ticket: int = 0) -> int:
    return store.transact(lambda ledger: tickets.begin(ledger, begin_request(highest_ticket), NOW))["ticket"]["ticket"]


def one_run(opener: Opener, number: int) -> list[str]:
    """The addresses of one run."""
    store = opener()
    ticket = begin(store)
    servers = [server(f"{number}-{index}", "h1", port(number * 100 + index, ["v4"])) for index in range(SERVERS)]
    request = reserve_request(ticket, servers, pools={"v4": pool("192.0.2.1", "192.0.2.254")})
    answer = store.transact(lambda ledger: reserve.reserve(ledger, request, NOW))
    return [address for granted in addresses(answer).values() for address in granted]


def state(store: Store) -> Ledger | None:
    """What is in the store."""
    seen: list[Ledger | None] = []

    def look(ledger: Ledger | None) -> tuple[Ledger, None]:
        seen.append(ledger)
        raise Refused("Nothing", "only looked")

    with pytest.raises(Refused, match="only looked"):
        store.transact(look)
    return seen[0]


class StorePromises:
    """Tests of a store without a ledger, which ``opener`` opens."""

    @pytest.fixture
    def opener(self) -> Opener:
        raise NotImplementedError

    def test_what_was_answered_is_read_back_whole(self, opener: Opener) -> None:
        store = founded(opener())
        one_run(opener, 1)
        ledger = state(store)
        assert ledger is not None
        assert ledger.epoch == EPOCH
        assert (ledger.sequence, ledger.outrun, list(ledger.tickets)) == (1, False, [1])
        held = ledger.reservations[(1, "1-0")]
        assert (held["host"], held["ports"][0]["ip_addresses"]) == ("h1", ["192.0.2.1"])

    def test_what_is_changed_and_what_goes_is_written(self, opener: Opener) -> None:
        store = founded(opener())
        one_run(opener, 1)
        store.transact(lambda ledger: tickets.renew(ledger, {"epoch": EPOCH, "ticket": 1}, NOW + 10))
        before = state(store)
        assert before is not None
        assert before.tickets[1]["deadline"] == NOW + 1010
        later: EpochId = {"number": 2, "id": "second"}
        store.transact(lambda ledger: (ledgers.found(ledger, later, 0), None))
        after = state(store)
        assert after is not None
        assert (after.epoch, after.sequence, after.tickets, after.reservations) == (later, 1, {}, {})

    def test_what_a_run_asks_for_again_takes_the_place_of_what_it_held(self, opener: Opener) -> None:
        store = founded(opener())
        ticket = begin(store)
        for host in ("h1", "h2"):
            request = reserve_request(ticket, [server("moved", host)])
            store.transact(lambda ledger, asked=request: reserve.reserve(ledger, asked, NOW))
        ledger = state(store)
        assert ledger is not None
        assert [(key, held["host"]) for key, held in ledger.reservations.items()] == [((1, "moved"), "h2")]

    def test_runs_at_once_get_nothing_twice(self, opener: Opener) -> None:
        founded(opener())
        with concurrent.futures.ProcessPoolExecutor(RUNS, mp_context=multiprocessing.get_context("spawn")) as workers:
            given = list(workers.map(one_run, [opener] * RUNS, range(RUNS)))
        every = [address for run in given for address in run]
        assert len(every) == len(set(every)) == RUNS * SERVERS

    def test_an_operation_that_raises_changes_nothing(self, opener: Opener) -> None:
        store = founded(opener())
        before = state(store)

        def fail(ledger: Ledger | None) -> tuple[Ledger, None]:
            raise ValueError("a bad address")

        with pytest.raises(ValueError, match="a bad address"):
            store.transact(fail)
        assert state(store) == before

    def test_that_the_ledger_is_outrun_is_kept_though_the_call_is_refused(self, opener: Opener) -> None:
        store = founded(opener())
        for highest in (5, 0):
            with pytest.raises(Refused, match="restored backup"):
                begin(store, highest)

    def test_a_new_store_has_no_ledger(self, opener: Opener) -> None:
        with pytest.raises(Refused, match="has no ledger"):
            begin(opener())
