# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the hosts have answered when a run began, each believed about itself only; pure."""

from __future__ import annotations

import collections
import json
import typing as t
from collections.abc import Mapping

from ansible_collections.kvmfleet.compute.plugins.module_utils.shapes import BeginAnswer, Epoch, Held, LedgerContent, Reservation, Ticket
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.fleet import begin_shape
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.shapes import AnsweredClock

NOT_ASKED = "it was not asked"
MOST_SHOWN = 200  # of a sentence that a host brought about


class Refusal(t.TypedDict):
    """What a registrar says in place of a ticket."""

    error_class: str
    message: str


class Begun(t.NamedTuple):
    """The hosts' answers."""

    held: dict[str, Held]  # by host, of those whose answer counts
    answered_at: dict[str, float]  # s of the controller's monotonic clock
    tickets: dict[str, BeginAnswer]  # of each host that is a registrar by the epoch that it holds
    ledgers: dict[str, LedgerContent]  # of each such host, if that was asked for
    refused: dict[str, Refusal]  # of those that gave none
    lost: dict[str, str]  # by each other host, why its answer does not count

    @property
    def is_asked(self) -> bool:
        """False if no host was: in check mode, or where there is no registrar."""
        return bool(self.held) or any(why != NOT_ASKED for why in self.lost.values())

    @property
    def epochs(self) -> dict[str, Epoch | None]:
        """What the hosts hold."""
        return {host: held["epoch"] for host, held in self.held.items()}

    @property
    def clocks(self) -> dict[str, AnsweredClock]:
        """What the hosts' clocks said, and when."""
        return {host: {**held["clock"], "answered_at": self.answered_at[host]} for host, held in self.held.items()}


class _Answer(t.TypedDict):
    """What the module returns; what is null may be left out."""

    held: Held
    answer: t.NotRequired[t.Any]
    refused: t.NotRequired[Refusal | None]
    answered_at: t.NotRequired[float]


def read(registered: Mapping[str, object], operation: str = "begin") -> Begun:
    """From what each host registered from an operation of ``kvmfleet.compute.registrar``, as plain data; a host without a result was not asked."""
    begun = Begun({}, {}, {}, {}, {}, {})
    for host, result in registered.items():
        said = _answer(result, operation)
        if isinstance(said, str):
            begun.lost[host] = said
            continue
        begun.held[host] = {**said["held"], "epoch": said["held"].get("epoch"), "ended": said["held"].get("ended") or []}
        begun.answered_at[host] = said.get("answered_at") or 0
        refused = said.get("refused")
        if said.get("answer") and operation == "begin":
            ticket: BeginAnswer = said["answer"]
            begun.tickets[host] = {
                **ticket,
                "ticket": _with_process(ticket["ticket"]),
                "reservations": list(map(_whole, ticket["reservations"])),
                "tickets": list(map(_with_process, ticket["tickets"])),
            }
        elif said.get("answer"):
            content: LedgerContent = said["answer"]
            tickets, reservations = list(map(_with_process, content["tickets"])), list(map(_whole, content["reservations"]))
            begun.ledgers[host] = {**content, "tickets": tickets, "reservations": reservations}
        elif refused:
            begun.refused[host] = {"error_class": refused["error_class"], "message": refused["message"][:MOST_SHOWN]}
    for host in _odd_ones(begun.epochs):
        epoch = begun.held.pop(host)["epoch"]
        begun.lost[host] = f"it says something else of epoch {epoch['number'] if epoch else 0} than other hosts that hold it"
    return begun


def _answer(result: object, operation: str) -> _Answer | str:
    """The answer, or why there is none."""
    given: t.Any = result
    if not isinstance(result, Mapping) or result.get("skipped"):
        return NOT_ASKED
    if result.get("unreachable") or result.get("failed") or "timedout" in result:
        return str(result.get("msg") or "it did not answer")[:MOST_SHOWN]
    wrong = begin_shape.faults({key: result.get(key) for key in ("held", "answer", "refused")}, operation)
    if wrong:
        return f"its answer is none: {wrong}"[:MOST_SHOWN]
    answer: _Answer = given
    epoch = answer["held"].get("epoch")
    if epoch and epoch["store"] == "sqlite" and epoch["registrar"] not in epoch["hosts"]:
        return f"by its epoch {epoch['number']} the registrar {epoch['registrar'][:MOST_SHOWN]} is no host of the fleet"
    return answer


def _whole(given: Reservation) -> Reservation:
    """With what is null, and may be left out."""
    return {**given, "group": given.get("group"), "released_at": given.get("released_at"), "known_at": given.get("known_at")}


def _with_process(given: Ticket) -> Ticket:
    return {**given, "process": given.get("process")}


def _odd_ones(epochs: Mapping[str, Epoch | None]) -> list[str]:
    """The hosts whose epoch has the id of another one: those that are fewer, or all if it can't be told who is right."""
    said: dict[str, dict[str, list[str]]] = collections.defaultdict(lambda: collections.defaultdict(list))
    for host, epoch in epochs.items():
        if epoch:
            said[epoch["id"]][json.dumps(epoch, sort_keys=True)].append(host)
    odd: list[str] = []
    for versions in said.values():
        most = max(map(len, versions.values()))
        trusted = [hosts for hosts in versions.values() if len(hosts) == most]
        odd += [host for hosts in versions.values() if hosts not in trusted or len(trusted) > 1 for host in hosts]
    return odd
