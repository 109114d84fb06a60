# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How a run begins, and how its ticket lasts; pure."""

from __future__ import annotations

import typing as t

from ansible_collections.kvmfleet.compute.plugins.module_utils.registrar.ledger import Ledger, compact, counts, current, expire, open_ticket, renewed
from ansible_collections.kvmfleet.compute.plugins.module_utils.shapes import BeginAnswer, BeginRequest, RenewRequest, Ticket


def begin(ledger: t.Optional[Ledger], request: BeginRequest, now: int) -> t.Tuple[Ledger, BeginAnswer]:
    """Draw a ticket, before facts are read; ``now`` is Unix time in s. Refused if the ledger can't be trusted or the run's epoch is over."""
    ledger = expire(current(ledger, request["epoch"], request["highest_ticket"]), now)
    number = ledger.sequence + 1
    ticket: Ticket = {
        "ticket": number,
        "run": request["run"],
        "lasts_s": request["lasts_s"],
        "deadline": now + request["lasts_s"],
        "process": request["process"],
    }
    ledger = compact(ledger._replace(sequence=number, tickets={**ledger.tickets, number: ticket}))
    holding = sorted({drawn for drawn, _server in ledger.reservations if drawn in ledger.tickets})
    return ledger, {
        "ticket": ticket,
        # Whoever may still reserve has an open ticket, or draws a later one.
        "oldest": min([*ledger.tickets, *(drawn for drawn, _server in ledger.reservations)]),
        "reservations": [held for held in ledger.reservations.values() if counts(held, number, set())],
        "tickets": [ledger.tickets[drawn] for drawn in holding],
    }


def renew(ledger: t.Optional[Ledger], request: RenewRequest, now: int) -> t.Tuple[Ledger, Ticket]:
    """Let an open ticket last from now; Refused if it is over. The reservations' deadlines stay: ``reserve`` makes new ones."""
    ledger = expire(current(ledger, request["epoch"], request["ticket"]), now)
    ledger, ticket = renewed(ledger, open_ticket(ledger, request["ticket"]), now)
    return compact(ledger), ticket
