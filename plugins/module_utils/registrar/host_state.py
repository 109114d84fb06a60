# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a host keeps of the registrar, and how it changes; pure."""

from __future__ import annotations

import typing as t

from ansible_collections.kvmfleet.compute.plugins.module_utils.registrar.epoch import accepted
from ansible_collections.kvmfleet.compute.plugins.module_utils.registrar.refusal import Refused
from ansible_collections.kvmfleet.compute.plugins.module_utils.shapes import EndedTicket, EndRequest, Epoch, EpochOffer, Held, HostClock

FOUND, CARRY = "found", "carry"  # what a registrar's host has to do with its ledger before it may begin in the epoch that it has taken


class HostState(t.NamedTuple):
    """What is in the host's file."""

    epoch: t.Optional[Epoch]  # None: it was never given one
    highest_ticket: int  # the highest one of the epoch's ledger of which it has taken a claim; 0: none
    ledger_due: t.Optional[str]  # FOUND or CARRY; None: nothing, or it is not the registrar
    ended: t.Tuple[EndedTicket, ...] = ()  # of the epoch: a later one refuses their claims itself


NOTHING = HostState(None, 0, None)


def taken(state: HostState, offer: EpochOffer, host_name: str) -> HostState:
    """After an offer: as it was, if the host doesn't take it. ``host_name``: its own in the inventory.

    A ledger that was to be founded, and that nobody has begun with, is founded for the epoch that carries it.
    """
    epoch = accepted(state.epoch, offer)
    if epoch is None or epoch == state.epoch:
        return state
    due = None
    if is_registrar(epoch, host_name):
        due = CARRY if epoch["is_carried"] and state.ledger_due != FOUND else FOUND
    # A host that was away may have missed an epoch with a new ledger: a ticket of the old one says nothing of that.
    is_next = state.epoch is not None and epoch["is_carried"] and epoch["number"] == state.epoch["number"] + 1
    return HostState(epoch, state.highest_ticket if is_next else 0, due)


def ended(state: HostState, request: EndRequest, clock: HostClock) -> HostState:
    """After the end of tickets, which is for as long as a claim of them could be in time; Refused (EpochOver) in another epoch, which fences them itself."""
    epoch, shown = state.epoch, request["epoch"]
    if epoch is None or epoch["id"] != shown["id"]:
        raise Refused("EpochOver", f"the host does not hold epoch {shown['number']}, of which the tickets are: run again")
    until: t.Dict[int, EndedTicket] = {one["ticket"]: one for one in state.ended if _is_still(one, clock)}
    for one in request["tickets"]:
        seconds = clock["seconds"] + one["left_s"]
        if one["ticket"] not in until or until[one["ticket"]]["until"]["seconds"] < seconds:
            until[one["ticket"]] = {"ticket": one["ticket"], "until": {"boot_id": clock["boot_id"], "seconds": seconds}}
    return state._replace(ended=tuple(until[number] for number in sorted(until)))


def _is_still(one: EndedTicket, clock: HostClock) -> bool:
    return one["until"]["boot_id"] == clock["boot_id"] and one["until"]["seconds"] >= clock["seconds"]


def is_registrar(epoch: t.Optional[Epoch], host_name: str) -> bool:
    """True if the ledger is on this host."""
    return epoch is not None and epoch["store"] == "sqlite" and epoch["registrar"] == host_name


def held(state: HostState, clock: HostClock) -> Held:
    """What a host says of itself."""
    over = [one["ticket"] for one in state.ended if _is_still(one, clock)]
    return {"epoch": state.epoch, "highest_ticket": state.highest_ticket, "ended": over, "clock": clock}
