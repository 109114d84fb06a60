# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A qcow2 overlay on a cached image: the root disk.

Follows ``nova/virt/libvirt/imagebackend.py: Qcow2``.
"""

from __future__ import annotations

from ansible_collections.kvmfleet.compute.plugins.module_utils import commands
from ansible_collections.kvmfleet.compute.plugins.module_utils.errors import ServerError
from ansible_collections.kvmfleet.compute.plugins.module_utils.shapes import Disk
from ansible_collections.kvmfleet.compute.plugins.module_utils.storage.base import DiskBackend, Sources


class Overlay(DiskBackend):
    """Grown to the disk's size; size 0 leaves the image's own."""

    kind = "overlay"

    def write(self, disk: Disk, path: str, sources: Sources) -> None:
        """Make the overlay; FlavorDiskSmallerThanImage if the image does not fit."""
        base, size = sources.base_image(), disk["size_bytes"]
        if size and base.virtual_size > size:
            raise ServerError("FlavorDiskSmallerThanImage", f"the flavor's root disk has {size} bytes, the image's virtual size is {base.virtual_size} bytes")
        argv = ["qemu-img", "create", "-q", "-f", "qcow2", "-b", base.path, "-F", base.disk_format, path]
        commands.run([*argv, str(size)] if size else argv)
