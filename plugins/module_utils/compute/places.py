# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How many servers are built at once: who only waits gives his place to another."""

from __future__ import annotations

import contextlib
import threading
import typing as t


class Places:
    """For any number of threads."""

    def __init__(self, number: int) -> None:
        self._free = threading.Semaphore(number)

    @contextlib.contextmanager
    def taken(self) -> t.Iterator[None]:
        """Wait for a place, and have it."""
        with self._free:
            yield

    @contextlib.contextmanager
    def given_up(self) -> t.Iterator[None]:
        """Another may have the place meanwhile."""
        self._free.release()
        try:
            yield
        finally:
            self._free.acquire()
