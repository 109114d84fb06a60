# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a run makes of the registrar's answer: ports with the addresses that were chosen, a grant for each host, and who lost; pure.

No clock of two machines is compared. A host said its own time before the controller had its answer, and the registrar was asked after that: what lies between
by the controller's clock is no more than what has gone by on the host. So the deadline by the host's clock is never later than the registrar's.
"""

from __future__ import annotations

import math
import typing as t

from ansible_collections.kvmfleet.compute.plugins.module_utils.network.segment import normal
from ansible_collections.kvmfleet.compute.plugins.module_utils.shapes import Error, FixedIp, Grant, Reservation, ReserveAnswer, ReserveRequest, ServerWish
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.allocation.addresses import NoMoreFixedIps, fixed_ip
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.allocation.answer_shape import faults_of_answer
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.allocation.wishes import Wishes, to_reserve
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.shapes import Agreement, AnsweredClock, Placed, Reserved, Round


class WrongAnswer(Exception):
    """The registrar's answer is none to what was asked; the message says why."""


class Loss(t.NamedTuple):
    """A server that may not be claimed where it is placed."""

    placed: Placed
    error: Error


def accept(state: Round, request: ReserveRequest, answer: t.Any, wishes: Wishes, agreement: Agreement, asked_at: float) -> list[Loss]:
    """Put what is granted into the round that the request was made of, and say who lost; WrongAnswer has changed nothing.

    ``asked_at``: s of the controller's monotonic clock, from before the registrar was asked.
    """
    wrong = faults_of_answer(answer)
    if wrong:
        raise WrongAnswer(wrong)
    told: ReserveAnswer = answer
    errors = {lost["server"]: lost["error"] for lost in told["lost"]}
    granted = {held["server"]: held for held in told["granted"]}
    asked = {wish["uuid"]: wish for wish in request["servers"]}
    if sorted([*granted, *errors]) != sorted(asked):
        raise WrongAnswer("it is not about the servers that were asked for")
    chosen = {uuid: _fixed_ips(asked[uuid], held, wishes) for uuid, held in granted.items()}
    state["grants"], state["reserved"] = {}, _without(state["reserved"], asked)
    losses: list[Loss] = []
    for placed in to_reserve(state):
        uuid, host = placed["instance"]["uuid"], placed["host"]
        clock = agreement["clocks"].get(host)
        if uuid in errors:
            losses.append(Loss(placed, errors[uuid]))
        elif clock is None:
            state["reserved"]["absent"].append(uuid)
            message = f"host {host} has not told its clock, so that no deadline can be set for a claim there"
            losses.append(Loss(placed, {"error_class": "RegistrarUnreachable", "message": message, "reschedule": True}))
        else:
            state["reserved"]["open"].append(uuid)
            for port, fixed_ips in zip(placed["instance"]["ports"], chosen[uuid], strict=True):
                port["fixed_ips"] = fixed_ips
            state["grants"].setdefault(host, grant(request, clock, asked_at))
    return losses


def grant(request: ReserveRequest, clock: AnsweredClock, asked_at: float) -> Grant:
    """What a host with this clock is shown."""
    ends_at = clock["seconds"] + (asked_at - clock["answered_at"]) + request["claim_s"]
    return {"epoch": request["epoch"], "ticket": request["ticket"], "deadline": {"boot_id": clock["boot_id"], "ends_at": math.floor(ends_at)}}


def _without(reserved: Reserved, asked: t.Collection[str]) -> Reserved:
    """By naming a server a run gives up what it held for it."""
    return {
        "open": [uuid for uuid in reserved["open"] if uuid not in asked],
        "claimed": [uuid for uuid in reserved["claimed"] if uuid not in asked],
        "absent": [uuid for uuid in reserved["absent"] if uuid not in asked],
    }


def _fixed_ips(wish: ServerWish, held: Reservation, wishes: Wishes) -> list[list[FixedIp]]:
    """The addresses of a server's ports; WrongAnswer if they are not what was asked for."""
    asked = [(port["id"], len(port["addresses"])) for port in wish["ports"]]
    if held["host"] != wish["host"] or [(port["id"], len(port["ip_addresses"])) for port in held["ports"]] != asked:
        raise WrongAnswer(f"what it grants server {wish['uuid']} is not what was asked for")
    found: list[list[FixedIp]] = []
    for wanted, port, granted in zip(wishes.networks(wish["uuid"]), wish["ports"], held["ports"], strict=True):
        for address, given in zip(port["addresses"], granted["ip_addresses"], strict=True):
            if address["ip_address"] and normal(address["ip_address"]) != normal(given):
                raise WrongAnswer(f"it grants server {wish['uuid']} {given} in place of {address['ip_address']}")
        try:
            found.append([fixed_ip(address, wanted["network"]) for address in granted["ip_addresses"]])
        except NoMoreFixedIps as error:
            raise WrongAnswer(f"it grants server {wish['uuid']} an address of another network: {error}") from error
    return found
