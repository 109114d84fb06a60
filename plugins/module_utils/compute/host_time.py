# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The time of a host that nobody can set: since its boot, and which boot that is."""

from __future__ import annotations

import time

from ansible_collections.kvmfleet.compute.plugins.module_utils.compute.lease import HostTime
from ansible_collections.kvmfleet.compute.plugins.module_utils.shapes import HostClock

BOOT_ID = "/proc/sys/kernel/random/boot_id"


def host_time() -> HostTime:
    """Now."""
    with open(BOOT_ID, encoding="ascii") as file:
        return HostTime(file.read().strip(), time.clock_gettime(time.CLOCK_BOOTTIME))


def host_clock() -> HostClock:
    """Now, as a host says it."""
    now = host_time()
    return {"boot_id": now.boot_id, "seconds": now.seconds}
