"""The ledger in its file: all or nothing, one after another, and a sentence for a file that is none."""

from __future__ import annotations

import concurrent.futures
import multiprocessing
import os
import pathlib
import signal
import sqlite3
import stat
import typing as t

import pytest

from ansible_collections.kvmfleet.compute.plugins.module_utils.registrar import ledger as ledgers
from ansible_collections.kvmfleet.compute.plugins.module_utils.registrar import reserve, tickets
from ansible_collections.kvmfleet.compute.plugins.module_utils.registrar.refusal import Refused
from ansible_collections.kvmfleet.compute.plugins.module_utils.registrar.sqlite_store import FILE, SqliteStore
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
    from ansible_collections.kvmfleet.compute.plugins.module_utils.shapes import EpochId

NOW = 1_000_000
RUNS, SERVERS = 6, 5


def founded(folder: pathlib.Path) -> SqliteStore:
    store = SqliteStore(str(folder / "state"))
    store.transact(lambda ledger: (ledgers.found(ledger, EPOCH, 0), None))
    return store


def begin(store: SqliteStore, highest_ticket: int = 0) -> int:
    return store.transact(lambda ledger: tickets.begin(ledger, begin_request(highest_ticket), NOW))["ticket"]["ticket"]


def one_run(path: str, number: int) -> list[str]:
    """The addresses of one run, in a process of its own."""
    store = SqliteStore(path)
    ticket = begin(store)
    servers = [server(f"{number}-{index}", "h1", port(number * 100 + index, ["v4"])) for index in range(SERVERS)]
    request = reserve_request(ticket, servers, pools={"v4": pool("192.0.2.1", "192.0.2.254")})
    answer = store.transact(lambda ledger: reserve.reserve(ledger, request, NOW))
    return [address for granted in addresses(answer).values() for address in granted]


def state(store: SqliteStore) -> Ledger | None:
    """What is in the file."""
    seen: list[Ledger | None] = []

    def look(ledger: Ledger | None) -> tuple[Ledger, None]:
        seen.append(ledger)
        raise Refused("Nothing", "only looked")

    with pytest.raises(Refused, match="only looked"):
        store.transact(look)
    return seen[0]


def test_what_was_answered_is_read_back_whole(tmp_path: pathlib.Path) -> None:
    store = founded(tmp_path)
    one_run(str(tmp_path / "state"), 1)
    ledger = state(store)
    assert ledger is not None
    assert ledger.epoch == EPOCH
    assert (ledger.sequence, ledger.outrun, list(ledger.tickets)) == (1, False, [1])
    held = ledger.reservations[(1, "1-0")]
    assert (held["host"], held["ports"][0]["ip_addresses"]) == ("h1", ["192.0.2.1"])


def test_what_is_changed_and_what_goes_is_written(tmp_path: pathlib.Path) -> None:
    store = founded(tmp_path)
    one_run(str(tmp_path / "state"), 1)
    store.transact(lambda ledger: tickets.renew(ledger, {"epoch": EPOCH, "ticket": 1}, NOW + 10))
    before = state(store)
    assert before is not None
    assert before.tickets[1]["deadline"] == NOW + 1010
    later: EpochId = {"number": 2, "id": "second"}
    store.transact(lambda ledger: (ledgers.found(ledger, later, 0), None))
    after = state(store)
    assert after is not None
    assert (after.epoch, after.sequence, after.tickets, after.reservations) == (later, 1, {}, {})


def test_runs_at_once_get_nothing_twice(tmp_path: pathlib.Path) -> None:
    founded(tmp_path)
    with concurrent.futures.ProcessPoolExecutor(RUNS, mp_context=multiprocessing.get_context("spawn")) as workers:
        given = list(workers.map(one_run, [str(tmp_path / "state")] * RUNS, range(RUNS)))
    every = [address for run in given for address in run]
    assert len(every) == len(set(every)) == RUNS * SERVERS


def test_an_operation_that_raises_changes_nothing(tmp_path: pathlib.Path) -> None:
    store = founded(tmp_path)
    before = state(store)

    def fail(ledger: Ledger | None) -> tuple[Ledger, None]:
        raise ValueError("a bad address")

    with pytest.raises(ValueError, match="a bad address"):
        store.transact(fail)
    assert state(store) == before


def test_a_killed_operation_changes_nothing_and_keeps_nobody_out(tmp_path: pathlib.Path) -> None:
    store = founded(tmp_path)
    before = state(store)
    child = os.fork()
    if not child:
        database = sqlite3.connect(store.path, isolation_level=None)
        # Little enough memory for pages that half a transaction is in the file.
        database.execute("PRAGMA cache_size=1")
        database.execute("BEGIN IMMEDIATE")
        database.executemany("INSERT INTO ticket VALUES (?, ?)", [(number, "x" * 4000) for number in range(100, 200)])
        os.kill(os.getpid(), signal.SIGKILL)
    os.waitpid(child, 0)
    assert os.path.exists(f"{store.path}-journal")
    assert state(store) == before
    assert one_run(str(tmp_path / "state"), 1)


def test_that_the_ledger_is_outrun_is_kept_though_the_call_is_refused(tmp_path: pathlib.Path) -> None:
    store = founded(tmp_path)
    for highest in (5, 0):
        with pytest.raises(Refused, match="restored backup"):
            begin(store, highest)


def test_nobody_but_its_owner_reads_it(tmp_path: pathlib.Path) -> None:
    store = founded(tmp_path)
    assert stat.S_IMODE(os.stat(store.path).st_mode) == 0o600
    assert stat.S_IMODE(os.stat(tmp_path / "state").st_mode) == 0o700


def test_a_new_file_has_no_ledger(tmp_path: pathlib.Path) -> None:
    with pytest.raises(Refused, match="has no ledger"):
        begin(SqliteStore(str(tmp_path)))


def test_a_file_that_is_no_ledger_is_refused_in_a_sentence(tmp_path: pathlib.Path) -> None:
    (tmp_path / FILE).write_bytes(b"not a database" * 1000)
    with pytest.raises(Refused, match="can't be read: file is not a database") as refused:
        begin(SqliteStore(str(tmp_path)))
    assert refused.value.error_class == "LedgerUnreadable"


def test_a_ledger_of_another_version_is_refused_in_a_sentence(tmp_path: pathlib.Path) -> None:
    store = founded(tmp_path)
    with sqlite3.connect(store.path) as database:
        database.execute("PRAGMA user_version = 2")
    database.close()
    with pytest.raises(Refused, match="it is of version 2, and this collection's is 1"):
        begin(store)


def test_a_ledger_that_others_keep_is_refused_in_a_sentence(tmp_path: pathlib.Path) -> None:
    store = founded(tmp_path)
    other = sqlite3.connect(store.path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(Refused, match=r"not free within 0 s: run again later") as refused:
        begin(SqliteStore(str(tmp_path / "state"), timeout_s=0))
    assert refused.value.error_class == "LedgerLocked"
    other.close()


def test_a_folder_that_cannot_be_made_is_refused_in_a_sentence(tmp_path: pathlib.Path) -> None:
    (tmp_path / "state").write_text("a file")
    with pytest.raises(Refused, match="can't be used") as refused:
        begin(SqliteStore(str(tmp_path / "state")))
    assert refused.value.error_class == "LedgerUnavailable"
