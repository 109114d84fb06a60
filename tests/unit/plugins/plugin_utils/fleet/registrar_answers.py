# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Hosts that answer as the module kvmfleet.compute.registrar does, in this process: epochs by its rules, tickets by the real ledger."""

from __future__ import annotations

import typing as t

from ansible_collections.kvmfleet.compute.plugins.module_utils.registrar import epoch as epochs
from ansible_collections.kvmfleet.compute.plugins.module_utils.registrar.ledger import Ledger, carried, found
from ansible_collections.kvmfleet.compute.plugins.module_utils.registrar.refusal import Refused
from ansible_collections.kvmfleet.compute.plugins.module_utils.registrar.tickets import begin

if t.TYPE_CHECKING:
    from ansible_collections.kvmfleet.compute.plugins.module_utils.shapes import Epoch, EpochOffer

LASTS_S = 2400


class Hosts:
    """What each holds; ``ledger`` is that of the registrar, whichever it is."""

    def __init__(self, *names: str) -> None:
        self.held: dict[str, Epoch | None] = dict.fromkeys(names)
        self.ledger: Ledger | None = None

    def begin(self, offers: dict[str, EpochOffer] | None = None, down: t.Collection[str] = ()) -> dict[str, t.Any]:
        """What they answer, by host."""
        return {host: self.answer(host, (offers or {}).get(host)) if host not in down else {"unreachable": True, "msg": "no route"} for host in self.held}

    def answer(self, host: str, offer: EpochOffer | None) -> dict[str, t.Any]:
        before = self.held[host]
        epoch = epochs.accepted(before, offer) if offer else before
        self.held[host] = epoch
        answer, refused = None, None
        if epoch and epoch["registrar"] == host:
            if epoch != before:
                self.ledger = carried(self.ledger, epoch) if epoch["is_carried"] else found(self.ledger, epoch, 0)
            own: t.Any = {"epoch": {"number": epoch["number"], "id": epoch["id"]}, "highest_ticket": 0, "run": "r", "lasts_s": LASTS_S, "process": None}
            try:
                self.ledger, drawn = begin(self.ledger, own, 1000)
                answer = {**drawn, "registrar": host}
            except Refused as error:
                refused = {"error_class": error.error_class, "message": str(error)}
        held = {"epoch": epoch, "highest_ticket": 0, "clock": {"boot_id": f"boot of {host}", "seconds": 5.0}}
        return {"changed": epoch != before, "held": held, "answer": answer, "refused": refused, "answered_at": 7.0}
