# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""While a module runs on a host, the host is asked from time to time how far it is, and what follows is shown.

The asking is a thread's, over a connection of its own to the host, and never touches the module's run: whatever goes wrong ends the asking, and when the module
has ended nobody waits for an answer any more. The lines go to the standard error, as warnings do: what a callback writes as JSON can be read.
"""

from __future__ import annotations

import contextlib
import copy
import os
import signal
import threading
import time
import typing as t
from collections.abc import Iterator

from ansible.module_utils.parsing.convert_bool import boolean
from ansible.plugins.action import ActionBase

FIRST_S = 2.0  # what is done sooner is not asked for, and so long is the pause between two looks at least
LEAST_SHARE = 20  # a pause is so much longer than the look before: a busy machine is asked less often
PATIENCE_S = 0.5  # how long a look may last when the module has ended
# What is known to work twice at once in one process, with no prompt and without a session of its own; each look is a process there.
CONNECTIONS = ("ssh", "local")


class Progress(t.Protocol):
    """What a host is asked, and what follows from its answers."""

    def command(self) -> str:
        """The next question, for the host's shell."""

    def lines(self, answer: str, at_s: float) -> list[str]:
        """What is to be shown, one after another; ``at_s``: when the answer was there, by a clock that only goes on."""


def is_wanted(action: ActionBase) -> bool:
    """True if the task's option ``progress`` does not say no, and there is something that may be told."""
    asked: object = action._task.args.get("progress")
    if action._task.check_mode or action._task.no_log:
        return False
    # What is no boolean is the module's to refuse.
    return asked is None or asked == "" or bool(boolean(asked, strict=False))


def _second(action: ActionBase) -> ActionBase:
    """The action with a connection that shares no state with the one that the module runs over."""
    connection = copy.copy(action._connection)
    connection._options = dict(connection._options)
    connection.become = copy.copy(connection.become)
    if connection.transport == "ssh":
        # It goes through the connection that is open, and neither opens one that stays nor asks anybody for a password.
        arguments = f"-o ControlMaster=no -o BatchMode=yes {connection.get_option('ssh_args') or ''}"
        connection._options.update(ssh_args=arguments, reconnection_retries=0)
    second = copy.copy(action)
    second._connection = connection
    return second


class _Watch(threading.Thread):
    """It is a daemon: an answer that never comes must not keep the process."""

    def __init__(self, action: ActionBase, progress: Progress) -> None:
        super().__init__(daemon=True)
        self._display = action._display
        self._action = _second(action)
        self._progress = progress
        self._is_over = threading.Event()

    def run(self) -> None:
        # The task's time-out is a signal for the thread that waits for the module.
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGALRM})
        # Whatever it is, it is nothing that the module's run may feel.
        with contextlib.suppress(Exception):
            pause_s = FIRST_S
            while not self._is_over.wait(pause_s):
                pause_s = max(FIRST_S, LEAST_SHARE * self._look())

    def _look(self) -> float:
        """Ask once, and show what follows; how long that took, in s."""
        begin = time.monotonic()
        answer = self._action._low_level_execute_command(self._progress.command())
        end = time.monotonic()
        for line in self._progress.lines(str(answer.get("stdout") or ""), end):
            if not self._is_over.is_set():
                self._display.display(line, stderr=True)
        return end - begin

    def end(self) -> None:
        """Nothing is shown any more. A look that does not end soon is broken off."""
        self._is_over.set()
        self.join(PATIENCE_S)
        if self.is_alive():
            self._kill()
            self.join(PATIENCE_S)

    def _kill(self) -> None:
        """End what the thread has begun."""
        for pid in _begun_by(f"self/task/{self.native_id}"):
            with contextlib.suppress(OSError):
                os.kill(pid, signal.SIGTERM)


def _begun_by(thread: str) -> Iterator[int]:
    """The processes that a thread has begun, and those that they have, where the system tells; elsewhere they end with their hosts."""
    children: list[str] = []
    with contextlib.suppress(OSError), open(f"/proc/{thread}/children", encoding="ascii") as file:
        children = file.read().split()
    for pid in children:
        below = [*_begun_by(f"{pid}/task/{pid}")]
        yield int(pid)
        yield from below


@contextlib.contextmanager
def watched(action: ActionBase, progress: Progress | None) -> Iterator[None]:
    """Show how far the host is for as long as the block lasts; None: show nothing. The block never fails by it."""
    watch = _begun(action, progress) if progress is not None and action._connection.transport in CONNECTIONS else None
    try:
        yield
    finally:
        if watch is not None:
            watch.end()


def _begun(action: ActionBase, progress: Progress) -> _Watch | None:
    """A watch that goes on; None if there can be none."""
    try:
        watch = _Watch(action, progress)
        watch.start()
    except Exception:
        return None
    return watch
