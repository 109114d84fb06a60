# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The ledgers of fleets in one PostgreSQL database, reached from the controller: one operation, one transaction.

One advisory lock per fleet puts a fleet's operations one after another. Each reads and may change the whole ledger, so any two at once are in conflict:
serializable transactions would let all but one of them compute in vain, and try again for as long as others are quicker. Who waits for the lock has its
turn in the order of asking, and reads nothing before: transactions are READ COMMITTED, because what others have committed meanwhile has to be seen.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import socket
import threading
import typing as t

from ansible.module_utils.basic import missing_required_lib

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
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.allocation.dsn import parameters

if t.TYPE_CHECKING:
    from psycopg import Connection

    from ansible_collections.kvmfleet.compute.plugins.module_utils.registrar.sqlite_store import Answer, Operation

CONNECT_S = 10  # for each server that the DSN names, unless it has its own connect_timeout
# A schema of its own: nothing is looked for by a search_path, and the database may be shared.
TABLES = (
    "CREATE SCHEMA IF NOT EXISTS kvmfleet",
    "CREATE TABLE IF NOT EXISTS kvmfleet.version (version integer NOT NULL)",
    "CREATE TABLE IF NOT EXISTS kvmfleet.ledger"
    " (fleet text PRIMARY KEY, epoch bigint NOT NULL, epoch_id text NOT NULL, sequence bigint NOT NULL, outrun integer NOT NULL)",
    "CREATE TABLE IF NOT EXISTS kvmfleet.ticket (fleet text, ticket bigint, content text NOT NULL, PRIMARY KEY (fleet, ticket))",
    "CREATE TABLE IF NOT EXISTS kvmfleet.reservation (fleet text, ticket bigint, server text, content text NOT NULL, PRIMARY KEY (fleet, ticket, server))",
)
LOCK = "SELECT pg_advisory_xact_lock(%s)"
# Of this transaction only, whatever the server, the database or the role has as defaults.
SETTINGS = """
SELECT set_config('lock_timeout', %(wait_ms)s, true), set_config('statement_timeout', %(all_ms)s, true),
       set_config('idle_in_transaction_session_timeout', %(all_ms)s, true), set_config('synchronous_commit', 'on', true)
"""


