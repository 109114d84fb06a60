# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An image on its way into the cache: a file that the module itself makes and owns, hashed, counted and given room while it is written."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import json
import os
import stat
import typing as t

from ansible_collections.kvmfleet.compute.plugins.module_utils.errors import ImageError
from ansible_collections.kvmfleet.compute.plugins.module_utils.image.space import Room

CHUNK = 1 << 20
STEP = 64 << 20  # room is asked for in these steps if nobody says how much will come
NO_SPACE = (errno.ENOSPC, errno.EDQUOT)


class Limit(t.NamedTuple):
    """The most bytes that an image may have."""

    most: int  # bytes
    name: str  # what says so


class Partial:
    """``what``: how messages call the image."""

    def __init__(self, room: Room, what: str, limit: Limit, algorithms: t.Iterable[str]) -> None:
        self.path = room.partial
        self.size = 0
        self._room = room
        self._what = what
        self._limit = limit
        self._algorithms = sorted(set(algorithms))
        self._promised = 0
        self._hashes = {name: hashlib.new(name) for name in self._algorithms}
        self._file: t.Optional[t.BinaryIO] = None

    def resumable(self) -> t.Tuple[int, str]:
        """(bytes that are there, the server's version of them); (0, "") if there is nothing to go on with."""
        try:
            with open(self.path + ".etag", encoding="utf-8") as file:
                validator = json.load(file)
            found = os.lstat(self.path)
        except (OSError, ValueError):
            return 0, ""
        is_own = stat.S_ISREG(found.st_mode) and found.st_uid == os.geteuid() and found.st_nlink == 1
        return (found.st_size, validator) if is_own and found.st_size and isinstance(validator, str) else (0, "")

    def begin(self, total: t.Optional[int], *, have: int = 0, validator: t.Optional[str] = None) -> None:
        """Open the file, anew or behind the ``have`` bytes that are there; ``total``: the bytes that it will have, if that is known."""
        if total is not None:
            self.check_limit(total)
        if not have:
            self.remove()
        self._promise(total if total is not None else min(self._limit.most, have + STEP))
        flags = os.O_RDWR | os.O_APPEND if have else os.O_RDWR | os.O_CREAT | os.O_EXCL
        self._file = os.fdopen(os.open(self.path, flags | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600), "r+b")
        self._hashes = {name: hashlib.new(name) for name in self._algorithms}
        self.size = 0
        if have:
            self._hash_what_is_there()
        if validator:
            with open(self.path + ".etag", "w", encoding="utf-8") as file:
                json.dump(validator, file)

    def _hash_what_is_there(self) -> None:
        file = self._opened()
        while True:
            chunk = file.read(CHUNK)
            if not chunk:
                return
            self._count(chunk)

    def _opened(self) -> t.BinaryIO:
        if self._file is None:
            raise ValueError(f"{self.path} is not open")
        return self._file

    def _count(self, chunk: bytes) -> None:
        self.size += len(chunk)
        for value in self._hashes.values():
            value.update(chunk)

    def _promise(self, total: int) -> None:
        self._room.reserve(total, self._what)
        self._promised = total

    def check_limit(self, total: int) -> None:
        """ImageError if an image of so many bytes is too large."""
        if total > self._limit.most:
            raise ImageError("ImageUnacceptable", f"{self._what}: it has more than {self._limit.most} bytes, {self._limit.name}")

    def write(self, chunk: bytes) -> None:
        """Add to the file; ImageError if that is too much for the limit or for the disk."""
        self.check_limit(self.size + len(chunk))
        if self.size + len(chunk) > self._promised:
            self._promise(min(self._limit.most, self.size + len(chunk) + STEP))
        try:
            self._opened().write(chunk)
        except OSError as error:
            raise self._failed(error) from error
        self._count(chunk)

    def _failed(self, error: OSError) -> ImageError:
        error_class = "NoSpaceForImage" if error.errno in NO_SPACE else "ImageDownloadFailed"
        return ImageError(error_class, f"{self._what}: {os.path.dirname(self.path)}: {error.strerror or error}")

    def close(self) -> None:
        """Write out what is buffered."""
        file, self._file = self._file, None
        if file:
            try:
                file.close()
            except OSError as error:
                raise self._failed(error) from error

    def digests(self) -> t.Dict[str, str]:
        """{algorithm: hexadecimal digest} of all that was written."""
        return {name: value.hexdigest() for name, value in self._hashes.items()}

    def remove(self) -> None:
        """Leave nothing."""
        file, self._file = self._file, None
        if file:
            with contextlib.suppress(OSError):
                file.close()
        for path in (self.path, self.path + ".etag"):
            with contextlib.suppress(FileNotFoundError):
                os.unlink(path)
