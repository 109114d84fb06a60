# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The guest's console log: its end for an error message, and what it says of cloud-init."""

from __future__ import annotations

import os
import re
import time
import typing as t
import unicodedata

POLL_S = 0.25
PIECE_BYTES = 2**16  # read at once
LOOK_BYTES = 2**23  # read at one look
OVERLAP_BYTES = 4096  # of a piece that are looked at again with the next one: more than any pattern is long
LEAST_BYTES = 16384  # of its end that are read, however few lines are asked for
LINE_BYTES = 400  # of a line that are shown
MOST_LINES = 1000
CLOUD_INIT_DONE = re.compile(rb"Cloud-init v\. \S+ finished at ")
_ESCAPE = re.compile("\x1b(?:\\[[0-?]*[ -/]*[@-~]|[()][A-Z0-9]|[=>78])")
# Unicode's categories of what moves, turns or hides the text around it: control and format characters (bidi overrides too), separators of lines.
_UNSEEN = frozenset({"Cc", "Cf", "Zl", "Zp"})


def _clean(line: str) -> str:
    text = _ESCAPE.sub("", line)
    return "".join(character for character in text if character == "\t" or unicodedata.category(character) not in _UNSEEN).rstrip()


def tail(path: str, lines: int = 20) -> list[str]:
    """The last lines of a console log, without control characters and sequences; empty if there is no log."""
    most_bytes = max(LEAST_BYTES, lines * LINE_BYTES)
    try:
        with open(path, "rb") as file:
            file.seek(max(0, os.fstat(file.fileno()).st_size - most_bytes))
            text = file.read().decode("utf-8", "replace")
    except OSError:
        return []
    clean = [_clean(line) for line in text.replace("\r", "\n").split("\n")]
    return [line[:LINE_BYTES] for line in clean if line][-lines:]


class Watch:
    """A console log that is read on from where it was read to. Memory is bounded, however much the guest prints.

    If the log is rotated, what is left of the old one is read before the new one.
    """

    def __init__(self, path: str) -> None:
        self._path = path
        self._descriptor: t.Optional[int] = None
        self._read_to = 0
        self._rest = b""

    def __enter__(self) -> Watch:
        return self

    def __exit__(self, *_exc: object) -> None:
        self._close()

    def says(self, pattern: t.Pattern[bytes]) -> bool:
        """True if the console has printed this since the last look."""
        try:
            return self._reads(self._open(), pattern) or (self._is_replaced(self._open()) and self._reads(self._open(), pattern))
        except OSError:
            return False

    def _open(self) -> int:
        if self._descriptor is None:
            self._descriptor, self._read_to = os.open(self._path, os.O_RDONLY | os.O_CLOEXEC), 0
        return self._descriptor

    def _close(self) -> None:
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def _reads(self, descriptor: int, pattern: t.Pattern[bytes]) -> bool:
        if os.fstat(descriptor).st_size < self._read_to:
            self._read_to = 0  # it was cut
        for _piece in range(LOOK_BYTES // PIECE_BYTES):
            piece = os.pread(descriptor, PIECE_BYTES, self._read_to)
            if not piece:
                break
            self._read_to += len(piece)
            text = self._rest + piece
            if pattern.search(text):
                return True
            self._rest = text[-OVERLAP_BYTES:]
        return False

    def _is_replaced(self, descriptor: int) -> bool:
        """True if this one is read to its end and another has the path by now, which is read from its beginning then."""
        there, here = os.stat(self._path), os.fstat(descriptor)
        if (there.st_dev, there.st_ino) == (here.st_dev, here.st_ino) or self._read_to < here.st_size:
            return False
        self._close()
        return True


def wait_for(path: str, pattern: t.Pattern[bytes], deadline: float, still: t.Callable[[], bool]) -> bool:
    """Wait until the console printed the pattern; False at the deadline (monotonic s) or when ``still()`` says that the guest is gone."""
    with Watch(path) as log:
        while not log.says(pattern):
            if time.monotonic() > deadline or not still():
                return log.says(pattern)
            time.sleep(POLL_S)
    return True
