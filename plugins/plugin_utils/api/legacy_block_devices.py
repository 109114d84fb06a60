# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Legacy block devices (``block_device_mapping``) as those of today; pure.

Follows ``nova/block_device.py: BlockDeviceDict.from_legacy`` and ``from_legacy_mapping``.
"""

from __future__ import annotations

import re

from ansible_collections.kvmfleet.compute.plugins.plugin_utils.api.block_devices import ROOT_DEVICE, device_path
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.api.problems import Findings
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.api.server_body import DeviceBody, LegacyDeviceBody
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.schema.fault import Fault


def _converted(legacy: LegacyDeviceBody) -> DeviceBody | None:
    """What a device is by its fields, in Nova's order; None if they say nothing."""
    name = legacy.get("virtual_name") or ""
    if name == "swap" or re.fullmatch(r"ephemeral(\d|[1-9]\d+)", name):
        return {"source_type": "blank", "destination_type": "local", "guest_format": "swap" if name == "swap" else None, "delete_on_termination": True}
    for kind, uuid in (("snapshot", legacy.get("snapshot_id")), ("volume", legacy.get("volume_id"))):
        if uuid:
            return {"source_type": kind, "destination_type": "volume", "uuid": uuid}
    return {} if legacy.get("no_device") else None


def _kept(legacy: LegacyDeviceBody) -> DeviceBody:
    device: DeviceBody = {}
    if "volume_size" in legacy:
        device["volume_size"] = legacy["volume_size"]
    if "device_name" in legacy:
        device["device_name"] = legacy["device_name"]
    if "delete_on_termination" in legacy:
        device["delete_on_termination"] = legacy["delete_on_termination"]
    if "no_device" in legacy:
        device["no_device"] = legacy["no_device"]
    return device


def convert(mapping: list[LegacyDeviceBody], image_ref: str | None, of_image: str = "", has_root: bool = False) -> Findings[list[DeviceBody]]:
    """The devices of a legacy mapping, and the image as root disk unless a volume has the root device's name; each has its ``path``.

    ``of_image``: the path of the image whose properties have the mapping. ``has_root``: the root disk is somewhere else, so that none of these is it.
    """
    devices: list[DeviceBody] = []
    for index, legacy in enumerate(mapping):
        path = of_image or f"block_device_mapping[{index}]"
        known = _converted(legacy)
        if known is None:
            rule = "needs volume_id, snapshot_id, no_device or a virtual_name of ephemeralN or swap"
            yield Fault(path, legacy.get("virtual_name"), rule, "InvalidBDMFormat")
            continue
        device: DeviceBody = {**_kept(legacy), **known, "path": path}
        is_root = "uuid" in device and device_path(device.get("device_name")) == device_path(ROOT_DEVICE)
        device["boot_index"] = -1 if has_root else 0 if is_root else None if device.get("no_device") else -1
        devices.append(device)
    if image_ref and not has_root and not any(device["boot_index"] == 0 for device in devices):
        root: DeviceBody = {"source_type": "image", "destination_type": "local", "boot_index": 0, "delete_on_termination": True, "uuid": image_ref, "path": ""}
        devices.insert(0, root)
    return devices
