# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The ledger in its file: what a store promises, and a sentence for a file that is none."""

from __future__ import annotations

import contextlib
import functools
import os
import pathlib
import signal
import sqlite3
import stat

import pytest

from ansible_collections.kvmfleet.compute.plugins.module_utils.registrar.refusal import Refused
from ansible_collections.kvmfleet.compute.plugins.module_utils.registrar.sqlite_store import FILE, SqliteStore
from ansible_collections.kvmfleet.compute.tests.unit.plugins.module_utils.registrar.store_promises import Opener, StorePromises, begin, founded, one_run, state


class TestPromises(StorePromises):
    @pytest.fixture
    def opener(self, tmp_path: pathlib.Path) -> Opener:
        return functools.partial(SqliteStore, str(tmp_path / "state"))


@pytest.fixture
def store(tmp_path: pathlib.Path) -> SqliteStore:
    made = SqliteStore(str(tmp_path / "state"))
    founded(made)
    return made


def test_a_killed_operation_changes_nothing_and_keeps_nobody_out(store: SqliteStore, tmp_path: pathlib.Path) -> None:
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
    assert one_run(functools.partial(SqliteStore, str(tmp_path / "state")), 1)


def test_nobody_but_its_owner_reads_it(store: SqliteStore, tmp_path: pathlib.Path) -> None:
    assert stat.S_IMODE(os.stat(store.path).st_mode) == 0o600
    assert stat.S_IMODE(os.stat(tmp_path / "state").st_mode) == 0o700


def test_a_file_that_is_no_ledger_is_refused_in_a_sentence(tmp_path: pathlib.Path) -> None:
    (tmp_path / FILE).write_bytes(b"not a database" * 1000)
    with pytest.raises(Refused, match="can't be read: file is not a database") as refused:
        begin(SqliteStore(str(tmp_path)))
    assert refused.value.error_class == "LedgerUnreadable"


def test_a_ledger_of_another_version_is_refused_in_a_sentence(store: SqliteStore) -> None:
    with sqlite3.connect(store.path) as database:
        database.execute("PRAGMA user_version = 2")
    database.close()
    with pytest.raises(Refused, match="it is of version 2, and this collection's is 1"):
        begin(store)


TICKET, RESERVATION = "INSERT INTO ticket VALUES (1, ?)", "INSERT INTO reservation VALUES (1, 'web', ?)"


@pytest.mark.parametrize(
    ("insert", "content", "sentence"),
    [
        (TICKET, "{", "ticket 1 is no JSON: Expecting property name"),
        (TICKET, "7", "ticket 1 lacks everything"),
        (TICKET, "{}", "ticket 1 lacks deadline, lasts_s, run, ticket"),
        (RESERVATION, '{"ticket": 1}', "the reservation of ticket 1 for server web lacks amounts, deadline"),
    ],
)
def test_a_row_that_is_none_is_refused_in_a_sentence(store: SqliteStore, insert: str, content: str, sentence: str) -> None:
    with contextlib.closing(sqlite3.connect(store.path, isolation_level=None)) as database:
        database.execute("DELETE FROM ticket")
        database.execute(insert, (content,))
    for ask in (begin, SqliteStore.content):
        with pytest.raises(Refused, match=f"can't be read: {sentence}.*until the registrar is rebuilt") as refused:
            ask(store)
        assert refused.value.error_class == "LedgerUnreadable"


def test_a_ledger_that_others_keep_is_refused_in_a_sentence(store: SqliteStore, tmp_path: pathlib.Path) -> None:
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
