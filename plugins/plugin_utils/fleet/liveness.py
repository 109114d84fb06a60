# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Is the run that a record names still alive? Told without names of machines and without comparing their clocks; pure.

It is dead if its process is seen to be gone, which only who shares its kernel and its PID namespace can see, or if the lease of its claim has ended, which
only the host can tell. Whatever is not known counts as alive.
"""

from __future__ import annotations

import typing as t
from collections.abc import Callable

from ansible_collections.kvmfleet.compute.plugins.module_utils.shapes import Process, Run


class Space(t.NamedTuple):
    """Where a pid means one process."""

    boot_id: str
    pid_namespace: str


def is_gone(run: Run | None, here: Space | None, has_ended: Callable[[Process], bool]) -> bool:
    """Was the run's process here, and is it no more? ``here``: None if this machine doesn't say. ``has_ended`` is asked of processes of this space alone."""
    return is_over(run.get("process") if run else None, here, has_ended)


def is_over(process: Process | None, here: Space | None, has_ended: Callable[[Process], bool]) -> bool:
    """Was the process here, and is it no more?"""
    return process is not None and here == Space(process["boot_id"], process["pid_namespace"]) and has_ended(process)


def is_dead(run: Run | None, gone: bool, lease_left_s: int | None) -> bool:
    """May another run have the claim? ``gone``: see ``is_gone``; ``lease_left_s``: as the host says, None if it doesn't."""
    return run is None or gone or lease_left_s == 0
