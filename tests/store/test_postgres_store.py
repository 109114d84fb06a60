# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The ledger in PostgreSQL: what a store promises, several fleets in one database, bounded waiting, TLS, and sentences without the password."""

from __future__ import annotations

import concurrent.futures
import contextlib
import functools
import os
import signal
import time
import traceback
import typing as t
import uuid

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from ansible_collections.kvmfleet.compute.plugins.module_utils.registrar import ledger as ledgers
from ansible_collections.kvmfleet.compute.plugins.module_utils.registrar.refusal import Refused
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.allocation.postgres_store import PostgresStore
from ansible_collections.kvmfleet.compute.tests.unit.plugins.module_utils.registrar.store_promises import (
    SERVERS,
    Opener,
    StorePromises,
    begin,
    founded,
    one_run,
    state,
)
from ansible_collections.kvmfleet.compute.tests.unit.plugins.module_utils.registrar.wishes import EPOCH

if t.TYPE_CHECKING:
    from ansible_collections.kvmfleet.compute.plugins.module_utils.registrar.ledger import Ledger

    from .postgres import Server

FLEET = "first"
UNREADABLE = "compute_registrar_dsn is no connection string"


@pytest.fixture
def dsn(server: Server) -> str:
    """A database without tables."""
    return server.database()


@pytest.fixture
def store(dsn: str) -> PostgresStore:
    made = PostgresStore(dsn, FLEET)
    founded(made)
    return made


def during(store: PostgresStore, act: t.Callable[[], object]) -> None:
    """Do something in the middle of an operation, while it has the ledger."""

    def operation(ledger: Ledger | None) -> tuple[Ledger, None]:
        act()
        return ledgers.found(ledger, EPOCH, 0), None

    store.transact(operation)


class TestPromises(StorePromises):
    @pytest.fixture
    def opener(self, dsn: str) -> Opener:
        return functools.partial(PostgresStore, dsn, FLEET)


class TestPromisesWhereTransactionsAreReadOnlyAndRepeatRead(StorePromises):
    """A database's defaults take nothing back: whoever waits reads what others have committed meanwhile."""

    @pytest.fixture
    def opener(self, server: Server, dsn: str) -> Opener:
        name = psycopg.conninfo.conninfo_to_dict(dsn)["dbname"]
        for default in ("default_transaction_isolation = 'repeatable read'", "default_transaction_read_only = on", "synchronous_commit = off"):
            server.execute(f"ALTER DATABASE {name} SET {default}")
        return functools.partial(PostgresStore, dsn, FLEET)


def test_fleets_in_one_database_know_nothing_of_each_other(store: PostgresStore, dsn: str) -> None:
    other = PostgresStore(dsn, "other")
    with pytest.raises(Refused, match="has no ledger"):
        begin(other)
    founded(other)
    for fleet in (FLEET, "other"):
        # The same servers, addresses and ticket.
        assert one_run(functools.partial(PostgresStore, dsn, fleet), 1) == [f"192.0.2.{last}" for last in range(1, SERVERS + 1)]
    assert state(store) == state(other)
    store.transact(lambda ledger: (ledgers.found(ledger, {"number": 2, "id": "second"}, 0), None))
    after = state(other)
    assert after is not None
    assert len(after.reservations) == SERVERS


def test_fleets_do_not_wait_for_each_other(store: PostgresStore, dsn: str) -> None:
    founded(PostgresStore(dsn, "other"))
    during(store, lambda: begin(PostgresStore(dsn, "other", timeout_s=5)))


def test_first_uses_at_once_make_the_tables_once(dsn: str) -> None:
    waiting = "SELECT count(*) FROM pg_locks WHERE NOT granted AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
    with concurrent.futures.ThreadPoolExecutor(1) as thread, psycopg.connect(dsn, autocommit=True) as watching:
        others: list[concurrent.futures.Future[object]] = []

        def begin_another() -> None:
            others.append(thread.submit(founded, PostgresStore(dsn, "other")))
            while not others[0].done() and watching.execute(waiting).fetchone() == (0,):
                pass
            assert not others[0].done()

        during(PostgresStore(dsn, FLEET), begin_another)
        others[0].result()
    assert [begin(PostgresStore(dsn, fleet)) for fleet in (FLEET, "other")] == [1, 1]


