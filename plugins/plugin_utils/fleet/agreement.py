# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which epoch a run works with, by what the hosts have answered when it began, or what they are to take first; pure."""

from __future__ import annotations

import typing as t
from collections.abc import Collection, Iterable

from ansible_collections.kvmfleet.compute.plugins.module_utils.registrar import epoch as epochs
from ansible_collections.kvmfleet.compute.plugins.module_utils.registrar.epoch import NONE, POSTGRESQL, SQLITE, Step
from ansible_collections.kvmfleet.compute.plugins.module_utils.registrar.refusal import Refused
from ansible_collections.kvmfleet.compute.plugins.module_utils.shapes import BeginAnswer, Epoch
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.fleet.begun import Begun, Refusal
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.lines import named
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.shapes import Agreement

PLAYBOOK = "ansible-playbook kvmfleet.compute.registrar -e registrar_operation="
MOST_NAMED = 5
MOST_ROUNDS = 10
# What a rebuilt ledger puts right.
REBUILT = ("LedgerLost", "LedgerStale", "LedgerUnreadable")


class Inventory(t.NamedTuple):
    """What a run is given."""

    hosts: list[str]  # of the play, in the inventory's order, whether they answer or not
    store: str  # sqlite or postgresql: where a new fleet has its ledger


class Drawn(t.TypedDict):
    """What PostgreSQL has answered: a ticket, a refusal, or none of both if the hosts have to go on first."""

    ticket: BeginAnswer | None
    refused: Refusal | None


def names(hosts: Iterable[str]) -> str:
    """The first of them."""
    return named(sorted(hosts), MOST_NAMED)


def given_up(hosts: Iterable[str]) -> str:
    """The option of the playbook that names hosts to give up."""
    return f"""-e '{{"registrar_give_up": [{", ".join(f'"{host}"' for host in sorted(hosts))}]}}'"""


def step(begun: Begun, inventory: Inventory, new_id: str) -> Step:
    """The epoch that the hosts agree on, or the next step to it.

    Refused (EpochForeign, EpochIncomplete, FleetIncomplete, RegistrarElsewhere) if there is none for this inventory.
    """
    try:
        found = epochs.next_step(begun.epochs, inventory.hosts, new_id, inventory.store)
    except Refused as refused:
        latest = max((epoch for epoch in begun.epochs.values() if epoch), key=lambda epoch: epoch["number"], default=None)
        if latest:
            _require_whole(latest, inventory.hosts)
        if refused.error_class == "EpochIncomplete" and begun.lost:
            said = "; ".join(f"host {host}: {why}" for host, why in sorted(begun.lost.items())[:MOST_NAMED])
            raise Refused(refused.error_class, f"{refused} ({said}); {give_up_sentence('move', begun.lost)}") from None
        raise
    _require_whole(found.epoch, inventory.hosts)
    if found.epoch["store"] != inventory.store:
        where = {SQLITE: f"on host {found.epoch['registrar']}", POSTGRESQL: "in PostgreSQL", NONE: "nowhere"}
        told = "set" if inventory.store == POSTGRESQL else "not set"
        raise Refused(
            "RegistrarElsewhere",
            f"the fleet's ledger is {where[found.epoch['store']]} by epoch {found.epoch['number']}, and compute_registrar_dsn is {told}: "
            f"{'take it out' if inventory.store == POSTGRESQL else 'set it'}, or move the ledger by {PLAYBOOK}move",
        )
    return found


def agree(begun: Begun, inventory: Inventory, new_id: str, drawn: Drawn | None = None) -> Agreement:
    """What the answers come to; ``drawn``: of PostgreSQL, if it has the ledger.

    Refused as by ``step``, and as by ``of_step``.
    """
    return of_step(begun, step(begun, inventory, new_id), drawn)


def of_step(begun: Begun, found: Step, drawn: Drawn | None) -> Agreement:
    """The step with the ticket of its epoch, if that is in force.

    Refused (RegistrarUnreachable, EpochOver, or as the registrar says) if the registrar gave no ticket.
    """
    epoch = found.epoch
    ticket: BeginAnswer | None = None
    if drawn and drawn["refused"]:
        raise _refused("PostgreSQL", drawn["refused"], begun, epoch)
    if found.is_in_force and epoch["store"] == POSTGRESQL:
        ticket = drawn["ticket"] if drawn else None
    elif found.is_in_force and epoch["store"] == SQLITE and epoch["registrar"] not in found.offers:
        ticket = _ticket(begun, epoch)
    return {
        "epoch": epoch,
        "is_in_force": found.is_in_force,
        "offers": found.offers,
        "ticket": ticket["ticket"] if ticket else None,
        "reservations": ticket["reservations"] if ticket else [],
        "holders": ticket["tickets"] if ticket else [],
        "dead": {},
        "highest_ticket": highest_ticket(begun, epoch),
        "highest_host": highest_host(begun, epoch),
        "clocks": begun.clocks,
    }


def highest_ticket(begun: Begun, epoch: Epoch) -> int:
    """The highest one that a host of an epoch has recorded: of an earlier epoch's ledger a host's ticket says nothing, nor one of a host that is not its."""
    return max(_recorded(begun, epoch).values(), default=0)


def highest_host(begun: Begun, epoch: Epoch) -> str | None:
    """The host that says so; None if none has recorded a ticket."""
    recorded = _recorded(begun, epoch)
    return max(recorded, key=lambda host: (recorded[host], host), default=None)


