# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A sparse raw disk with an empty file system or swap space: ephemeral disks and swap.

Follows ``nova/virt/libvirt/driver.py: _create_ephemeral`` and ``_create_swap``.
"""

from __future__ import annotations

import os

from ansible_collections.kvmfleet.compute.plugins.module_utils import commands
from ansible_collections.kvmfleet.compute.plugins.module_utils.shapes import Disk
from ansible_collections.kvmfleet.compute.plugins.module_utils.storage.base import DISK_MODE, DiskBackend, Sources

SWAP = "swap"


class Blank(DiskBackend):
    """ext4 unless the disk is swap."""

    kind = "blank"

    def write(self, disk: Disk, path: str, sources: Sources) -> None:
        """Make the file and what is in it."""
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, DISK_MODE)
        try:
            os.truncate(descriptor, disk["size_bytes"])
        finally:
            os.close(descriptor)
        if disk["role"] == SWAP:
            commands.run(["mkswap", "-L", SWAP, path])
        else:
            commands.run(["mkfs.ext4", "-q", "-F", *(["-L", disk["label"]] if disk["label"] else []), path])
