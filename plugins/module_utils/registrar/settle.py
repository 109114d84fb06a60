# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What becomes of reservations after the claims; pure."""

from __future__ import annotations

import typing as t

from ansible_collections.kvmfleet.compute.plugins.module_utils.registrar.ledger import Ledger, compact, current, expire
from ansible_collections.kvmfleet.compute.plugins.module_utils.shapes import SettleRequest


def settle(ledger: t.Optional[Ledger], request: SettleRequest, now: int) -> t.Tuple[Ledger, None]:
    """End the reservations of claims with a known outcome; ``now`` is Unix time in s.

    What was claimed counts on for runs with an older ticket, whose facts may be from before the claim. Of what is absent there was nothing to see at any time.
    The truth about a claim is as good when the ticket is over.
    """
    ledger = expire(current(ledger, request["epoch"], request["ticket"]), now)
    reservations = dict(ledger.reservations)
    for server in request["absent"]:
        reservations.pop((request["ticket"], server), None)
    end = ledger.sequence + 1
    for server in request["claimed"]:
        held = reservations.get((request["ticket"], server))
        # A settled one keeps its end: with a later one it would count for runs whose facts show it.
        if held and held["known_at"] is None:
            reservations[(request["ticket"], server)] = {**held, "released_at": end, "known_at": end}
    return compact(ledger._replace(sequence=end, reservations=reservations)), None
