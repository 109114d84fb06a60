# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a host keeps of the registrar, and how it changes; pure."""

from __future__ import annotations

import typing as t

from ansible_collections.kvmfleet.compute.plugins.module_utils.registrar.epoch import accepted
from ansible_collections.kvmfleet.compute.plugins.module_utils.shapes import Epoch, EpochOffer, Held, HostClock

FOUND, CARRY = "found", "carry"  # what a registrar's host has to do with its ledger before it may begin in the epoch that it has taken


class HostState(t.NamedTuple):
    """What is in the host's file."""

    epoch: t.Optional[Epoch]  # None: it was never given one
    highest_ticket: int  # the highest one of the epoch's ledger of which it has taken a claim; 0: none
    ledger_due: t.Optional[str]  # FOUND or CARRY; None: nothing, or it is not the registrar


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


def is_registrar(epoch: t.Optional[Epoch], host_name: str) -> bool:
    """True if the ledger is on this host."""
    return epoch is not None and epoch["store"] == "sqlite" and epoch["registrar"] == host_name


def held(state: HostState, clock: HostClock) -> Held:
    """What a host says of itself."""
    return {"epoch": state.epoch, "highest_ticket": state.highest_ticket, "clock": clock}