def _recorded(begun: Begun, epoch: Epoch) -> dict[str, int]:
    ours = {host: held["highest_ticket"] for host, held in begun.held.items() if held["epoch"] and held["epoch"]["id"] == epoch["id"]}
    return {host: number for host, number in ours.items() if number and host in epoch["hosts"]}


def witness(host: str, ticket: int) -> str:
    """Which host it is that makes a ledger count as stale, and what to do if it should not be believed."""
    return f"the highest is ticket {ticket} of host {host}; if that can't be, give the host up by {PLAYBOOK}rebuild {given_up([host])}"


def to_found(begun: Begun) -> Epoch | None:
    """The epoch whose ledger in PostgreSQL nobody may have founded yet: the latest one, if it is of a new ledger and all its hosts hold it."""
    latest = max((epoch for epoch in begun.epochs.values() if epoch), key=lambda epoch: epoch["number"], default=None)
    is_new = latest and latest["store"] == POSTGRESQL and not latest["is_carried"]
    return latest if latest and is_new and epochs.is_held_by_all(latest, begun.epochs) else None


def rounds_left(agreement: Agreement, before: int) -> int:
    """The number of this round; Refused (EpochIncomplete) if it is one too many."""
    if agreement["offers"] and before >= MOST_ROUNDS:
        raise Refused(
            "EpochIncomplete",
            f"host {names(agreement['offers'])} did not come to hold epoch {agreement['epoch']['number']} in {before} rounds: run again",
        )
    return before + 1


def out_of_step(begun: Begun, agreement: Agreement) -> dict[str, str]:
    """By host that can take no claim of this run, why: it gave no answer that counts, or holds an epoch that it will not give up."""
    ours = agreement["epoch"]
    found = {host: f"it gave no answer that counts when the run began: {why}" for host, why in begun.lost.items()}
    for host, epoch in begun.epochs.items():
        if host not in agreement["offers"] and (epoch is None or epoch["id"] != ours["id"]):
            held = f"epoch {epoch['number']}" if epoch else "no epoch"
            found[host] = f"it holds {held}, and the fleet is at epoch {ours['number']}; a move that was cut off is finished by {PLAYBOOK}move"
    return found


def check_size(declared: object, hosts: Collection[str]) -> str:
    """What is wrong with a play of these hosts by ``compute_fleet_size``, a number of hosts or a list of them; empty if nothing is."""
    why = "what must be unique or counted over the fleet can't be told from a part of it"
    if declared is None:
        return ""
    if isinstance(declared, list):
        missing, others = set(map(str, declared)).difference(hosts), set(hosts).difference(map(str, declared))
        wrong = [f"lacks {names(missing)}"] if missing else []
        wrong += [f"has {names(others)} beside them"] if others else []
        return f"compute_fleet_size names {len(declared)} hosts, and this play {' and '.join(wrong)}: {why}" if wrong else ""
    text = str(declared)
    if isinstance(declared, bool) or not text.isascii() or not text.isdigit() or int(text) < 1:
        return f"compute_fleet_size: {text[: MOST_NAMED * 10]} must be a number of hosts, or a list of their names"
    if int(text) != len(hosts):
        return f"compute_fleet_size says that the fleet has {int(text)} hosts, and this play has {len(hosts)}: {why}"
    return ""


def _require_whole(epoch: Epoch, hosts: list[str]) -> None:
    left_out = set(epoch["hosts"]).difference(hosts)
    if left_out:
        raise Refused("FleetIncomplete", left_out_sentence(epoch, left_out))


def left_out_sentence(epoch: Epoch, hosts: Iterable[str]) -> str:
    """What is wrong with a play without these hosts, and what to do."""
    return (
        f"the play leaves out {names(hosts)} of the fleet's hosts by epoch {epoch['number']}: run it over all of them (compute_hosts, the inventory); "
        f"{give_up_sentence('move', hosts)}"
    )


def give_up_sentence(operation: str, hosts: Iterable[str]) -> str:
    """How hosts are given up."""
    return f"hosts that are gone for good are given up by {PLAYBOOK}{operation} {given_up(hosts)}"


def _ticket(begun: Begun, epoch: Epoch) -> BeginAnswer:
    """What the registrar's host has answered in an epoch that is in force."""
    registrar = epoch["registrar"]
    if registrar in begun.lost:
        raise Refused(
            "RegistrarUnreachable",
            f"host {registrar}, the registrar by epoch {epoch['number']}, gave no answer that counts ({begun.lost[registrar]}): nothing is granted without it; "
            f"if it is gone for good, move the registrar by {PLAYBOOK}move -e registrar_host=<another host> {given_up([registrar])}",
        )
    if registrar in begun.refused:
        raise _refused(f"host {registrar}", begun.refused[registrar], begun, epoch)
    held = begun.epochs.get(registrar)
    if registrar not in begun.tickets or not held or held["id"] != epoch["id"]:
        raise Refused(
            "EpochOver",
            f"the registrar {registrar} is not at epoch {epoch['number']}, which the fleet is at: it has just moved, or a move was cut off; run again",
        )
    return begun.tickets[registrar]


def _refused(where: str, refusal: Refusal, begun: Begun, epoch: Epoch) -> Refused:
    remedy = f"; {PLAYBOOK}rebuild" if refusal["error_class"] in REBUILT else ""
    host = highest_host(begun, epoch)
    if refusal["error_class"] == "LedgerStale" and host:
        remedy += f"; {witness(host, highest_ticket(begun, epoch))}"
    return Refused(refusal["error_class"], f"the registrar ({where}) grants nothing: {refusal['message']}{remedy}")
