# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The ledger in one SQLite file on a local disk of the registrar's host: one operation, one transaction."""

from __future__ import annotations

import contextlib
import os
import sqlite3
import typing as t

from ansible_collections.kvmfleet.compute.plugins.module_utils.durable import sync_file
from ansible_collections.kvmfleet.compute.plugins.module_utils.registrar.ledger import REBUILD, Ledger
from ansible_collections.kvmfleet.compute.plugins.module_utils.registrar.refusal import Refused
from ansible_collections.kvmfleet.compute.plugins.module_utils.registrar.rows import (
    VERSION,
    Changes,
    LedgerRow,
    ReservationRow,
    TicketRow,
    changes,
    ledger_of,
)

FILE = "registrar.sqlite"
TABLES = (
    "CREATE TABLE IF NOT EXISTS ledger (epoch INTEGER NOT NULL, epoch_id TEXT NOT NULL, sequence INTEGER NOT NULL, outrun INTEGER NOT NULL)",
    "CREATE TABLE IF NOT EXISTS ticket (ticket INTEGER PRIMARY KEY, content TEXT NOT NULL)",
    "CREATE TABLE IF NOT EXISTS reservation (ticket INTEGER, server TEXT, content TEXT NOT NULL, PRIMARY KEY (ticket, server)) WITHOUT ROWID",
)

Answer = t.TypeVar("Answer")
# From the ledger, or None where there is none yet, to the ledger after it and the answer.
Operation = t.Callable[[t.Optional[Ledger]], t.Tuple[Ledger, Answer]]


class SqliteStore:
    """Runs operations on the ledger of a state directory, one after another whoever asks.

    What an operation has answered lasts through a power cut; one that raises has changed nothing, but for what ``Refused`` carries.
    """

    def __init__(self, state_path: str, timeout_s: float = 60.0) -> None:
        self.path = os.path.join(state_path, FILE)
        self._timeout_s = timeout_s

    def transact(self, operation: Operation[Answer]) -> Answer:
        """The answer of an operation.

        Refused (LedgerLocked, LedgerUnavailable, LedgerUnreadable) if others have the ledger for longer than ``timeout_s``, or its file can't be used.
        """
        with self._refusing(), contextlib.closing(self._open()) as database:
            database.execute("BEGIN IMMEDIATE")
            before = _load(database)
            try:
                after, answer = operation(before)
            except Refused as refused:
                if refused.ledger is not None:
                    _write(database, changes(before, refused.ledger))
                    database.execute("COMMIT")
                raise
            _write(database, changes(before, after))
            database.execute("COMMIT")
            return answer

    def content(self) -> t.Optional[Ledger]:
        """The ledger as it is; None if there is none, and then none is made. Refused as by ``transact``."""
        if not os.path.exists(self.path):
            return None
        with self._refusing(), contextlib.closing(self._open()) as database:
            # Not committed: a file without tables stays one.
            database.execute("BEGIN IMMEDIATE")
            return _load(database)

    @contextlib.contextmanager
    def _refusing(self) -> t.Iterator[None]:
        """What SQLite and the file system say, as sentences."""
        try:
            yield
        except (sqlite3.OperationalError, OSError) as error:
            if "locked" in str(error):
                raise Refused("LedgerLocked", f"the registrar's ledger {self.path} was not free within {self._timeout_s:g} s: run again later") from error
            raise Refused("LedgerUnavailable", f"the registrar's ledger {self.path} can't be used: {error}") from error
        except sqlite3.Error as error:
            raise Refused("LedgerUnreadable", f"the registrar's ledger {self.path} can't be read: {error}; {REBUILD}") from error

    def _open(self) -> sqlite3.Connection:
        """A connection that begins no transaction by itself; the file is made if there is none."""
        folder = os.path.dirname(self.path)
        os.makedirs(folder, mode=0o700, exist_ok=True)
        if not os.path.exists(self.path):
            os.close(os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
            sync_file(folder)
        database = sqlite3.connect(self.path, timeout=self._timeout_s, isolation_level=None)
        # With a rollback journal FULL doesn't sync the folder after a commit: the journal could be back after a power cut, and take the commit back.
        database.execute("PRAGMA synchronous=EXTRA")
        return database


def _load(database: sqlite3.Connection) -> t.Optional[Ledger]:
    version: int = database.execute("PRAGMA user_version").fetchone()[0]
    if version not in (0, VERSION):
        raise sqlite3.DatabaseError(f"it is of version {version}, and this collection's is {VERSION}")
    database.execute(f"PRAGMA user_version = {VERSION}")
    for table in TABLES:
        database.execute(table)
    row: t.Optional[LedgerRow] = database.execute("SELECT epoch, epoch_id, sequence, outrun FROM ledger").fetchone()
    if row is None:
        return None
    tickets: t.Iterable[TicketRow] = database.execute("SELECT ticket, content FROM ticket")
    reservations: t.Iterable[ReservationRow] = database.execute("SELECT ticket, server, content FROM reservation")
    try:
        return ledger_of(row, tickets, reservations)
    except ValueError as error:
        raise sqlite3.DatabaseError(str(error)) from error


def _write(database: sqlite3.Connection, changed: Changes) -> None:
    database.execute("DELETE FROM ledger")
    database.execute("INSERT INTO ledger VALUES (?, ?, ?, ?)", changed.ledger)
    database.executemany("DELETE FROM ticket WHERE ticket = ?", changed.tickets_gone)
    database.executemany("INSERT OR REPLACE INTO ticket VALUES (?, ?)", changed.tickets)
    database.executemany("DELETE FROM reservation WHERE ticket = ? AND server = ?", changed.reservations_gone)
    database.executemany("INSERT OR REPLACE INTO reservation VALUES (?, ?, ?)", changed.reservations)
