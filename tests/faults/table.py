# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every step that changes a host, and every fault that it may meet; generated from the steps themselves, so that a new one is in it by itself."""

from __future__ import annotations

import typing as t

from ansible_collections.kvmfleet.compute.plugins.module_utils.compute.transitions.table import TRANSITIONS
from ansible_collections.kvmfleet.compute.plugins.module_utils.image import fetch, publish

PHASES = ("steps", "lasting", "adopting")


class Fault(t.NamedTuple):
    """What may happen at a step."""

    name: str
    what: str  # as the driver calls it
    kinds: tuple[str, ...]  # of points at which it strikes
    lasting: bool = False  # to the end of the call


class Case(t.NamedTuple):
    """One step that meets one fault."""

    transition: str
    phase: str  # steps, lasting or adopting
    step: str
    fault: Fault

    def __str__(self) -> str:
        adopting = "adopting." if self.phase == "adopting" else ""
        return f"{self.transition}.{adopting}{self.step}-{self.fault.name}"


FAULTS = (
    Fault("libvirt_raises", "libvirt_raises", ("call",)),
    Fault("answer_lost", "answer_lost", ("call",)),
    Fault("no_space", "no_space", ("room",), lasting=True),
    Fault("io_error", "io_error", ("file",)),
    Fault("io_error_that_lasts", "io_error", ("file",), lasting=True),
    Fault("module_killed", "kill", ("before", "call", "file", "after")),
    Fault("libvirtd_killed", "kill_libvirtd", ("before", "call", "after")),
    Fault("rebooted", "wait", ("before", "call", "file", "after")),
    Fault("controller_killed", "wait", ("before", "call", "file", "after")),
)


def steps() -> list[tuple[str, str, str]]:
    """(transition, phase, step) of all; a transition without steps changes nothing."""
    found = [(name, phase, step.__name__) for name, transition in TRANSITIONS.items() for phase in PHASES for step in getattr(transition, phase, ())]
    found += [("fetch", "steps", step.__name__) for step in fetch.STEPS]
    return [*found, *(("publish", "steps", step.__name__) for step in publish.STEPS)]


def cases() -> list[Case]:
    """Every step with every fault."""
    return [Case(*step, fault) for step in steps() for fault in FAULTS]


def senseless(case: Case, seen: dict[str, int]) -> str | None:
    """Why a fault can't meet a step that has these points; None if it can."""
    if any(seen.get(kind) for kind in case.fault.kinds):
        return None
    if "call" in case.fault.kinds:
        return "the step calls nothing of libvirt"
    if "room" in case.fault.kinds:
        return "the step writes no file of its own"
    return "the step uses no file of its own"
