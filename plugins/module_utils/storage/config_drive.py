# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The config drive: an ISO 9660 image.

Follows ``nova/virt/configdrive.py: ConfigDriveBuilder``.
"""

from __future__ import annotations

import os
import shutil
import tempfile
import typing as t

from ansible_collections.kvmfleet.compute.plugins.module_utils import commands
from ansible_collections.kvmfleet.compute.plugins.module_utils.errors import ServerError
from ansible_collections.kvmfleet.compute.plugins.module_utils.shapes import Disk
from ansible_collections.kvmfleet.compute.plugins.module_utils.storage.base import DISK_MODE, DiskBackend, Sources

LABEL = "config-2"  # which cloud-init looks for
ISO_TOOLS = (["genisoimage"], ["mkisofs"], ["xorriso", "-as", "mkisofs"], ["xorrisofs"])


def iso_tool() -> t.Optional[t.List[str]]:
    """The first ISO 9660 tool that the host has."""
    for argv in ISO_TOOLS:
        if shutil.which(argv[0]):
            return list(argv)
    return None


def make_iso(path: str, tree: t.Dict[str, bytes]) -> None:
    """An ISO 9660 image (Joliet, Rock Ridge, label config-2) of {path: content}, replaced atomically."""
    tool = iso_tool()
    if tool is None:
        raise ServerError("CommandNotFound", "no ISO tool (genisoimage, mkisofs or xorriso) is installed on the host", reschedule=True)
    folder = tempfile.mkdtemp(prefix=".config_drive.", dir=os.path.dirname(path))
    try:
        for name, content in tree.items():
            target = os.path.join(folder, "tree", name)
            os.makedirs(os.path.dirname(target), exist_ok=True)
            with open(target, "wb") as file:
                file.write(content)
        image = os.path.join(folder, "iso")
        flags = ["-quiet", "-J", "-r", "-l", "-V", LABEL, "-publisher", "kvmfleet.compute"]
        commands.run([*tool, *flags, "-o", image, os.path.join(folder, "tree")])
        os.chmod(image, DISK_MODE)
        os.replace(image, path)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


class ConfigDrive(DiskBackend):
    """Read-only for the guest."""

    kind = "config_drive"
    readonly = True

    def make(self, disk: Disk, path: str, sources: Sources) -> None:
        """Make the image."""
        make_iso(path, sources.config_drive())
