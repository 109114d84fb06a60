# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Room for images: what all fetches of a host may still write together never exceeds what is free."""

from __future__ import annotations

import contextlib
import fcntl
import os
import typing as t

from ansible_collections.kvmfleet.compute.plugins.module_utils.errors import ImageError

MARGIN = 64 << 20  # left free, in bytes


def free(folder: str) -> int:
    """The bytes that are free where a folder lies."""
    disk = os.statvfs(folder)
    return disk.f_bavail * disk.f_frsize


def is_held(descriptor: int) -> bool:
    """True if somebody else holds the lock of this file."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    fcntl.flock(descriptor, fcntl.LOCK_UN)
    return False


def _size(path: str) -> int:
    try:
        return os.stat(path).st_size
    except FileNotFoundError:
        return 0


def _promised(lock: str) -> int:
    """The bytes that a fetch may still write; 0 if nobody holds its lock any more."""
    descriptor = os.open(lock, os.O_RDONLY | os.O_CLOEXEC)
    try:
        total = os.pread(descriptor, 32, 0)
        return max(0, int(total) - _size(lock[: -len(".lock")])) if total.isdigit() and is_held(descriptor) else 0
    finally:
        os.close(descriptor)


class Room:
    """The room of one fetch, which holds ``<partial>.lock``: its total stands in that file, so that it counts for as long as the fetch lives, whoever asks."""

    def __init__(self, partial: str, descriptor: int) -> None:
        self.partial = partial
        self._folder = os.path.dirname(partial)
        self._descriptor = descriptor

    @contextlib.contextmanager
    def _alone(self) -> t.Iterator[None]:
        descriptor = os.open(os.path.join(self._folder, "space.lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)

    def _promised_to_others(self) -> int:
        own = os.path.basename(self.partial) + ".lock"
        return sum(_promised(os.path.join(self._folder, name)) for name in os.listdir(self._folder) if name.endswith(".lock") and name != own)

    def reserve(self, total: int, what: str) -> None:
        """Room for ``total`` bytes, those that are there already included; ImageError (NoSpaceForImage) if others leave too little."""
        with self._alone():
            needed, others = total - _size(self.partial), self._promised_to_others()
            left = free(self._folder)
            if needed + others + MARGIN > left:
                besides = f", {others} of them promised to other images" if others else ""
                raise ImageError("NoSpaceForImage", f"{what} needs {needed} bytes and a margin of {MARGIN}; {left} are free in {self._folder}{besides}")
            os.ftruncate(self._descriptor, 0)
            os.pwrite(self._descriptor, str(total).encode(), 0)

    def release(self) -> None:
        """Promise nothing any more."""
        os.ftruncate(self._descriptor, 0)
