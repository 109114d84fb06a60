# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What was made for one server on this host, written down before it is made, so that a failed build removes exactly that."""

from __future__ import annotations

import contextlib
import json
import os
import typing as t

from ansible_collections.kvmfleet.compute.plugins.module_utils.durable import sync_file
from ansible_collections.kvmfleet.compute.plugins.module_utils.errors import ServerError
from ansible_collections.kvmfleet.compute.plugins.module_utils.storage.removal import REMOVERS, remove_path


class Entry(t.TypedDict):
    """One thing that was made, or was about to be."""

    kind: str  # of storage/removal.py: file, dir, tree or log
    path: str  # where it lies


def _entry(line: bytes) -> t.Optional[Entry]:
    """The entry of a line; None if it was cut off by a crash, or is none of ours."""
    try:
        found: object = json.loads(line)
    except ValueError:
        return None
    if not isinstance(found, dict):
        return None
    kind: object = found.get("kind")
    path: object = found.get("path")
    return {"kind": kind, "path": path} if isinstance(kind, str) and kind in REMOVERS and isinstance(path, str) else None


def open_journals(state_path: str) -> t.List[str]:
    """The ids of the servers that have a journal."""
    try:
        return sorted(os.listdir(os.path.join(state_path, "journal")))
    except FileNotFoundError:
        return []


class Journal:
    """One file per server in the state directory: a JSON line for each thing. What is noted is on the disk before anything of it is made."""

    def __init__(self, state_path: str, uuid: str) -> None:
        self.path = os.path.join(state_path, "journal", uuid)

    def entries(self) -> t.List[Entry]:
        """What is written down, oldest first; a line that can't be read costs no other."""
        try:
            with open(self.path, "rb") as file:
                lines = file.read().split(b"\n")
        except FileNotFoundError:
            return []
        return [entry for entry in map(_entry, lines) if entry is not None]

    def note(self, *things: t.Tuple[str, str]) -> None:
        """Write down what the caller makes next, as (kind, path); ServerError (PathExists) if one of them exists."""
        for _kind, path in things:
            if os.path.lexists(path):
                raise ServerError("PathExists", f"{path} exists already and is not of this build; it is left alone", reschedule=True)
        folder = os.path.dirname(self.path)
        os.makedirs(folder, mode=0o700, exist_ok=True)
        # The empty line ends one that a crash has cut off.
        text = "\n" + "".join(json.dumps({"kind": kind, "path": path}) + "\n" for kind, path in things)
        descriptor = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(text.encode())
            file.flush()
            os.fsync(file.fileno())
        sync_file(folder)

    def undo(self) -> None:
        """Remove what is written down, newest first; a directory only if nothing foreign lies in it. Then the journal itself, unless something is left.

        OSError with the first that could not be removed.
        """
        failed: t.List[OSError] = []
        for entry in reversed(self.entries()):
            try:
                remove_path(entry["kind"], entry["path"])
            except OSError as error:
                failed.append(error)
        if failed:
            raise failed[0]
        self.close()

    def close(self) -> None:
        """Forget the journal for good: nothing of it is to be undone any more."""
        with contextlib.suppress(FileNotFoundError):
            os.unlink(self.path)
            sync_file(os.path.dirname(self.path))
