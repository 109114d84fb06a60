# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the disks of domains take of the instances' file system."""

from __future__ import annotations

import contextlib
import os
import typing as t

from ansible_collections.kvmfleet.compute.plugins.module_utils.hypervisor import HypervisorLike
from ansible_collections.kvmfleet.compute.plugins.module_utils.shapes import Domain

GIB = 2**30


def existing_parent(path: str) -> str:
    """The path itself, or the nearest folder above it that exists."""
    while not os.path.exists(path) and os.path.dirname(path) != path:
        path = os.path.dirname(path)
    return path


def _on_device(domain: Domain, device: int) -> t.List[str]:
    """The domain's writable disks on a file system."""
    paths = []
    for disk in domain["disks"]:
        if disk["path"] and not disk["readonly"] and disk["device"] == "disk":
            with contextlib.suppress(OSError):
                if os.stat(disk["path"]).st_dev == device:
                    paths.append(disk["path"])
    return paths


def _allocated(path: str) -> int:
    try:
        return os.stat(path).st_blocks * 512
    except OSError:
        return 0


def add_disk_sizes(hypervisor: HypervisorLike, domains: t.List[Domain], instances_path: str) -> int:
    """Set ``disk_bytes`` (virtual size on the instances' file system) of foreign domains; returns the bytes allocated by all domains' disks there."""
    device = os.stat(existing_parent(instances_path)).st_dev
    allocated = 0
    for domain in domains:
        own = _on_device(domain, device)
        allocated += sum(_allocated(path) for path in own)
        if domain["record"] is None:
            domain["disk_bytes"] = sum(hypervisor.disk_capacity(domain["uuid"], path) or 0 for path in own)
    return allocated