def test_a_role_that_may_not_make_tables_can_use_those_that_are_there(server: Server, store: PostgresStore, dsn: str) -> None:
    role = f"user_{uuid.uuid4().hex}"
    with psycopg.connect(dsn, autocommit=True) as connection:
        for statement in (
            f"CREATE ROLE {role} LOGIN PASSWORD 'of the role'",
            f"GRANT USAGE ON SCHEMA kvmfleet TO {role}",
            f"GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA kvmfleet TO {role}",
        ):
            connection.execute(statement.encode())
    assert begin(PostgresStore(make_conninfo(dsn, user=role, password="of the role"), FLEET)) == 1
    with pytest.raises(Refused, match="permission denied") as refused:
        founded(PostgresStore(make_conninfo(server.database(), user=role, password="of the role"), FLEET))
    assert refused.value.error_class == "LedgerUnavailable"


def test_commits_are_waited_for_whatever_the_default_is(dsn: str) -> None:
    # synchronous_commit has to be on while the operation runs; the server itself says what holds for that session.
    name = psycopg.conninfo.conninfo_to_dict(dsn)["dbname"]
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute(f"ALTER DATABASE {name} SET synchronous_commit = off".encode())
        # A deferred trigger runs at the commit, and is refused if the commit would not be waited for.
        founded(PostgresStore(dsn, FLEET))
        for statement in (
            "CREATE FUNCTION check_commit() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
            " IF current_setting('synchronous_commit') <> 'on' THEN RAISE 'not waited for'; END IF; RETURN NULL; END $$",
            "CREATE CONSTRAINT TRIGGER check_commit AFTER INSERT ON kvmfleet.ledger DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION check_commit()",
        ):
            connection.execute(statement.encode())
        with pytest.raises(psycopg.Error, match="not waited for"), psycopg.connect(dsn) as other:
            other.execute("INSERT INTO kvmfleet.ledger VALUES ('other', 1, 'x', 0, 0)")
    assert begin(PostgresStore(dsn, FLEET)) == 1


@pytest.mark.parametrize("ending", [signal.SIGKILL, signal.SIGSTOP])
def test_an_operation_that_comes_to_no_end_changes_nothing_and_keeps_nobody_out(store: PostgresStore, dsn: str, ending: signal.Signals) -> None:
    # One that stands still is as one whose controller is cut off: the server ends its transaction.
    before = state(store)
    child = os.fork()
    if not child:
        with contextlib.suppress(BaseException):
            during(PostgresStore(dsn, FLEET, timeout_s=1), lambda: os.kill(os.getpid(), ending))
        os._exit(1)
    _pid, status = os.waitpid(child, os.WUNTRACED)
    try:
        assert os.WIFSIGNALED(status) or os.WIFSTOPPED(status)
        assert state(PostgresStore(dsn, FLEET, timeout_s=30)) == before
    finally:
        if ending == signal.SIGSTOP:
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)


def test_a_ledger_that_others_keep_is_refused_in_a_sentence(store: PostgresStore, dsn: str) -> None:
    def wait() -> None:
        with pytest.raises(Refused, match=r"not free within 0.5 s: run again later") as refused:
            begin(PostgresStore(dsn, FLEET, timeout_s=0.5))
        assert refused.value.error_class == "LedgerLocked"

    during(store, wait)


def test_a_server_that_stands_still_is_refused_in_a_sentence(store: PostgresStore, dsn: str) -> None:
    # Its one process for this connection, in the middle of an operation.
    backends: list[int] = []

    def stop(ledger: Ledger | None) -> tuple[Ledger, None]:
        with psycopg.connect(dsn) as connection:
            rows = connection.execute("SELECT pid FROM pg_stat_activity WHERE state = 'idle in transaction' AND datname = current_database()").fetchall()
        backends.extend(pid for (pid,) in rows)
        for pid in backends:
            os.kill(pid, signal.SIGSTOP)
        return ledgers.found(ledger, EPOCH, 0), None

    try:
        with pytest.raises(Refused, match="gave no answer within 2 s: run again later") as refused:
            PostgresStore(dsn, FLEET, timeout_s=1).transact(stop)
    finally:
        for pid in backends:
            os.kill(pid, signal.SIGCONT)
    assert len(backends) == 1
    assert refused.value.error_class == "LedgerUnavailable"
    assert begin(store) == 1


def test_a_server_that_takes_no_connection_is_refused_in_a_sentence(server: Server, dsn: str) -> None:
    os.kill(server.process.pid, signal.SIGSTOP)
    try:
        with pytest.raises(Refused, match="connection timeout expired") as refused:
            begin(PostgresStore(make_conninfo(dsn, connect_timeout=2), FLEET))
    finally:
        os.kill(server.process.pid, signal.SIGCONT)
    assert refused.value.error_class == "LedgerUnavailable"


def test_a_ledger_of_another_version_is_refused_in_a_sentence(store: PostgresStore, dsn: str) -> None:
    with psycopg.connect(dsn) as connection:
        connection.execute("UPDATE kvmfleet.version SET version = 2")
    with pytest.raises(Refused, match="it is of version 2, and this collection's is 1") as refused:
        begin(store)
    assert refused.value.error_class == "LedgerUnreadable"


