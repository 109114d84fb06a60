# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The ledger as rows of a database's tables, whichever database it is; pure."""

from __future__ import annotations

import json
import typing as t

from ansible_collections.kvmfleet.compute.plugins.module_utils.registrar.ledger import Ledger
from ansible_collections.kvmfleet.compute.plugins.module_utils.shapes import Reservation, Ticket

VERSION = 1  # of the tables and of what stands in them

LedgerRow = t.Tuple[int, str, int, int]  # number and id of the epoch, sequence, outrun
TicketRow = t.Tuple[int, str]  # ticket, content
ReservationRow = t.Tuple[int, str, str]  # ticket, server, content


class Changes(t.NamedTuple):
    """What an operation does to the rows."""

    ledger: LedgerRow
    tickets_gone: t.List[t.Tuple[int]]
    tickets: t.List[TicketRow]  # new or other ones
    reservations_gone: t.List[t.Tuple[int, str]]
    reservations: t.List[ReservationRow]  # new or other ones


def ledger_of(row: LedgerRow, tickets: t.Iterable[TicketRow], reservations: t.Iterable[ReservationRow]) -> Ledger:
    """The ledger that stands in the rows; ValueError if something else does."""
    epoch, epoch_id, sequence, outrun = row
    open_tickets: t.Dict[int, Ticket] = {}
    for number, content in tickets:
        ticket: Ticket = _read(content, Ticket.__annotations__.keys() - {"process"}, f"ticket {number}")
        # A ticket of an earlier release has no process.
        open_tickets[number] = {**ticket, "process": ticket.get("process")}
    held: t.Dict[t.Tuple[int, str], Reservation] = {}
    for number, server, content in reservations:
        held[(number, server)] = _read(content, Reservation.__annotations__, f"the reservation of ticket {number} for server {server}")
    return Ledger({"number": epoch, "id": epoch_id}, sequence, bool(outrun), open_tickets, held)


def _read(content: str, keys: t.Iterable[str], what: str) -> t.Any:
    try:
        fields: object = json.loads(content)
    except ValueError as error:
        raise ValueError(f"{what} is no JSON: {error}") from error
    missing = sorted(key for key in keys if key not in fields) if isinstance(fields, dict) else ["everything"]
    if missing:
        raise ValueError(f"{what} lacks {', '.join(missing)}")
    return fields


def changes(before: t.Optional[Ledger], after: Ledger) -> Changes:
    """What is different; a ticket or reservation that was not touched is the same object."""
    tickets, held = (before.tickets, before.reservations) if before else ({}, {})
    return Changes(
        (after.epoch["number"], after.epoch["id"], after.sequence, int(after.outrun)),
        [(number,) for number in tickets if number not in after.tickets],
        [(number, json.dumps(ticket)) for number, ticket in after.tickets.items() if ticket is not tickets.get(number)],
        [key for key in held if key not in after.reservations],
        [(*key, json.dumps(reservation)) for key, reservation in after.reservations.items() if reservation is not held.get(key)],
    )
