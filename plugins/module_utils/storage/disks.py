# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A server's files: where they lie and how they are made.

Follows ``nova/virt/libvirt/driver.py: _create_image`` and ``imagebackend.py: Qcow2``.
"""

from __future__ import annotations

import os
import shutil
import tempfile
import typing as t

from ansible_collections.kvmfleet.compute.plugins.module_utils import commands
from ansible_collections.kvmfleet.compute.plugins.module_utils.errors import ServerError
from ansible_collections.kvmfleet.compute.plugins.module_utils.guest.config_drive import LABEL

ISO_TOOLS = (["genisoimage"], ["mkisofs"], ["xorriso", "-as", "mkisofs"], ["xorrisofs"])


class InstanceFiles:
    """The paths of one server below the instances path, named as Nova names them."""

    def __init__(self, instances_path: str, uuid: str) -> None:
        self.folder = os.path.join(instances_path, uuid)
        self.root = os.path.join(self.folder, "disk")
        self.swap = os.path.join(self.folder, "disk.swap")
        self.config = os.path.join(self.folder, "disk.config")
        self.config_source = os.path.join(self.folder, "config_drive.json")
        self.console_log = os.path.join(self.folder, "console.log")

    def ephemeral(self, index: int) -> str:
        """The path of the ephemeral disk with this number."""
        return os.path.join(self.folder, f"disk.eph{index}")

    def plan(self, instance: dict[str, t.Any]) -> list[dict[str, t.Any]]:
        """The disks of an instance in the order of their device names: [{path, format, role, size (bytes), readonly}]."""
        flavor = instance["flavor"]
        disks: list[dict[str, t.Any]] = [{"path": self.root, "format": "qcow2", "role": "root", "size": int(flavor.get("root_gb") or 0) * 2**30}]
        local = [bdm for bdm in instance.get("block_device_mapping") or [] if bdm.get("source_type") == "blank" and bdm.get("destination_type") == "local"]
        ephemerals = [int(bdm["volume_size"]) for bdm in local if bdm.get("guest_format") != "swap"]
        if not local and flavor.get("ephemeral_gb"):
            ephemerals = [int(flavor["ephemeral_gb"])]
        swaps = [int(bdm["volume_size"]) for bdm in local if bdm.get("guest_format") == "swap"]
        if not local and flavor.get("swap"):
            swaps = [int(flavor["swap"])]
        for index, size_gb in enumerate(filter(None, ephemerals)):
            disks.append({"path": self.ephemeral(index), "format": "raw", "role": "ephemeral", "size": size_gb * 2**30, "label": f"ephemeral{index}"})
        for size_mb in filter(None, swaps[:1]):
            disks.append({"path": self.swap, "format": "raw", "role": "swap", "size": size_mb * 2**20})
        if instance.get("config_drive"):
            disks.append({"path": self.config, "format": "raw", "role": "config", "size": 0, "readonly": True})
        return disks


def make_overlay(path: str, base: dict[str, t.Any], size: int) -> None:
    """A qcow2 overlay at ``path`` on a cached image {path, disk_format, virtual_size}, grown to ``size`` bytes (0: the image's own)."""
    if size and base["virtual_size"] > size:
        raise ServerError("FlavorDiskSmallerThanImage", f"the flavor's root disk has {size} bytes, the image's virtual size is {base['virtual_size']} bytes")
    argv = ["qemu-img", "create", "-q", "-f", "qcow2", "-b", base["path"], "-F", base["disk_format"], path]
    commands.run([*argv, str(size)] if size else argv)
    os.chmod(path, 0o600)


def make_blank(disk: dict[str, t.Any]) -> None:
    """A sparse ephemeral (ext4) or swap disk."""
    with open(disk["path"], "xb") as file:
        os.truncate(file.fileno(), disk["size"])
    os.chmod(disk["path"], 0o600)
    if disk["role"] == "swap":
        commands.run(["mkswap", "-L", "swap", disk["path"]])
    else:
        commands.run(["mkfs.ext4", "-q", "-F", "-L", disk["label"], disk["path"]])


def iso_tool() -> list[str] | None:
    """The first ISO 9660 tool that the host has."""
    for argv in ISO_TOOLS:
        if shutil.which(argv[0]):
            return list(argv)
    return None


def make_iso(path: str, tree: dict[str, bytes]) -> None:
    """An ISO 9660 image (Joliet, Rock Ridge, label config-2) of {path: content}, mode 0600, replaced atomically."""
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
        os.chmod(image, 0o600)
        os.replace(image, path)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
