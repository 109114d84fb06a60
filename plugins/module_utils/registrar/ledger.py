# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The registrar's ledger: short-lived reservations in one order with the tickets of runs; pure.

Libvirt is the record of what exists. The ledger holds what a run's facts may not show yet:

1. A run draws a ticket and then reads facts. What ended before its ticket its facts show; what is in force, or ended after the ticket, they may not.
2. A reservation is in force until it is settled, or until its host takes no claim of it any more: when its deadline and the greatest difference of two clocks
   are past, or when the host was told that its run was killed.
3. Whoever settles says what is there. A deadline doesn't: a reservation that ended by it counts on for runs that have not read its host's facts, until one
   with a younger ticket has. What else there is on hosts that a run has not read is not the ledger's to know.
4. What has ended goes when no open ticket is older than its end. Tickets end by deadline, so nothing stays for ever but what waits for its host; a host that
   never comes back goes with the epoch that gives it up.
5. Time only ends tickets and reservations; the order of everything is that of one sequence of numbers.
"""

from __future__ import annotations

import typing as t

from ansible_collections.kvmfleet.compute.plugins.module_utils.registrar.refusal import Refused
from ansible_collections.kvmfleet.compute.plugins.module_utils.shapes import Epoch, EpochId, Reservation, Ticket

REBUILD = "nothing is granted until the registrar is rebuilt from the hosts"


class Ledger(t.NamedTuple):
    """The whole state; never changed in place."""

    epoch: EpochId  # the epoch that it was founded for
    sequence: int  # the last number that was given to a ticket or an end
    outrun: bool  # hosts have recorded tickets that it has not drawn: it was restored from a backup
    tickets: t.Dict[int, Ticket]  # the open ones, by number
    reservations: t.Dict[t.Tuple[int, str], Reservation]  # by ticket and server


def found(ledger: t.Optional[Ledger], epoch: EpochId, highest_ticket: int) -> Ledger:
    """The ledger of a new registrar, or a rebuilt one, with nothing in it; the one that is there if it is of this epoch already.

    Every ticket and reservation of an earlier epoch is void: the caller sees to it that its claims are fenced. ``highest_ticket`` is the highest one that
    a host has recorded. Refused (EpochOver, EpochForeign) if the ledger is of a later epoch, or of another with the same number.
    """
    if ledger is None or ledger.epoch["number"] < epoch["number"]:
        return Ledger(epoch, max(highest_ticket, ledger.sequence if ledger else 0), False, {}, {})
    return current(ledger, epoch, highest_ticket)


def carried(ledger: t.Optional[Ledger], epoch: Epoch) -> Ledger:
    """The ledger in a later epoch of the same registrar, as when a host joins or goes: what is in force stays so, because hosts may not hold that epoch yet.

    Tickets end: their runs are of the earlier epoch. What is held on hosts that are no longer the fleet's is given up. Refused as by ``current`` if the ledger
    is lost, or of a later epoch, or of another with the same number.
    """
    if ledger is None or ledger.epoch["number"] >= epoch["number"]:
        return current(ledger, epoch, 0)
    reservations = {key: held for key, held in ledger.reservations.items() if held["host"] in epoch["hosts"]}
    return compact(ledger._replace(epoch={"number": epoch["number"], "id": epoch["id"]}, tickets={}, reservations=reservations))


def current(ledger: t.Optional[Ledger], epoch: EpochId, highest_ticket: int) -> Ledger:
    """The ledger, if it is that of the caller's epoch and has drawn every ticket that hosts have recorded; Refused if not.

    Once hosts have proved that it lost tickets it stays refused, even when its sequence has come as far again.
    """
    if ledger is None:
        raise Refused("LedgerLost", f"the registrar has no ledger, and the fleet is at epoch {epoch['number']}: {REBUILD}")
    ours, theirs = ledger.epoch["number"], epoch["number"]
    if ours < theirs:
        raise Refused("LedgerStale", f"the registrar's ledger is of epoch {ours}, and the fleet is at epoch {theirs}: {REBUILD}")
    if ours > theirs:
        raise Refused("EpochOver", f"this run is of epoch {theirs}, and the registrar is at epoch {ours}: run again")
    if ledger.epoch["id"] != epoch["id"]:
        raise Refused(
            "EpochForeign", f"the registrar's epoch {ours} is {ledger.epoch['id']}, and this run's is {epoch['id']}: it is the registrar of another fleet"
        )
    if ledger.outrun or highest_ticket > ledger.sequence:
        outrun = ledger._replace(outrun=True)
        raise Refused("LedgerStale", f"hosts have recorded tickets that the registrar's ledger has not drawn, as after a restored backup: {REBUILD}", outrun)
    return ledger


def open_ticket(ledger: Ledger, number: int) -> Ticket:
    """An open ticket; Refused (TicketOver) if it has ended."""
    ticket = ledger.tickets.get(number)
    if ticket is None:
        raise Refused("TicketOver", f"ticket {number} is past its deadline, and the facts of its run are too old to grant anything by: run again")
    return ticket


def renewed(ledger: Ledger, ticket: Ticket, now: int) -> t.Tuple[Ledger, Ticket]:
    """The ticket lasts from now on, and no shorter than it did."""
    longer: Ticket = {**ticket, "deadline": max(ticket["deadline"], now + ticket["lasts_s"])}
    return ledger._replace(tickets={**ledger.tickets, ticket["ticket"]: longer}), longer


def expire(ledger: Ledger, now: int) -> Ledger:
    """End the tickets and reservations that are past their time; ``now`` is Unix time in s. Comes before anything else of a call."""
    tickets = {number: ticket for number, ticket in ledger.tickets.items() if ticket["deadline"] >= now}
    over = [key for key, held in ledger.reservations.items() if held["released_at"] is None and held["expires"] < now]
    return _ended(ledger._replace(tickets=tickets), over)


def end(ledger: Ledger, ended: t.Mapping[str, t.Collection[int]]) -> Ledger:
    """End what is reserved on hosts that take no claim of its ticket any more: as by a deadline, nobody says yet what became of it."""
    over = [key for key, held in ledger.reservations.items() if held["released_at"] is None and is_ended(held, ended)]
    return _ended(ledger, over)


def is_ended(held: Reservation, ended: t.Mapping[str, t.Collection[int]]) -> bool:
    """True if a host whose facts say that it takes no claim of these tickets any more has shown what became of a reservation; ``ended``: tickets by host."""
    return held["ticket"] in ended.get(held["host"], ())


def _ended(ledger: Ledger, over: t.List[t.Tuple[int, str]]) -> Ledger:
    if not over:
        return ledger
    number = ledger.sequence + 1
    reservations = dict(ledger.reservations)
    for key in over:
        reservations[key] = {**reservations[key], "released_at": number}
    return ledger._replace(sequence=number, reservations=reservations)


def see(ledger: Ledger, ticket: int, hosts: t.Set[str]) -> Ledger:
    """The run of a ticket has read these hosts' facts: they show what became of reservations that had ended by their deadline before."""
    waiting = [
        key for key, held in ledger.reservations.items() if held["known_at"] is None and held["host"] in hosts and not _is_after(held["released_at"], ticket)
    ]
    if not waiting:
        return ledger
    now_known = ledger.sequence + 1
    reservations = dict(ledger.reservations)
    for key in waiting:
        reservations[key] = {**reservations[key], "known_at": now_known}
    return ledger._replace(sequence=now_known, reservations=reservations)


def compact(ledger: Ledger) -> Ledger:
    """Without what no open ticket, and none that will be drawn, can need."""
    oldest = min(ledger.tickets, default=ledger.sequence)
    return ledger._replace(reservations={key: held for key, held in ledger.reservations.items() if counts(held, oldest, set())})


def counts(held: Reservation, ticket: int, hosts: t.Collection[str]) -> bool:
    """True if the run of a ticket, which has read these hosts' facts, has to count a reservation beside its facts."""
    return _is_after(held["released_at"], ticket) or (held["host"] not in hosts and _is_after(held["known_at"], ticket))


def _is_after(number: t.Optional[int], ticket: int) -> bool:
    return number is None or number > ticket
