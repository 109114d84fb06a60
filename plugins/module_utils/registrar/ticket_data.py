# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tickets in data that came from a file or a task; pure."""

from __future__ import annotations

import typing as t

from ansible_collections.kvmfleet.compute.plugins.module_utils.registrar.epoch_data import field, mapping
from ansible_collections.kvmfleet.compute.plugins.module_utils.shapes import BeginRequest, EndedTicket, EndRequest, EpochId, Process, TicketToEnd


def read_begin(given: object, epoch: EpochId, highest_ticket: int) -> BeginRequest:
    """What a task gives of a request to begin, with what is the host's own; ValueError if it is none. Other runs get to see it."""
    fields = mapping(given, "a request")
    return {
        "epoch": epoch,
        "highest_ticket": highest_ticket,
        "run": field(fields, "run", str),
        "lasts_s": field(fields, "lasts_s", int),
        "process": None if fields["process"] is None else _process(fields["process"]),
    }


def read_end(given: object) -> EndRequest:
    """The tickets to end; ValueError if it is none."""
    fields = mapping(given, "a request")
    epoch = mapping(fields["epoch"], "an epoch")
    tickets: t.List[object] = field(fields, "tickets", list)
    return {"epoch": {"number": field(epoch, "number", int), "id": field(epoch, "id", str)}, "tickets": list(map(_to_end, tickets))}


def read_ended(given: object) -> t.Tuple[EndedTicket, ...]:
    """What a host has noted of them; ValueError if it is nothing of the kind."""
    listed: t.List[object] = given if isinstance(given, list) else [None]
    return tuple(map(_ended, listed))


def _process(given: object) -> Process:
    fields = mapping(given, "a process")
    return {
        "boot_id": field(fields, "boot_id", str),
        "pid_namespace": field(fields, "pid_namespace", str),
        "pid": field(fields, "pid", int),
        "pid_start": field(fields, "pid_start", int),
    }


def _to_end(given: object) -> TicketToEnd:
    fields = mapping(given, "a ticket")
    return {"ticket": field(fields, "ticket", int), "left_s": field(fields, "left_s", int)}


def _ended(given: object) -> EndedTicket:
    fields = mapping(given, "a ticket")
    until = mapping(fields["until"], "the end of a ticket")
    return {"ticket": field(fields, "ticket", int), "until": {"boot_id": field(until, "boot_id", str), "seconds": field(until, "seconds", float)}}
