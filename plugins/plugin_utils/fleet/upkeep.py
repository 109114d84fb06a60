# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The registrar's upkeep: to move it, to rebuild it from the hosts, to take it off, each by an epoch with a new ledger; pure."""

from __future__ import annotations

import typing as t

from ansible_collections.kvmfleet.compute.plugins.module_utils.registrar import epoch as epochs
from ansible_collections.kvmfleet.compute.plugins.module_utils.registrar.epoch import NONE, POSTGRESQL, SQLITE, Step
from ansible_collections.kvmfleet.compute.plugins.module_utils.registrar.refusal import Refused
from ansible_collections.kvmfleet.compute.plugins.module_utils.shapes import Epoch
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.fleet.agreement import give_up_sentence, names
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.fleet.begun import Begun
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.shapes import Agreement

MOVE, REBUILD, OFF = "move", "rebuild", "off"
UPKEEP = (MOVE, REBUILD, OFF)


class Wish(t.NamedTuple):
    """What the user wants."""

    operation: str  # of UPKEEP
    hosts: list[str]  # of the play, in the inventory's order, whether they answer or not
    registrar: str | None  # of move: the host that gets the ledger
    is_postgresql: bool  # the ledger is to be in PostgreSQL, unless a host is named
    given_up: list[str]  # hosts that leave the fleet


class Nothing(Exception):
    """Nothing is to be done; the message says why."""


def begin(begun: Begun, wish: Wish) -> Step:
    """The first step; Nothing if all is as wanted; Refused (EpochForeign, EpochIncomplete, BadRegistrar) if it can't be done."""
    seen = begun.epochs
    now = latest(begun)
    if now is None:
        if wish.operation == OFF and not begun.lost:
            raise Nothing("no host holds an epoch: there is no registrar to take off")
        raise Refused("EpochIncomplete", "the hosts that answer are of no fleet yet: a run of create_server over all its hosts enrols it")
    known = {*wish.hosts, *now["hosts"]}
    strange = sorted(set(wish.given_up) - known)
    if strange:
        raise Refused("BadRegistrar", f"registrar_give_up names {names(strange)}: the fleet has {names(known)}")
    stays = [host for host in wish.hosts if host in seen and host not in wish.given_up]
    store, registrar = _place(wish, now, stays)
    if epochs.is_in_force(now, seen) and not wish.given_up and (now["store"], now["registrar"]) == (store, registrar):
        if wish.operation == OFF:
            raise Nothing("the registrar is taken off already")
        if wish.operation == MOVE:
            raise Nothing(f"the ledger is {where(now)} already; registrar_operation=rebuild makes a new one there")
    try:
        return epochs.new_ledger(seen, stays, registrar, store, wish.given_up)
    except Refused as refused:
        waits = set(now["hosts"]) - set(seen) - set(wish.given_up)
        if refused.error_class == "EpochIncomplete" and waits:
            said = "; ".join(f"host {host}: {begun.lost.get(host, 'it is not in this play')}" for host in sorted(waits))
            raise Refused(refused.error_class, f"{refused} ({said}); {give_up_sentence(wish.operation, waits)}") from None
        raise


def go_on(begun: Begun, wish: Wish, goal: Epoch) -> Step:
    """What is next on the way to the epoch of the first step; in force and without offers: nothing.

    Refused (EpochForeign, EpochIncomplete, EpochOver) if another run came in between.
    """
    seen = begun.epochs
    try:
        step = epochs.finish(goal, seen)
        if not step.is_in_force:
            return step
    except Refused as refused:
        # Another run may have finished it and gone on.
        if refused.error_class != "EpochOver":
            raise
    step = epochs.next_step(seen, [host for host in wish.hosts if host not in wish.given_up], goal["id"], goal["store"])
    if (step.epoch["store"], step.epoch["registrar"]) != (goal["store"], goal["registrar"]) or step.epoch["number"] < goal["number"]:
        raise Refused(
            "EpochOver", f"another run came in between, and by epoch {step.epoch['number']} the ledger is {where(step.epoch)}: run again if it is to be moved"
        )
    return step


def latest(begun: Begun) -> Epoch | None:
    """The latest epoch in force, else the latest that a host holds; None if none does."""
    held = sorted((epoch for epoch in begun.epochs.values() if epoch), key=lambda epoch: epoch["number"])
    in_force = [epoch for epoch in held if epochs.is_in_force(epoch, begun.epochs)]
    found = in_force or held
    return found[-1] if found else None


def where(epoch: Epoch) -> str:
    """Where the ledger is."""
    return {SQLITE: f"on host {epoch['registrar']}", POSTGRESQL: "in PostgreSQL"}.get(epoch["store"], "nowhere: the registrar is taken off")


def _place(wish: Wish, now: Epoch, stays: list[str]) -> tuple[str, str]:
    """(store, registrar) as wanted; Refused (BadRegistrar) if it can't be there."""
    if wish.operation == OFF:
        return NONE, ""
    if wish.operation == REBUILD:
        if now["store"] == NONE:
            raise Refused("BadRegistrar", "the registrar is taken off: the next run of create_server takes one on again")
        if now["store"] == POSTGRESQL and not wish.is_postgresql:
            raise Refused("BadRegistrar", "the ledger is in PostgreSQL: set compute_registrar_dsn")
        if now["store"] == SQLITE and now["registrar"] not in stays:
            raise Refused("BadRegistrar", f"the ledger is on host {now['registrar']}, which does not answer or is given up: move the registrar")
        return now["store"], now["registrar"]
    if wish.registrar is None and wish.is_postgresql:
        return POSTGRESQL, ""
    wanted = wish.registrar or (now["registrar"] if now["registrar"] in stays else stays[0] if stays else "")
    if wanted not in stays:
        raise Refused(
            "BadRegistrar", f"registrar_host: host {wanted or 'none'} can't have the ledger, as it is not in this play, does not answer or is given up"
        )
    return SQLITE, wanted


def told(found: Agreement, goal: Epoch | None) -> str:
    """What comes next, or what has come of it, in a sentence."""
    epoch = found["epoch"]
    size = f"{len(epoch['hosts'])} host{'s' if len(epoch['hosts']) > 1 else ''}"
    there = where(epoch) + (", new and empty" if goal and epoch["store"] != NONE else "")
    if found["offers"]:
        return f"epoch {epoch['number']} is for {size}, and by it the ledger is {there}; next it is offered to {names(found['offers'])}"
    return f"epoch {epoch['number']} is in force on {size}: the ledger is {there}"