class PostgresStore:
    """Runs operations on one fleet's ledger, one after another whoever asks.

    What an operation has answered lasts as PostgreSQL's commits do; one that raises has changed nothing, but for what ``Refused`` carries. If there is no
    answer, its changes may have been written or not. The tables are made at the first use. TLS is as the DSN's sslmode says.
    """

    def __init__(self, dsn: str, fleet: str, timeout_s: float = 60.0) -> None:
        """``dsn``: libpq's connection string or URI; ``fleet``: id of the fleet, as its epochs have it."""
        self._dsn = dsn
        self._fleet = fleet
        self._timeout_s = timeout_s
        self._name = "the registrar's ledger in PostgreSQL"

    def transact(self, operation: Operation[Answer]) -> Answer:
        """The answer of an operation.

        Refused (LedgerLocked, LedgerUnavailable, LedgerUnreadable) if others have the ledger for longer than ``timeout_s``, the server does not answer within
        twice that, the database can't be used, or psycopg is missing.
        """
        with self._refusing(), self._connected() as connection:
            connection.execute("BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE")
            # 0 would be no limit.
            connection.execute(SETTINGS, {"wait_ms": str(max(1, int(self._timeout_s * 1000))), "all_ms": str(max(1, int(self._timeout_s * 2000)))})
            _make_tables(connection)
            connection.execute(LOCK, [_key(f"fleet {self._fleet}")])
            before = self._load(connection)
            try:
                after, answer = operation(before)
            except Refused as refused:
                if refused.ledger is not None:
                    self._write(connection, changes(before, refused.ledger))
                    connection.execute("COMMIT")
                raise
            self._write(connection, changes(before, after))
            connection.execute("COMMIT")
            return answer

    def now(self) -> int:
        """Unix time in s by the database's clock, which is the registrar's: controllers' clocks may differ. Refused as ``transact`` is."""
        with self._refusing(), self._connected() as connection:
            row: tuple[int] | None = connection.execute("SELECT extract(epoch FROM clock_timestamp())::bigint").fetchone()
            return row[0] if row else 0

    @contextlib.contextmanager
    def _connected(self) -> t.Iterator[Connection]:
        """A connection that begins no transaction by itself, and is cut if the server does not answer: libpq waits for ever."""
        from psycopg import OperationalError, connect

        longest_s = 2 * self._timeout_s
        connect_s = parameters(self._dsn).get("connect_timeout", CONNECT_S)
        with (
            # Without prepared statements it may go through a pooler.
            contextlib.closing(connect(self._dsn, autocommit=True, prepare_threshold=None, connect_timeout=connect_s)) as connection,
            # A descriptor of its own: when libpq has closed its one, the number may be another's.
            socket.socket(fileno=os.dup(connection.fileno())) as wire,
        ):
            is_cut = threading.Event()
            timer = threading.Timer(longest_s, _cut, [wire, is_cut])
            timer.daemon = True
            timer.start()
            try:
                yield connection
            except OperationalError:
                if is_cut.is_set():
                    raise Refused("LedgerUnavailable", f"{self._name} gave no answer within {longest_s:g} s: run again later") from None
                raise
            finally:
                timer.cancel()

    @contextlib.contextmanager
    def _refusing(self) -> t.Iterator[None]:
        """What psycopg and PostgreSQL say, as sentences."""
        try:
            import psycopg
            from psycopg import errors
        except ImportError:
            raise Refused("LedgerUnavailable", f"{missing_required_lib('psycopg')}. compute_registrar_dsn needs it: pip install 'psycopg[binary]'") from None
        given = parameters(self._dsn)
        self._name = f"the registrar's ledger in database {given.get('dbname', 'of the user')} of PostgreSQL on {given.get('host', 'this machine')}"
        try:
            yield
        except errors.LockNotAvailable:
            raise Refused("LedgerLocked", f"{self._name} was not free within {self._timeout_s:g} s: run again later") from None
        except (errors.UndefinedTable, errors.UndefinedColumn, errors.DatatypeMismatch, psycopg.DataError) as error:
            raise Refused("LedgerUnreadable", f"{self._name} can't be read: {_said(error)}; {REBUILD}") from None
        except psycopg.Error as error:
            raise Refused("LedgerUnavailable", f"{self._name} can't be used: {_said(error)}") from None

    def _load(self, connection: Connection) -> Ledger | None:
        version: tuple[int] | None = connection.execute("SELECT version FROM kvmfleet.version").fetchone()
        if version != (VERSION,):
            found = version[0] if version else "none"
            raise Refused("LedgerUnreadable", f"{self._name} can't be read: it is of version {found}, and this collection's is {VERSION}; {REBUILD}")
        own = [self._fleet]
        row: LedgerRow | None = connection.execute("SELECT epoch, epoch_id, sequence, outrun FROM kvmfleet.ledger WHERE fleet = %s", own).fetchone()
        if row is None:
            return None
        tickets: list[TicketRow] = connection.execute("SELECT ticket, content FROM kvmfleet.ticket WHERE fleet = %s", own).fetchall()
        held: list[ReservationRow] = connection.execute("SELECT ticket, server, content FROM kvmfleet.reservation WHERE fleet = %s", own).fetchall()
        try:
            return ledger_of(row, tickets, held)
        except ValueError as error:
            raise Refused("LedgerUnreadable", f"{self._name} can't be read: {error}; {REBUILD}") from error

    def _write(self, connection: Connection, changed: Changes) -> None:
        own = (self._fleet,)
        connection.execute("DELETE FROM kvmfleet.ledger WHERE fleet = %s", own)
        connection.execute("INSERT INTO kvmfleet.ledger VALUES (%s, %s, %s, %s, %s)", (*own, *changed.ledger))
        cursor = connection.cursor()
        cursor.executemany("DELETE FROM kvmfleet.ticket WHERE fleet = %s AND ticket = %s", [(*own, *key) for key in changed.tickets_gone])
        cursor.executemany(
            "INSERT INTO kvmfleet.ticket VALUES (%s, %s, %s) ON CONFLICT (fleet, ticket) DO UPDATE SET content = excluded.content",
            [(*own, *row) for row in changed.tickets],
        )
        cursor.executemany(
            "DELETE FROM kvmfleet.reservation WHERE fleet = %s AND ticket = %s AND server = %s", [(*own, *key) for key in changed.reservations_gone]
        )
        cursor.executemany(
            "INSERT INTO kvmfleet.reservation VALUES (%s, %s, %s, %s) ON CONFLICT (fleet, ticket, server) DO UPDATE SET content = excluded.content",
            [(*own, *row) for row in changed.reservations],
        )


def _make_tables(connection: Connection) -> None:
    """Only looked for where they are: a role that may not make any can use those that others have made."""
    is_there = "SELECT to_regclass('kvmfleet.version') IS NOT NULL"
    if connection.execute(is_there).fetchone() == (True,):
        return
    # Two first uses at once: IF NOT EXISTS alone lets the second one fail.
    connection.execute(LOCK, [_key("tables")])
    if connection.execute(is_there).fetchone() == (True,):
        return
    for table in TABLES:
        connection.execute(table)
    connection.execute("INSERT INTO kvmfleet.version VALUES (%s)", [VERSION])


def _key(of: str) -> int:
    """The number of an advisory lock. Two that meet in one only wait for each other."""
    return int.from_bytes(hashlib.sha256(f"kvmfleet.compute registrar {of}".encode()).digest()[:8], "big", signed=True)


def _cut(wire: socket.socket, is_cut: threading.Event) -> None:
    is_cut.set()
    # It may be closed by now.
    with contextlib.suppress(OSError):
        wire.shutdown(socket.SHUT_RDWR)


def _said(error: Exception) -> str:
    return " ".join(str(error).split())
