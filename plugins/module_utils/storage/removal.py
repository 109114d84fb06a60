# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How each kind of thing is removed that is made for a server on its host."""

from __future__ import annotations

import contextlib
import errno
import os
import re
import shutil
import typing as t


def _remove_tree(path: str) -> None:
    if os.path.lexists(path):
        shutil.rmtree(path)


def _remove_file(path: str) -> None:
    with contextlib.suppress(FileNotFoundError):
        os.unlink(path)


def _remove_folder(path: str) -> None:
    """Remove a folder that is empty; what lies in it else is foreign, and stays with it."""
    try:
        os.rmdir(path)
    except OSError as error:
        if error.errno not in (errno.ENOENT, errno.ENOTEMPTY, errno.EEXIST):
            raise


def _remove_log(path: str) -> None:
    """Remove a console log, and those that virtlogd has rotated: console.log.0 and so on."""
    folder, name = os.path.split(path)
    rotated = re.compile(re.escape(name) + r"\.[0-9]+\Z")
    with contextlib.suppress(FileNotFoundError):
        for other in os.listdir(folder):
            if rotated.match(other):
                _remove_file(os.path.join(folder, other))
    _remove_file(path)


# How each kind of thing is removed that is made for a server; what was never made is none.
REMOVERS: t.Dict[str, t.Callable[[str], None]] = {"file": _remove_file, "dir": _remove_folder, "tree": _remove_tree, "log": _remove_log}


def remove_path(kind: str, path: str) -> None:
    """Remove one thing; OSError if that fails."""
    REMOVERS[kind](path)
