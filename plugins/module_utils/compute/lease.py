# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Leases: how long a claim holds without another call of its run, by the clock of its host alone; pure.

No clock of two machines is compared, and no clock that can be set: time is counted from the host's boot. After a reboot no process that built there is
left, so that a lease of an earlier boot has ended. A lease only keeps others away from a run that is between two calls; that nothing is built twice is the
instance's lock and the id of the run in the record.
"""

from __future__ import annotations

import math
import typing as t

from ansible_collections.kvmfleet.compute.plugins.module_utils.shapes import Lease, Run


class HostTime(t.NamedTuple):
    """Now, on a host."""

    boot_id: str  # of its kernel
    seconds: float  # since that boot, time asleep included


def lease(now: HostTime, length_s: float) -> Lease:
    """The lease that is granted now."""
    return {"boot_id": now.boot_id, "ends_at": math.ceil(now.seconds + length_s)}


def left_s(granted: t.Optional[Lease], now: HostTime) -> int:
    """How long a lease still holds, in s; 0 if it has ended, or if there is none."""
    if granted is None or granted["boot_id"] != now.boot_id:
        return 0
    return max(0, math.ceil(granted["ends_at"] - now.seconds))


def holder(run: Run) -> str:
    """Whose a claim is, for sentences."""
    return f"run {run['id']} of controller {run['controller']}"
