# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where a server's files lie below the instances path, named as Nova names them."""

from __future__ import annotations

import os
import re
import typing as t

from ansible_collections.kvmfleet.compute.plugins.module_utils.shapes import Disk
from ansible_collections.kvmfleet.compute.plugins.module_utils.storage.table import backend_of

# What is made in a server's folder: disks, each also on its way, the source of the config drive, the console log and its rotated parts.
_OURS = re.compile(r"(disk(\.eph[0-9]+|\.swap|\.config)?(\.part)?|config_drive\.json|console\.log(\.[0-9]+)?)\Z")
_OUR_FOLDER = re.compile(r"disk\.config\.part\.tree\Z")


def foreign_files(folder: str) -> t.List[str]:
    """The paths in a server's folder that this collection doesn't make, by their names and kinds."""
    with os.scandir(folder) as entries:
        return sorted(
            entry.path
            for entry in entries
            if not (entry.is_file(follow_symlinks=False) and _OURS.match(entry.name))
            and not (entry.is_dir(follow_symlinks=False) and _OUR_FOLDER.match(entry.name))
        )


class InstanceFiles:
    """The paths of one server."""

    def __init__(self, folder: str) -> None:
        self.folder = folder
        self.config_source = os.path.join(self.folder, "config_drive.json")
        self.console_log = os.path.join(self.folder, "console.log")

    def disk(self, disk: Disk) -> str:
        """Where a disk lies."""
        return backend_of(disk).path(self.folder, disk)

    def missing(self, disks: t.Iterable[Disk]) -> t.List[Disk]:
        """The disks that are not there, or can't be read."""
        return [disk for disk in disks if not self._is_readable(disk)]

    def _is_readable(self, disk: Disk) -> bool:
        try:
            return backend_of(disk).exists(self.disk(disk))
        except OSError:
            return False
