# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who holds a lock, for the sentence that an operator acts on. What can't be read leaves a part of it out."""

from __future__ import annotations

import os
import time
import typing as t

LOCKS = "/proc/locks"
# Of ``/proc/<pid>/stat``: what keeps a process from going on.
STATES = {"T": "stopped", "t": "stopped by a debugger", "D": "waiting for a disk or the network", "Z": "dead"}


def pids_of(locks: str, inode: int) -> t.List[int]:
    """The processes that hold a flock on a file with this number, from the text of ``/proc/locks``. It may be another file system's."""
    found = []
    for line in locks.splitlines():
        # 1: FLOCK  ADVISORY  WRITE 1234 08:01:5678 0 EOF; "->" after the number: it only waits.
        fields = line.split()
        if len(fields) >= 6 and fields[1] == "FLOCK" and fields[5].rpartition(":")[2] == str(inode) and fields[4].isdigit() and int(fields[4]) > 0:
            found.append(int(fields[4]))
    return found


def _has_open(pid: int, file: os.stat_result) -> bool:
    folder = f"/proc/{pid}/fd"
    try:
        return any(os.path.samestat(file, os.stat(f"{folder}/{name}")) for name in os.listdir(folder))
    except OSError:
        return False


def _process(pid: int) -> str:
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as file:
            name, _end, rest = file.read().partition("(")[2].rpartition(")")
    except OSError:
        return f"process {pid}"
    state = STATES.get(rest.split()[0])
    return f"process {pid} ({name}{f', {state}' if state else ''})"


def describe(descriptor: int) -> str:
    """Such as ``process 1234 (python3, stopped) since 2026-01-01T00:00:00Z``, for a lock file whose holder has touched it."""
    file = os.fstat(descriptor)
    since = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(file.st_mtime))
    try:
        with open(LOCKS, encoding="ascii", errors="replace") as locks:
            pids = pids_of(locks.read(), file.st_ino)
    except OSError:
        pids = []
    holders = [_process(pid) for pid in pids if _has_open(pid, file)]
    return f"{' and '.join(holders) or 'another process'} since {since}"
