# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The rounds of asking the registrar before the claims, until every server of a round is granted, has another host, or has failed; pure.

1. What loses its host to a member of its server group, by another run, is placed again and asked for again, as long as it may be tried on another host.
2. A MAC address that somebody else has drawn too is drawn again, unless it is that of a plan.
3. What else is lost has failed: another host does no better. If the registrar grants nothing at all, every server that needs a grant has failed.
"""

from __future__ import annotations

import copy
import typing as t

from ansible_collections.kvmfleet.compute.plugins.module_utils.shapes import Error, ReserveRequest
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.allocation.granted import Loss, WrongAnswer, accept
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.allocation.wishes import Wishes, to_reserve
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.fleet.agreement import witness
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.shapes import Agreement, Placed, Round

Members = dict[str, dict[str, str]]  # hosts of a group's members, by group id and server id


class Refusal(Exception):
    """The registrar grants nothing: it refuses the whole call, or can't be reached."""

    def __init__(self, error_class: str, message: str) -> None:
        super().__init__(message)
        self.error: Error = {"error_class": error_class, "message": message, "reschedule": False}


def refused_by(error_class: str, message: str, agreement: Agreement) -> Refusal:
    """What the registrar has said; with the host whose word it is, if by that its ledger is stale."""
    host = agreement["highest_host"]
    if error_class == "LedgerStale" and host:
        message = f"{message}; {witness(host, agreement['highest_ticket'])}"
    return Refusal(error_class, message)


class Ways(t.Protocol):
    """What the edge does for a reservation."""

    def ask(self, request: ReserveRequest) -> t.Any:
        """The registrar's answer; Refusal if it gives none."""

    def now(self) -> float:
        """S of the controller's monotonic clock."""

    def place_again(self, state: Round, lost: list[Placed], members: Members) -> dict[str, Error]:
        """Give servers of a round another host; the errors of those for which there is none, by id."""

    def new_mac(self) -> str:
        """A MAC address that no facts show."""


def reserve(state: Round, wishes: Wishes, agreement: Agreement, claim_s: int, ways: Ways) -> Round:
    """The round with a grant for every server that still is to be claimed; the stage is the caller's to set anew."""
    state = copy.deepcopy(state)
    ticket = agreement["ticket"]
    try:
        if ticket is None:
            raise Refusal("TicketOver", "this run has drawn no ticket at the registrar")
        for is_last in [False] * state["max_attempts"] + [True]:
            request = wishes.request(state, agreement, ticket["ticket"], claim_s)
            if not request["servers"]:
                break
            asked_at = ways.now()
            answer = ways.ask(request)
            losses = accept(state, request, answer, wishes, agreement, asked_at)
            _fail_or_go_on(state, losses, answer["members"], wishes, ways, is_last=is_last)
            if not losses:
                break
    except Refusal as refusal:
        _fail_all(state, refusal.error)
    except WrongAnswer as wrong:
        _fail_all(state, {"error_class": "RegistrarUnreachable", "message": f"the registrar's answer is none: {wrong}", "reschedule": False})
    return state


def _fail_all(state: Round, error: Error) -> None:
    state["grants"] = {}
    for placed in to_reserve(state):
        server = state["servers"][placed["instance"]["uuid"]]
        server["status"], server["error"] = "failed", error


def _fail_or_go_on(state: Round, losses: list[Loss], members: Members, wishes: Wishes, ways: Ways, *, is_last: bool) -> None:
    moving: list[Loss] = []
    for loss in losses:
        placed, error = loss
        if not is_last and error["error_class"] == "MacAddressInUse" and _draws_again(placed, wishes, ways):
            continue
        placed["attempts"] = [*placed["attempts"], {"host": placed["host"], "stage": "reserve", "error": error["message"]}]
        if not is_last and error["reschedule"] and len(placed["attempts"]) < state["max_attempts"]:
            moving.append(loss)
        else:
            _fail(state, placed, error)
    errors = ways.place_again(state, [loss.placed for loss in moving], members) if moving else {}
    for placed, _error in moving:
        if placed["instance"]["uuid"] in errors:
            _fail(state, placed, errors[placed["instance"]["uuid"]])


def _fail(state: Round, placed: Placed, error: Error) -> None:
    server = state["servers"][placed["instance"]["uuid"]]
    server["status"], server["error"] = "failed", error


def _draws_again(placed: Placed, wishes: Wishes, ways: Ways) -> bool:
    """Draw the MAC addresses of a server that were drawn in this run; false if there are none."""
    ports = zip(placed["instance"]["ports"], wishes.networks(placed["instance"]["uuid"]), strict=True)
    drawn = [port for port, wanted in ports if not port["preexisting"] and "planned" not in wanted]
    for port in drawn:
        port["mac_address"] = ways.new_mac()
    return bool(drawn)
