# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The host's counter of failed builds, which the BuildFailureWeigher reads; a success resets it (``nova/compute/stats.py``)."""

from __future__ import annotations

import contextlib
import fcntl
import os


def read(state_path: str) -> int:
    """How many builds failed since the last success."""
    try:
        with open(os.path.join(state_path, "failed_builds"), encoding="ascii") as file:
            return int(file.read() or 0)
    except (OSError, ValueError):
        return 0


def count(state_path: str, failed: int, built: int) -> None:
    """Add the failures of one call, or reset the counter if something was built."""
    if built:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(os.path.join(state_path, "failed_builds"))
        return
    if not failed:
        return
    os.makedirs(state_path, mode=0o700, exist_ok=True)
    with open(os.path.join(state_path, "failed_builds"), "a+", encoding="ascii") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        file.seek(0)
        before = file.read().strip()
        file.seek(0)
        file.truncate()
        file.write(str((int(before) if before.isdigit() else 0) + failed))
