# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What was made for one server on this host, written down before it is made, so that a failed build removes exactly that."""

from __future__ import annotations

import contextlib
import errno
import json
import os
import typing as t

from ansible_collections.kvmfleet.compute.plugins.module_utils.errors import ServerError


class Entry(t.TypedDict):
    """One thing that was made, or was about to be."""

    kind: str  # file or dir
    path: str  # where it lies


def _remove_folder(path: str) -> None:
    """Remove a folder that is empty; what lies in it else is foreign, and stays with it."""
    try:
        os.rmdir(path)
    except OSError as error:
        if error.errno not in (errno.ENOTEMPTY, errno.EEXIST):
            raise


# How each kind of thing is removed; FileNotFoundError says that it was never made.
KINDS: t.Dict[str, t.Callable[[str], None]] = {"file": os.unlink, "dir": _remove_folder}


class Journal:
    """One file per server in the state directory: a JSON line for each thing."""

    def __init__(self, state_path: str, uuid: str) -> None:
        self._path = os.path.join(state_path, "journal", uuid)

    def entries(self) -> list[Entry]:
        """What is written down, oldest first; a line cut off by a crash stands for nothing that was made."""
        try:
            with open(self._path, encoding="utf-8") as file:
                lines = file.read().splitlines()
        except FileNotFoundError:
            return []
        result: list[Entry] = []
        for line in lines:
            with contextlib.suppress(ValueError):
                result.append(json.loads(line))
        return result

    def note(self, kind: str, path: str) -> None:
        """Write down what the caller makes next; ServerError (PathExists) if it exists."""
        if os.path.lexists(path):
            raise ServerError("PathExists", f"{path} exists already and is not of this build; it is left alone", reschedule=True)
        os.makedirs(os.path.dirname(self._path), mode=0o700, exist_ok=True)
        descriptor = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        try:
            os.write(descriptor, (json.dumps({"kind": kind, "path": path}) + "\n").encode())
        finally:
            os.close(descriptor)

    def make_dir(self, path: str, mode: int) -> None:
        """Make a directory that must not exist."""
        self.note("dir", path)
        os.makedirs(path, mode=mode)
        os.chmod(path, mode)

    def make_file(self, path: str) -> str:
        """Note a file that the caller makes next; it must not exist. Returns the path."""
        self.note("file", path)
        return path

    def undo(self) -> None:
        """Remove what is written down, newest first; a directory only if nothing foreign lies in it. Then the journal itself."""
        for entry in reversed(self.entries()):
            with contextlib.suppress(FileNotFoundError):
                KINDS[entry["kind"]](entry["path"])
        self.close()

    def close(self) -> None:
        """Forget the journal: the build is complete, or undone."""
        with contextlib.suppress(FileNotFoundError):
            os.unlink(self._path)
