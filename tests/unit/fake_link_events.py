# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The kernel's news of network devices, for the host side's unit tests: what happens is what a test wants to happen."""

from __future__ import annotations

import collections
import threading
import typing as t

from ansible_collections.kvmfleet.compute.plugins.module_utils.network.link_events import LinkEventsLike


class FakeLinkEvents:
    """``then(change)``: the next wait ends at once, after this change; a wait for which there is none ends with its time.

    ``before``: what happens right before anybody listens; it raises what a kernel that has no such news does.
    """

    def __init__(self) -> None:
        self.changes: collections.deque[t.Callable[[], object]] = collections.deque()
        self.waits: list[float] = []
        self.listeners = 0
        self.before: t.Callable[[], object] = lambda: None
        self._lock = threading.Lock()

    def then(self, change: t.Callable[[], object]) -> None:
        self.changes.append(change)

    def __enter__(self) -> FakeLinkEvents:
        self.before()
        self.listeners += 1
        return self

    def __exit__(self, *_exc: object) -> None:
        self.listeners -= 1

    def wait(self, timeout_s: float) -> bool:
        assert self.listeners
        with self._lock:
            self.waits.append(timeout_s)
            change = self.changes.popleft() if self.changes else None
        if change is None:
            return False
        change()
        return True


def are_events(fake: FakeLinkEvents) -> LinkEventsLike:
    """For the type checker: the fake has what is waited for."""
    return fake
