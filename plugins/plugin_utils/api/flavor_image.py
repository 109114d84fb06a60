# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Flavor and image together (``API._validate_flavor_image_nostatus``): status, config drive, memory, disk, hardware; pure."""

from __future__ import annotations

import typing as t
from collections.abc import Callable

from ansible_collections.kvmfleet.compute.plugins.plugin_utils.api import hardware

Data = dict[str, t.Any]
GIB = 2**30
# (field of the request, rule, error class)
Bad = Callable[[str, str, str], None]


def check(
    flavor: Data,
    image: Data,
    *,
    size: int | None,
    root_volume_gb: int | None,
    zero_disk_allowed: bool,
    bad: Bad,
    is_volume_booted: bool = False,
) -> None:
    """Report every rule that the two break, in Nova's order.

    ``size``: the image's virtual size in bytes, where it is known. ``root_volume_gb``: the size of the volume that is booted from.
    """
    properties = image["properties"]
    if image["status"] != "active":
        bad("imageRef", f"image {image['name']} has the status {image['status']}, not active", "ImageNotActive")
    drive = properties.get("img_config_drive")
    if drive not in (None, "optional", "mandatory"):
        bad("imageRef", f"its property img_config_drive is {drive!r}, not optional or mandatory", "InvalidImageConfigDrive")
    if flavor["memory_mb"] < int(image["min_ram"] or 0):
        bad("flavorRef", f"has {flavor['memory_mb']} MB of memory, image {image['name']} needs {image['min_ram']} MB", "FlavorMemoryTooSmall")
    _hardware(lambda: hardware.packed_ring(flavor, properties), bad)
    if root_volume_gb is not None:
        if int(image["min_disk"] or 0) > root_volume_gb:
            bad(
                "block_device_mapping_v2",
                f"the root volume has {root_volume_gb} GB, image {image['name']} needs {image['min_disk']} GB",
                "VolumeSmallerThanMinDisk",
            )
    elif not is_volume_booted:
        _disk(flavor, image, size, zero_disk_allowed, bad)
    _hardware(lambda: hardware.constraints(flavor, properties), bad)


def _hardware(work: Callable[[], t.Any], bad: Bad) -> None:
    try:
        work()
    except hardware.ConstraintError as error:
        bad("flavorRef", error.rule, error.error_class)


def _disk(flavor: Data, image: Data, size: int | None, zero_disk_allowed: bool, bad: Bad) -> None:
    root_gb = int(flavor["root_gb"] or 0)
    if not root_gb:
        # 0 stands for no limit.
        if not zero_disk_allowed:
            bad("flavorRef", "has no root disk: such a flavor boots from a volume only", "BootFromVolumeRequiredForZeroDiskFlavor")
        return
    if size and size > root_gb * GIB:
        bad("flavorRef", f"has a root disk of {root_gb} GB, image {image['name']} needs {-(-size // GIB)} GB", "FlavorDiskSmallerThanImage")
    if int(image["min_disk"] or 0) > root_gb:
        bad("flavorRef", f"has a root disk of {root_gb} GB, image {image['name']} needs {image['min_disk']} GB (min_disk)", "FlavorDiskSmallerThanMinDisk")
