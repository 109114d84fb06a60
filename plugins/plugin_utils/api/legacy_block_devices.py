# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Legacy block devices (``block_device_mapping``) as those of today; pure.

Follows ``nova/block_device.py: BlockDeviceDict.from_legacy`` and ``from_legacy_mapping``.
"""

from __future__ import annotations

import re
import typing as t

from ansible_collections.kvmfleet.compute.plugins.plugin_utils.api.block_devices import ROOT_DEVICE, Bad, Bdm, device_path

KEPT = ("volume_size", "device_name", "delete_on_termination", "no_device")


def _converted(legacy: Bdm) -> Bdm | None:
    """What a device is by its fields, in Nova's order; None where they say nothing."""
    name = legacy.get("virtual_name") or ""
    if name == "swap" or re.fullmatch(r"ephemeral(\d|[1-9]\d+)", name):
        return {"source_type": "blank", "destination_type": "local", "guest_format": "swap" if name == "swap" else None, "delete_on_termination": True}
    for kind in ("snapshot", "volume"):
        if legacy.get(f"{kind}_id"):
            return {"source_type": kind, "destination_type": "volume", "uuid": legacy[f"{kind}_id"]}
    return {} if legacy.get("no_device") else None


def convert(mapping: list[Bdm], image_ref: str | None, bad: Bad, of_image: str = "", has_root: bool = False) -> list[Bdm]:
    """The devices of a legacy mapping, and the image as root disk unless a volume has the root device's name; each has its ``path``.

    ``of_image``: the path of the image whose properties have the mapping. ``has_root``: the root disk is somewhere else, so that none of these is it.
    """
    devices: list[Bdm] = []
    for index, legacy in enumerate(mapping):
        path = of_image or f"block_device_mapping[{index}]"
        known = _converted(legacy)
        if known is None:
            bad(path, legacy.get("virtual_name"), "needs volume_id, snapshot_id, no_device or a virtual_name of ephemeralN or swap", "InvalidBDMFormat")
            continue
        device: dict[str, t.Any] = {**{key: legacy[key] for key in KEPT if key in legacy}, **known, "path": path}
        is_root = "uuid" in device and device_path(device.get("device_name")) == device_path(ROOT_DEVICE)
        device["boot_index"] = -1 if has_root else 0 if is_root else None if device.get("no_device") else -1
        devices.append(device)
    if image_ref and not has_root and not any(device["boot_index"] == 0 for device in devices):
        root = {"source_type": "image", "destination_type": "local", "boot_index": 0, "delete_on_termination": True, "uuid": image_ref, "path": ""}
        devices.insert(0, root)
    return devices
