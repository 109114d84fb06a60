# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The config drive: an ISO 9660 image.

Follows ``nova/virt/configdrive.py: ConfigDriveBuilder``.
"""

from __future__ import annotations

import os
import shutil
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


def make_iso(path: str, tree: t.Dict[str, bytes], folder: str) -> None:
    """An ISO 9660 image (Joliet, Rock Ridge, label config-2) of {path: content}; ``folder``: made for the work, and left to the caller."""
    tool = iso_tool()
    if tool is None:
        raise ServerError("CommandNotFound", "no ISO tool (genisoimage, mkisofs or xorriso) is installed on the host", reschedule=True)
    os.mkdir(folder, 0o700)
    for name, content in tree.items():
        target = os.path.join(folder, "tree", name)
        os.makedirs(os.path.dirname(target), exist_ok=True)
        with open(target, "wb") as file:
            file.write(content)
    flags = ["-quiet", "-J", "-r", "-l", "-V", LABEL, "-publisher", "kvmfleet.compute"]
    image = os.path.join(folder, "iso")
    commands.run([*tool, *flags, "-o", image, os.path.join(folder, "tree")])
    # Only now where others may look: the tool's file has the mode that it likes.
    os.chmod(image, DISK_MODE)
    os.rename(image, path)


class ConfigDrive(DiskBackend):
    """Read-only for the guest."""

    kind = "config_drive"
    readonly = True

    def scratch(self, path: str) -> t.Dict[str, str]:
        """The image on its way, and the folder with its content: user data and a password in plain text."""
        return {**super().scratch(path), f"{path}.part.tree": "tree"}

    def write(self, disk: Disk, path: str, sources: Sources) -> None:
        """Make the image, from a folder that is gone when the disk is whole."""
        make_iso(path, sources.config_drive(), f"{path}.tree")
