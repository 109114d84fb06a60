# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What killed runs have reserved, and how it is free before its deadline; pure.

1. That a run was killed sees who shares its kernel and its PID namespace. It sends nothing more then, but a claim of it may still wait on a host.
2. So its hosts are told first: from then on they take no claim of its ticket. A host notes that under the lock of claims, and its facts say so, read under the
   same lock: what they don't show of the ticket's servers will never be there.
3. Only then it counts no more, for runs that have read those facts, and for later ones. What a host was not told of counts until its deadline, as ever.
"""

from __future__ import annotations

from collections.abc import Callable

from ansible_collections.kvmfleet.compute.plugins.module_utils.shapes import EndRequest, EpochId, Process, TicketToEnd
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.shapes import Agreement, Fleet


def ended(fleet: Fleet, epoch: EpochId) -> dict[str, list[int]]:
    """By host, the tickets of this epoch's ledger of which it takes no claim any more, as its facts show."""
    found: dict[str, list[int]] = {}
    for name, host in fleet["hosts"].items():
        held = host["state"]["registrar"] if host["state"] else None
        if held and held["ended"] and held["epoch"] and held["epoch"]["id"] == epoch["id"]:
            found[name] = held["ended"]
    return found


def without(agreement: Agreement, fleet: Fleet, is_killed: Callable[[Process | None], bool]) -> Agreement:
    """The agreement without the reservations that have ended so, and with what is to be told the hosts of others."""
    epoch, ticket = agreement["epoch"], agreement["ticket"]
    over = ended(fleet, {"number": epoch["number"], "id": epoch["id"]})
    reservations = [held for held in agreement["reservations"] if held["ticket"] not in over.get(held["host"], ())]
    dead: dict[str, EndRequest] = {}
    if ticket:
        # By the registrar's clock, when it answered.
        now = ticket["deadline"] - ticket["lasts_s"]
        killed = {holder["ticket"] for holder in agreement["holders"] if is_killed(holder["process"])}
        left: dict[str, dict[int, int]] = {}
        for held in reservations:
            if held["ticket"] in killed and held["released_at"] is None and fleet["hosts"].get(held["host"], {"state": None})["state"]:
                of_host = left.setdefault(held["host"], {})
                of_host[held["ticket"]] = max(held["expires"] - now, of_host.get(held["ticket"], 0))
        for host, tickets in left.items():
            to_end: list[TicketToEnd] = [{"ticket": number, "left_s": seconds} for number, seconds in sorted(tickets.items())]
            dead[host] = {"epoch": {"number": epoch["number"], "id": epoch["id"]}, "tickets": to_end}
    return {**agreement, "reservations": reservations, "dead": dead}
