# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What every kind of disk answers. One that lies in a file of the server's folder has most of it from here."""

from __future__ import annotations

import contextlib
import os
import typing as t
import xml.etree.ElementTree as ET

from ansible_collections.kvmfleet.compute.plugins.module_utils.durable import sync_file
from ansible_collections.kvmfleet.compute.plugins.module_utils.errors import ServerError
from ansible_collections.kvmfleet.compute.plugins.module_utils.shapes import Disk
from ansible_collections.kvmfleet.compute.plugins.module_utils.storage.removal import remove_path

DISK_MODE = 0o600


class BaseImage(t.NamedTuple):
    """A verified image in the host's cache."""

    path: str  # on the host
    disk_format: str  # qcow2 or raw
    virtual_size: int  # bytes


class Sources(t.Protocol):
    """What disks are made of; each is asked only if a disk needs it."""

    def base_image(self) -> BaseImage:
        """The image of the server's root disk; ServerError if it is not in the cache."""

    def config_drive(self) -> t.Dict[str, bytes]:
        """The content of the config drive by path."""


class DiskBackend:
    """One kind of disk. ``path`` is where the disk lies on the host."""

    kind = ""  # of a Disk, and the file's name
    journal_kind = "file"  # how the journal removes it
    readonly = False

    def path(self, folder: str, disk: Disk) -> str:
        """Where the disk of a server with this folder lies; ServerError if its file's name leads out of it."""
        name = disk["file"]
        if not name or os.path.basename(name) != name or name in (os.curdir, os.pardir):
            raise ServerError("InvalidDiskInfo", f"{name!r} is not the name of a file in the server's folder")
        return os.path.join(folder, name)

    def scratch(self, path: str) -> t.Dict[str, str]:
        """What is made on the way to the disk and is gone when it is whole: {path: how the journal removes it}."""
        return {f"{path}.part": "file"}

    def make(self, disk: Disk, path: str, sources: Sources) -> None:
        """Make the disk; ServerError or OSError if that fails, FileExistsError if something is there.

        It is made aside and linked into place when it is whole: no tool can write over what is there, and nobody finds a disk that is half made.
        """
        whole = f"{path}.part"
        self._clear(path)
        try:
            self.write(disk, whole, sources)
            os.chmod(whole, DISK_MODE)
            # A power cut leaves no disk that has its name and not its content.
            sync_file(whole)
            os.link(whole, path)
        finally:
            self._clear(path)

    def write(self, disk: Disk, path: str, sources: Sources) -> None:
        """Write the disk's content to a file that does not exist and that nobody else uses; ServerError or OSError if that fails."""
        raise NotImplementedError

    def exists(self, path: str) -> bool:
        """True if the disk is there; OSError if that can't be read: a file system that doesn't answer has lost nothing."""
        try:
            os.stat(path)
        except FileNotFoundError:
            return False
        return True

    def remove(self, path: str) -> bool:
        """Remove the disk, and what a killed process left beside it; True if the disk was there."""
        self._clear(path)
        with contextlib.suppress(FileNotFoundError):
            os.unlink(path)
            return True
        return False

    def _clear(self, path: str) -> None:
        for scratch, kind in self.scratch(path).items():
            remove_path(kind, scratch)

    def element(self, disk: Disk, path: str) -> ET.Element:
        """``<disk>`` (``nova/virt/libvirt/imagebackend.py: libvirt_info``)."""
        element = ET.Element("disk", {"type": "file", "device": disk["device"]})
        ET.SubElement(element, "driver", {"name": "qemu", "type": disk["format"]})
        ET.SubElement(element, "source", {"file": path})
        ET.SubElement(element, "target", {"dev": disk["device_name"], "bus": disk["bus"]})
        if self.readonly:
            ET.SubElement(element, "readonly")
        if disk["boot_order"] is not None:
            ET.SubElement(element, "boot", {"order": str(disk["boot_order"])})
        return element
