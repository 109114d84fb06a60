# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One call of the registrar's module on one host: what the host holds, an epoch that it is to take, and what its ledger answers if it has it."""

from __future__ import annotations

import typing as t

from ansible_collections.kvmfleet.compute.plugins.module_utils.errors import ServerError
from ansible_collections.kvmfleet.compute.plugins.module_utils.registrar import host_state, state_file
from ansible_collections.kvmfleet.compute.plugins.module_utils.registrar.epoch_data import read_offer
from ansible_collections.kvmfleet.compute.plugins.module_utils.registrar.host_state import FOUND, HostState
from ansible_collections.kvmfleet.compute.plugins.module_utils.registrar.ledger import carried, expire, found
from ansible_collections.kvmfleet.compute.plugins.module_utils.registrar.refusal import Refused
from ansible_collections.kvmfleet.compute.plugins.module_utils.registrar.reserve import reserve
from ansible_collections.kvmfleet.compute.plugins.module_utils.registrar.settle import settle
from ansible_collections.kvmfleet.compute.plugins.module_utils.registrar.sqlite_store import Operation, SqliteStore
from ansible_collections.kvmfleet.compute.plugins.module_utils.registrar.ticket_data import read_begin, read_end
from ansible_collections.kvmfleet.compute.plugins.module_utils.registrar.tickets import begin
from ansible_collections.kvmfleet.compute.plugins.module_utils.shapes import (
    BeginRequest,
    Begun,
    EndRequest,
    Epoch,
    Held,
    HostClock,
    LedgerContent,
    ReserveAnswer,
    ReserveRequest,
    SettleRequest,
)

Answer = t.Union[Begun, ReserveAnswer, LedgerContent, None]
OPERATIONS = ("show", "begin", "end", "reserve", "settle", "reservations")
Request = t.Dict[str, t.Any]  # of an operation, as the task gave it
# What an operation's request has; the epoch and the highest ticket of one to begin are the host's own.
REQUESTS: t.Dict[str, t.Iterable[str]] = {
    "begin": BeginRequest.__annotations__.keys() - {"epoch", "highest_ticket"},
    "end": EndRequest.__annotations__,
    "reserve": ReserveRequest.__annotations__,
    "settle": SettleRequest.__annotations__,
}


class Result(t.NamedTuple):
    """What a call comes to."""

    held: Held  # after the offer
    answer: Answer  # None: there was nothing to ask, or it was refused
    refused: t.Optional[Refused]  # why the offer or the operation was
    changed: bool  # the host has taken an epoch, or noted the end of a ticket


class Call:
    """A host of the fleet. ``lock`` holds the host's lock, or raises ServerError; ``now`` is Unix time in s."""

    def __init__(
        self,
        state_path: str,
        host_name: str,
        *,
        lock: t.Callable[[], t.ContextManager[None]],
        clock: t.Callable[[], HostClock],
        now: t.Callable[[], int],
        check_mode: bool = False,
    ) -> None:
        self._state_path = state_path
        self._host_name = host_name
        self._lock = lock
        self._clock = clock
        self._now = now
        self._check_mode = check_mode
        self._store = SqliteStore(state_path)

    def result(self, operation: str, offer: t.Optional[t.Dict[str, t.Any]], request: Request) -> Result:
        """Take the offer, then do one of OPERATIONS. In check mode nothing is taken or asked, but what there is.

        ServerError (InvalidInput, HostLocked) if offer or request is none, or if others keep the host's lock; Refused (EpochUnreadable) if it can't be told
        what the host holds.
        """
        missing = sorted(key for key in REQUESTS.get(operation, ()) if key not in request)
        if missing:
            raise ServerError("InvalidInput", f"request: to {operation} it needs {', '.join(missing)}")
        state, changed = self._take(offer) if offer is not None and not self._check_mode else (state_file.read(self._state_path), False)
        answer, refused = None, None
        try:
            if operation == "begin" and state.ledger_due and not self._check_mode:
                state = self._with_ledger()
            if operation == "end" and not self._check_mode:
                before, state = state, self._end(request)
                changed = changed or state != before
            answer = self._answer(operation, request, state)
        except Refused as error:
            refused = error
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise ServerError("InvalidInput", f"request: it is none to {operation}: {type(error).__name__}: {error}") from error
        return Result(host_state.held(state, self._clock()), answer, refused, changed)

    def _take(self, given: t.Dict[str, t.Any]) -> t.Tuple[HostState, bool]:
        try:
            offer = read_offer(given)
        except ValueError as error:
            raise ServerError("InvalidInput", f"offer: {error}") from error
        with self._lock():
            before = state_file.read(self._state_path)
            after = host_state.taken(before, offer, self._host_name)
            if after != before:
                state_file.write(self._state_path, after)
        return after, after != before

    def _end(self, request: Request) -> HostState:
        """Under the lock of claims: what is claimed with these tickets is there now, or never."""
        with self._lock():
            before = state_file.read(self._state_path)
            after = host_state.ended(before, read_end(request), self._clock())
            if after != before:
                state_file.write(self._state_path, after)
        return after

    def _with_ledger(self) -> HostState:
        """Found or carry the ledger, once for the epoch that the host has taken: one that is lost later is not made anew."""
        with self._lock():
            state = state_file.read(self._state_path)
            if state.epoch is not None and state.ledger_due:
                operation = _founding(state.epoch, state.highest_ticket) if state.ledger_due == FOUND else _carrying(state.epoch)
                self._store.transact(operation)
                state = state._replace(ledger_due=None)
                state_file.write(self._state_path, state)
        return state

    def _answer(self, operation: str, request: Request, state: HostState) -> Answer:
        epoch = state.epoch
        if epoch is None or not host_state.is_registrar(epoch, self._host_name):
            if operation in ("reserve", "settle"):
                raise _not_here(self._host_name, epoch)
            return None
        if operation == "reservations":
            return self._content()
        if operation in ("show", "end") or self._check_mode:
            return None
        # The edge: what a task gives has no type.
        asked: t.Any = request
        if operation == "begin":
            own = read_begin(request, {"number": epoch["number"], "id": epoch["id"]}, state.highest_ticket)
            return {**self._store.transact(lambda ledger: begin(ledger, own, self._now())), "registrar": self._host_name}
        if operation == "reserve":
            return self._store.transact(lambda ledger: reserve(ledger, asked, self._now()))
        return self._store.transact(lambda ledger: settle(ledger, asked, self._now()))

    def _content(self) -> t.Optional[LedgerContent]:
        content = self._store.content()
        if content is None:
            return None
        ledger = expire(content, self._now())
        return {
            "epoch": ledger.epoch,
            "sequence": ledger.sequence,
            "outrun": ledger.outrun,
            "tickets": list(ledger.tickets.values()),
            "reservations": list(ledger.reservations.values()),
        }


def _founding(epoch: Epoch, highest_ticket: int) -> Operation[None]:
    return lambda ledger: (found(ledger, {"number": epoch["number"], "id": epoch["id"]}, highest_ticket), None)


def _carrying(epoch: Epoch) -> Operation[None]:
    return lambda ledger: (carried(ledger, epoch), None)


def _not_here(host_name: str, epoch: t.Optional[Epoch]) -> Refused:
    if epoch is None:
        return Refused("EpochMissing", f"host {host_name} holds no epoch, so that it is no registrar: run again")
    where = {"sqlite": f"on host {epoch['registrar']}", "postgresql": "in PostgreSQL"}.get(epoch["store"], "no more")
    return Refused("EpochOver", f"host {host_name} is not the registrar: by epoch {epoch['number']}, which it holds, that is {where}: run again")
