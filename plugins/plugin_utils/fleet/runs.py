# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who runs: the controller, its process and its deadline, as a claim's record names them. The one place that asks the operating system for it."""

from __future__ import annotations

import os
import socket
import time

from ansible_collections.kvmfleet.compute.plugins.module_utils.shapes import Run


def pid_start(pid: int) -> int | None:
    """When a process of this machine started, in clock ticks since boot (a pid alone is used again); None where it is gone."""
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as file:
            return int(file.read().rpartition(")")[2].split()[19])
    except (OSError, IndexError, ValueError):
        return None


def controller_name() -> str:
    """The name of this controller."""
    return socket.gethostname()


def this_run(run_id: str, deadline_s: float) -> Run:
    """{id, controller, pid, pid_start, deadline} of the ansible-playbook process, which is the parent of the worker that runs an action."""
    pid = os.getppid()
    return {"id": run_id, "controller": controller_name(), "pid": pid, "pid_start": pid_start(pid), "deadline": int(time.time() + deadline_s)}


def is_dead(run: Run | None) -> bool:
    """Is the run that a record names gone? On this controller its process tells; of another one only the deadline does."""
    if not run:
        return True
    if run.get("controller") == controller_name():
        started = pid_start(int(run.get("pid") or 0))
        return started is None or started != run.get("pid_start")
    return time.time() > float(run.get("deadline") or 0)
