# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A JSON file on the controller, replaced whole or not at all."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import tempfile
import typing as t


@contextlib.contextmanager
def locked(path: str) -> t.Iterator[None]:
    """Hold the lock of a file that is read and replaced, against other runs on this controller; its folder carries the lock, as the file itself is replaced."""
    descriptor = os.open(os.path.dirname(os.path.abspath(path)), os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def write(path: str, document: t.Any, mode: int) -> None:
    """Put the document there with these permissions; OSError where that can't be."""
    # mkstemp makes it 0600, so that it is never readable by more than it is meant to be.
    descriptor, temporary = tempfile.mkstemp(dir=os.path.dirname(os.path.abspath(path)), prefix=".kvmfleet-")
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            json.dump(document, file, indent=4)
            file.write("\n")
        os.chmod(temporary, mode)
        os.replace(temporary, path)
    except BaseException:
        os.unlink(temporary)
        raise
