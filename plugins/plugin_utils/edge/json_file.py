# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A JSON file on the controller, replaced whole or not at all."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import typing as t

from ansible_collections.kvmfleet.compute.plugins.plugin_utils.edge import text_file


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
    text_file.write(path, json.dumps(document, indent=4) + "\n", mode)
