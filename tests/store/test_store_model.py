# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Any interleaving of runs, hosts, clocks and crashes, as the pure ledger's model has it, with the ledger in a store: nothing is lost between two calls."""

from __future__ import annotations

import functools
import tempfile
import typing as t
import uuid

import pytest
from hypothesis import settings
from hypothesis.stateful import run_state_machine_as_test

from ansible_collections.kvmfleet.compute.plugins.module_utils.registrar.sqlite_store import SqliteStore
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.allocation.postgres_store import PostgresStore
from ansible_collections.kvmfleet.compute.tests.unit.plugins.module_utils.registrar.store_promises import Opener, founded, state
from ansible_collections.kvmfleet.compute.tests.unit.plugins.module_utils.registrar.test_ledger_model import Fleet
from ansible_collections.kvmfleet.compute.tests.unit.plugins.module_utils.registrar.wishes import Registrar

if t.TYPE_CHECKING:
    from ansible_collections.kvmfleet.compute.plugins.module_utils.registrar.sqlite_store import Answer, Operation
    from ansible_collections.kvmfleet.compute.plugins.module_utils.shapes import Reservation

    from .postgres import Server


class StoredRegistrar(Registrar):
    """The ledger in a store that is opened for each call, as runs do."""

    def __init__(self, opener: Opener) -> None:
        super().__init__()
        self._opener = opener
        founded(opener())

    def transact(self, operation: Operation[Answer]) -> Answer:
        return self._opener().transact(operation)

    def held(self) -> list[Reservation]:
        ledger = state(self._opener())
        return list(ledger.reservations.values()) if ledger else []


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_any_interleaving(kind: str, server: Server) -> None:
    database = server.database()
    with tempfile.TemporaryDirectory(dir="/dev/shm") as folder:

        def registrar() -> StoredRegistrar:
            own = str(uuid.uuid4())
            return StoredRegistrar(functools.partial(SqliteStore, f"{folder}/{own}") if kind == "sqlite" else functools.partial(PostgresStore, database, own))

        class StoredFleet(Fleet):
            registrar_made = staticmethod(registrar)

        run_state_machine_as_test(StoredFleet, settings=settings(max_examples=40, stateful_step_count=12, deadline=None))
