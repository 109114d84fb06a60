# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who is the registrar, what each host holds, and what is wrong with that; pure."""

from __future__ import annotations

import typing as t
from collections.abc import Iterator

from ansible_collections.kvmfleet.compute.plugins.module_utils.registrar import epoch as epochs
from ansible_collections.kvmfleet.compute.plugins.module_utils.registrar.epoch import NONE, SQLITE
from ansible_collections.kvmfleet.compute.plugins.module_utils.shapes import Epoch, LedgerContent
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.fleet.agreement import REBUILT, highest_host, highest_ticket, left_out_sentence, names, witness
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.fleet.begun import Begun, Refusal
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.fleet.upkeep import latest, where


class Read(t.NamedTuple):
    """The ledger, as far as it was read."""

    content: LedgerContent | None
    refused: Refusal | None


class Review(t.NamedTuple):
    """Lines of text."""

    table: list[str]
    wrong: list[str]


def review(begun: Begun, hosts: list[str], ledger: Read) -> Review:
    """Of the hosts of the play."""
    epoch = latest(begun)
    return Review([_head(begun, epoch, ledger), *_lines(begun, hosts)], list(_wrong(begun, epoch, hosts, ledger)))


def cut(begun: Begun, hosts: list[str]) -> str:
    """What a play of these hosts leaves out of the fleet, and what to do, in a sentence; empty if that is nothing."""
    epoch = latest(begun)
    left_out = set(epoch["hosts"]).difference(hosts) if epoch else set[str]()
    return left_out_sentence(epoch, left_out) if epoch and left_out else ""


def _head(begun: Begun, epoch: Epoch | None, ledger: Read) -> str:
    if epoch is None:
        return "No host that answers holds an epoch: the first run of create_server makes the first host of the inventory the registrar."
    state = "in force" if epochs.is_in_force(epoch, begun.epochs) else "not in force"
    text = f"Epoch {epoch['number']} is {state}, by which the ledger is {where(epoch)}"
    content = ledger.content
    if content:
        open_ones = sum(1 for held in content["reservations"] if held["released_at"] is None)
        text += f"; {len(content['tickets'])} tickets are open, and {open_ones} reservations in force"
    return f"{text}."


def _lines(begun: Begun, hosts: list[str]) -> Iterator[str]:
    width = max(map(len, [*hosts, "HOST"]))
    yield f"{'HOST'.ljust(width)}  EPOCH  REGISTRAR  HIGHEST TICKET"
    for host in hosts:
        held = begun.held.get(host)
        epoch = held["epoch"] if held else None
        number, registrar = (str(epoch["number"]), epoch["registrar"] or epoch["store"]) if epoch else ("-", "-")
        yield f"{host.ljust(width)}  {number.ljust(5)}  {registrar.ljust(9)}  {held['highest_ticket'] if held else 'no answer'}"


def _wrong(begun: Begun, epoch: Epoch | None, hosts: list[str], ledger: Read) -> Iterator[str]:
    for host, why in begun.lost.items():
        yield f"host {host} gave no answer that counts: {why}"
    if epoch is None:
        yield "the fleet is not enrolled"
        return
    left_out = set(epoch["hosts"]).difference(hosts)
    if left_out:
        yield f"this play leaves out {names(left_out)} of the fleet's hosts"
    if not epochs.is_in_force(epoch, begun.epochs):
        yield f"epoch {epoch['number']} is not in force: too few hosts hold it"
    for host, held in begun.epochs.items():
        if held is None:
            yield f"host {host} holds no epoch: it joins by the next run of create_server"
        elif held["id"] != epoch["id"]:
            yield f"host {host} holds epoch {held['number']}, by which the ledger is {where(held)}"
    yield from _wrong_ledger(begun, epoch, ledger)


def _wrong_ledger(begun: Begun, epoch: Epoch, ledger: Read) -> Iterator[str]:
    if epoch["store"] == NONE:
        return
    if ledger.refused:
        remedy = "; registrar_operation=rebuild makes a new one" if ledger.refused["error_class"] in REBUILT else ""
        yield f"the ledger {where(epoch)} can't be read: {ledger.refused['message']}{remedy}"
        return
    content = ledger.content
    if content is None:
        if epoch["store"] == SQLITE and epoch["registrar"] not in begun.held:
            return
        yield f"there is no ledger {where(epoch)}: registrar_operation=rebuild makes a new one"
        return
    if content["epoch"] != {"number": epoch["number"], "id": epoch["id"]}:
        yield f"the ledger {where(epoch)} is of epoch {content['epoch']['number']}, and the fleet is at epoch {epoch['number']}"
    if content["outrun"] or content["sequence"] < highest_ticket(begun, epoch):
        host, ticket = highest_host(begun, epoch), highest_ticket(begun, epoch)
        more = f"; {witness(host, ticket)}" if host and content["sequence"] < ticket else ""
        why = "has not drawn tickets that hosts have recorded, as after a restored backup"
        yield f"the ledger {where(epoch)} {why}: registrar_operation=rebuild renews it{more}"
