# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How a run begins where the ledger is in PostgreSQL: its ledger is founded once, and gives the run its ticket."""

from __future__ import annotations

from ansible_collections.kvmfleet.compute.plugins.module_utils.registrar import tickets
from ansible_collections.kvmfleet.compute.plugins.module_utils.registrar.epoch import POSTGRESQL, Step
from ansible_collections.kvmfleet.compute.plugins.module_utils.registrar.ledger import Ledger, carried, expire, found
from ansible_collections.kvmfleet.compute.plugins.module_utils.registrar.refusal import Refused
from ansible_collections.kvmfleet.compute.plugins.module_utils.shapes import BeginAnswer, BeginRequest, Epoch, EpochId, Process
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.allocation.postgres_store import PostgresStore
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.fleet.agreement import Drawn, highest_ticket, to_found
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.fleet.begun import Begun
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.fleet.registrar_review import Read


def draw(dsn: str, begun: Begun, step: Step, run: str, lasts_s: int, process: Process | None) -> Drawn:
    """The ticket, if the hosts agree on an epoch whose ledger is there; with no ticket and no refusal they have to go on first."""
    new = to_found(begun)
    epoch = new or step.epoch
    if epoch["store"] != POSTGRESQL or not (new or step.is_in_force):
        return {"ticket": None, "refused": None}
    store = PostgresStore(dsn, epoch["fleet"])
    own: EpochId = {"number": epoch["number"], "id": epoch["id"]}
    try:
        if new:
            # An epoch that follows is offered only after this: so a ledger that is lost later is never made anew.
            store.transact(lambda ledger: (found(ledger, own, 0), None))
            return {"ticket": None, "refused": None}
        request: BeginRequest = {"epoch": own, "highest_ticket": highest_ticket(begun, epoch), "run": run, "lasts_s": lasts_s, "process": process}
        now = store.now()
        return {"ticket": store.transact(lambda ledger: _begun(ledger, epoch, request, now)), "refused": None}
    except Refused as refused:
        if new and refused.error_class == "EpochOver":
            # Another run has founded it, and gone on.
            return {"ticket": None, "refused": None}
        return {"ticket": None, "refused": {"error_class": refused.error_class, "message": str(refused)}}


def content(dsn: str, fleet: str) -> Read:
    """All that the ledger holds."""
    try:
        store = PostgresStore(dsn, fleet)
        now = store.now()
        ledger = expire(store.transact(_itself), now)
    except Refused as refused:
        return Read(None, {"error_class": refused.error_class, "message": str(refused)})
    return Read(
        {
            "epoch": ledger.epoch,
            "sequence": ledger.sequence,
            "outrun": ledger.outrun,
            "tickets": list(ledger.tickets.values()),
            "reservations": list(ledger.reservations.values()),
        },
        None,
    )


def _itself(ledger: Ledger | None) -> tuple[Ledger, Ledger]:
    if ledger is None:
        raise Refused("LedgerLost", "there is none")
    return ledger, ledger


def _begun(ledger: Ledger | None, epoch: Epoch, request: BeginRequest, now: int) -> tuple[Ledger, BeginAnswer]:
    if ledger is not None and ledger.epoch["number"] < epoch["number"] and epoch["is_carried"]:
        ledger = carried(ledger, epoch)
    return tickets.begin(ledger, request, now)
