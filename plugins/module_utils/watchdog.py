# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Calls that nothing can interrupt, each made in a thread of its own that is left to itself when its time is over.

The first call that is not over in time ends the wait for all the others, and none is begun any more: who does not answer one of them is waited for
once, and not once for each.
"""

from __future__ import annotations

import contextlib
import queue
import threading
import typing as t

T = t.TypeVar("T")


class NoAnswer(Exception):
    """Nobody waits for the call any more; ``begun``: it was made, and may still take effect."""

    def __init__(self, why: str, begun: bool) -> None:
        super().__init__(why)
        self.begun = begun


class _Call(t.Generic[T]):
    """One call, and how it ended."""

    def __init__(self, function: t.Callable[[], T]) -> None:
        self._function = function
        self._answer: t.List[T] = []
        self._error: t.Optional[BaseException] = None
        self.ended: queue.SimpleQueue[bool] = queue.SimpleQueue()  # True: it did; False: it is not waited for any more

    def run(self) -> None:
        try:
            self._answer.append(self._function())
        except BaseException as error:
            self._error = error

    def answer(self) -> T:
        """What the function returned, or raised."""
        if self._error is not None:
            raise self._error
        return self._answer[0]


class _Worker(threading.Thread):
    """A thread for one call after another. It is a daemon: a call that hangs must not keep the process."""

    def __init__(self, idle: t.List[_Worker]) -> None:
        super().__init__(daemon=True)
        self._idle = idle
        self.calls: queue.SimpleQueue[_Call[t.Any]] = queue.SimpleQueue()

    def run(self) -> None:
        while True:
            call = self.calls.get()
            call.run()
            # Before its caller goes on, so that the caller's next call finds it.
            self._idle.append(self)
            call.ended.put(True)
            del call


class Watchdog:
    """For any number of threads."""

    def __init__(self) -> None:
        self.gave_up: t.Optional[str] = None  # why
        self._lock = threading.Lock()
        self._calls: t.Set[_Call[t.Any]] = set()
        self._idle: t.List[_Worker] = []

    def call(self, function: t.Callable[[], T], limit_s: float, why: str, more_s: t.Callable[[], float] = lambda: 0.0) -> T:
        """What ``function()`` returns or raises; NoAnswer after ``limit_s``, which is ``why`` all is given up, or if that happened before.

        ``more_s`` is asked each time when the time is over: how much longer is waited; 0 if that is all.
        """
        call = _Call(function)
        with self._lock:
            if self.gave_up is not None:
                raise NoAnswer(self.gave_up, begun=False)
            self._calls.add(call)
        self._worker().calls.put(call)
        over = self._ended(call, limit_s, more_s)
        if over is None:
            self.give_up(why)
            over = call.ended.get()
        with self._lock:
            self._calls.discard(call)
        if not over:
            raise NoAnswer(self.gave_up or why, begun=True)
        return call.answer()

    @staticmethod
    def _ended(call: _Call[T], limit_s: float, more_s: t.Callable[[], float]) -> t.Optional[bool]:
        """How the call ended; None if it hasn't."""
        wait_s = limit_s
        while True:
            with contextlib.suppress(queue.Empty):
                return call.ended.get(timeout=wait_s)
            wait_s = more_s()
            if not wait_s:
                return None

    def give_up(self, why: str) -> None:
        """End the wait of all callers, and begin no call any more."""
        with self._lock:
            if self.gave_up is None:
                self.gave_up = why
            for call in self._calls:
                call.ended.put(False)

    def _worker(self) -> _Worker:
        try:
            return self._idle.pop()
        except IndexError:
            worker = _Worker(self._idle)
            worker.start()
            return worker
