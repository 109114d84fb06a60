# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The guest's console log: its end for an error message, and what it says of cloud-init."""

from __future__ import annotations

import os
import re
import time
import typing as t

POLL_S = 0.25
CLOUD_INIT_DONE = re.compile(rb"Cloud-init v\. \S+ finished at ")
_CONTROL = re.compile("\x1b(?:\\[[0-?]*[ -/]*[@-~]|[()][A-Z0-9]|[=>78])|[\x00-\x08\x0b-\x1f\x7f]")


def tail(path: str, lines: int = 20, most_bytes: int = 16384) -> list[str]:
    """The last lines of a console log, without control sequences; empty if there is no log."""
    try:
        with open(path, "rb") as file:
            file.seek(max(0, os.fstat(file.fileno()).st_size - most_bytes))
            text = file.read().decode("utf-8", "replace")
    except OSError:
        return []
    clean = [_CONTROL.sub("", line).rstrip() for line in text.replace("\r", "\n").split("\n")]
    return [line[:400] for line in clean if line][-lines:]


def says(path: str, pattern: t.Pattern[bytes]) -> bool:
    """True if the console has printed this."""
    try:
        with open(path, "rb") as file:
            return bool(pattern.search(file.read()))
    except OSError:
        return False


def wait_for(path: str, pattern: t.Pattern[bytes], deadline: float, still: t.Callable[[], bool]) -> bool:
    """Wait until the console printed the pattern; False at the deadline (monotonic s) or when ``still()`` says that the guest is gone."""
    while not says(path, pattern):
        if time.monotonic() > deadline or not still():
            return says(path, pattern)
        time.sleep(POLL_S)
    return True
