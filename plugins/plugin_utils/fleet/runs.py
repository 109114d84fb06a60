# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who runs: the controller and its process, as a claim's record names them. The one place that asks the operating system for it."""

from __future__ import annotations

import os
import socket

from ansible_collections.kvmfleet.compute.plugins.module_utils.shapes import Process, Run
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.fleet.liveness import Space, is_gone, is_over

BOOT_ID = "/proc/sys/kernel/random/boot_id"
ENDED = ("Z", "X")  # states of a process that is dead, and only not yet waited for


def this_space() -> Space | None:
    """The kernel and the PID namespace of this process; None where there are none (macOS), or where /proc shows those of another namespace."""
    try:
        if os.readlink("/proc/self") != str(os.getpid()):
            return None
        with open(BOOT_ID, encoding="ascii") as file:
            return Space(file.read().strip(), os.readlink("/proc/self/ns/pid"))
    except OSError:
        return None


def _stat(pid: int) -> tuple[str, int] | None:
    """(state, start in clock ticks since boot) of a process of this space; None if it can't be read."""
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as file:
            fields = file.read().rpartition(")")[2].split()
            return fields[0], int(fields[19])
    except (OSError, IndexError, ValueError):
        return None


def _exists(pid: int) -> bool:
    """Is there a process with this pid, though /proc may hide those of other users?"""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def has_ended(process: Process) -> bool:
    """Is a process of this space no more? A pid alone is used again; who started at that moment is not."""
    found = _stat(process["pid"])
    if found is None:
        return not _exists(process["pid"])
    state, start = found
    return state in ENDED or start != process["pid_start"]


def this_run(run_id: str, lease_s: float) -> Run:
    """The run of the ansible-playbook process, which is the parent of the worker that runs an action; ``lease_s``: of its claims."""
    return {"id": run_id, "controller": socket.gethostname(), "process": this_process(), "lease_s": int(lease_s)}


def this_process() -> Process | None:
    """The ansible-playbook process of the worker that asks; None if this machine doesn't say."""
    space, pid = this_space(), os.getppid()
    found = _stat(pid) if space else None
    if space is None or found is None:
        return None
    return {"boot_id": space.boot_id, "pid_namespace": space.pid_namespace, "pid": pid, "pid_start": found[1]}


def has_gone(run: Run | None) -> bool:
    """Was the run's process on this controller, and is it no more?"""
    return is_gone(run, this_space(), has_ended)


def is_killed(process: Process | None) -> bool:
    """Was a process on this controller, and is it no more?"""
    return is_over(process, this_space(), has_ended)