def test_a_row_that_is_none_is_refused_in_a_sentence(store: PostgresStore, dsn: str) -> None:
    begin(store)
    with psycopg.connect(dsn) as connection:
        connection.execute("UPDATE kvmfleet.ticket SET content = '{}'")
    with pytest.raises(Refused, match=r"can't be read: ticket 1 lacks deadline, lasts_s, run, ticket; nothing is granted until") as refused:
        begin(store)
    assert refused.value.error_class == "LedgerUnreadable"


def test_tables_that_are_none_of_ours_are_refused_in_a_sentence(store: PostgresStore, dsn: str) -> None:
    with psycopg.connect(dsn) as connection:
        connection.execute("ALTER TABLE kvmfleet.ledger RENAME COLUMN sequence TO other")
    with pytest.raises(Refused, match=r"can't be read: .*sequence") as refused:
        begin(store)
    assert refused.value.error_class == "LedgerUnreadable"


def test_the_clock_is_the_databases(store: PostgresStore) -> None:
    # The database is on this machine.
    before = int(time.time())
    assert before <= store.now() <= int(time.time()) + 1


@pytest.mark.parametrize("sslmode", ["require", "verify-full"])
def test_tls_is_as_the_dsn_says(server: Server, sslmode: str) -> None:
    own = str(uuid.uuid4())
    founded(PostgresStore(f"{server.loopback}?sslmode={sslmode}&sslrootcert={server.certificate}", own))
    assert begin(PostgresStore(server.loopback, own)) == 1


def test_a_server_that_does_not_prove_who_it_is_is_refused_if_the_dsn_asks_for_it(server: Server, tmp_path: t.Any) -> None:
    (tmp_path / "other.crt").write_bytes(server.certificate.read_bytes()[:200])
    with pytest.raises(Refused, match=r"can't be used: .*other\.crt") as refused:
        begin(PostgresStore(f"{server.loopback}?sslmode=verify-full&sslrootcert={tmp_path}/other.crt", FLEET))
    assert refused.value.error_class == "LedgerUnavailable"
    with pytest.raises(Refused, match="does not match host name"):
        begin(PostgresStore(f"{server.loopback.replace('127.0.0.1', 'localhost')}?sslmode=verify-full&sslrootcert={server.certificate}", FLEET))


@pytest.mark.parametrize(
    ("dsn", "said"),
    [
        ("postgresql://u:gehe%3Aim@127.0.0.1:1/fleet", "database fleet of PostgreSQL on 127.0.0.1 can't be used: .*Connection refused"),
        ("host=/nowhere user=u password=geheim dbname=fleet", "database fleet of PostgreSQL on /nowhere can't be used: "),
        ("postgresql://u:ge@heim@127.0.0.1/fleet", UNREADABLE),
        ("postgresql://u:ge/heim@127.0.0.1/fleet", UNREADABLE),
        ("postgresql://u:12/heim@127.0.0.1/fleet", UNREADABLE),
        ("postgresql://u:heim@ge:5@127.0.0.1/fleet", UNREADABLE),
        ("postgresql://u:heim@ge/5@127.0.0.1/fleet", UNREADABLE),
        ("postgresql://u:heim@ge?5@127.0.0.1/fleet", UNREADABLE),
        ("postgresql://u:%geheim@127.0.0.1/fleet", UNREADABLE),
        ("host=127.0.0.1 password=very geheim dbname=fleet", UNREADABLE),
        ("geheim", UNREADABLE),
    ],
)
def test_no_sentence_has_a_part_of_the_password(dsn: str, said: str) -> None:
    with pytest.raises(Refused, match=said) as refused:
        begin(PostgresStore(dsn, FLEET))
    assert refused.value.error_class == "LedgerUnavailable"
    assert "heim" not in str(refused.value)
    # Nor has what Ansible shows with -vvv.
    assert "heim" not in "".join(traceback.format_exception(refused.value))


def test_a_wrong_password_is_refused_in_a_sentence_without_it(server: Server) -> None:
    with pytest.raises(Refused, match="password authentication failed") as refused:
        begin(PostgresStore(make_conninfo(server.dsn, password="geheim"), FLEET))
    assert "geheim" not in str(refused.value)


def test_psycopg_is_asked_for_in_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "psycopg", None)
    with pytest.raises(Refused, match=r"Python library \(psycopg\).*pip install 'psycopg\[binary\]'") as refused:
        begin(PostgresStore("postgresql://u@127.0.0.1/fleet", FLEET))
    assert refused.value.error_class == "LedgerUnavailable"
