# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Block devices that an image's properties ask for: ``mappings`` and ``block_device_mapping`` (with ``bdm_v2``); pure.

Follows ``nova/compute/api.py: _get_image_defined_bdms``, ``_prepare_image_mapping`` and ``_merge_bdms_lists``.
"""

from __future__ import annotations

import re
import typing as t

from ansible_collections.kvmfleet.compute.plugins.plugin_utils.api import legacy_block_devices
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.api.block_devices import Bad, Bdm, device_path

VIRTUAL = re.compile(r"swap|ephemeral(\d|[1-9]\d+)")


def _mapped(mapping: Bdm, flavor: dict[str, t.Any]) -> Bdm | None:
    """An ephemeral or swap disk of ``mappings``; None where it is something else, or where the flavor has none of it."""
    virtual = str(mapping.get("virtual") or "")
    size = flavor.get("swap" if virtual == "swap" else "ephemeral_gb") or 0
    if not VIRTUAL.fullmatch(virtual) or not size:
        return None
    return {
        "source_type": "blank",
        "destination_type": "local",
        "boot_index": -1,
        "volume_size": size,
        "guest_format": "swap" if virtual == "swap" else mapping.get("guest_format"),
        "device_name": device_path(mapping.get("device")),
        "delete_on_termination": True,
    }


def _listed(properties: dict[str, t.Any], name: str) -> list[Bdm]:
    found = properties.get(name)
    return [item for item in found if isinstance(item, dict)] if isinstance(found, list) else []


def devices(properties: dict[str, t.Any], flavor: dict[str, t.Any], bad: Bad) -> list[Bdm]:
    """The devices of an image's properties; its block devices stand in for its mappings of the same name."""
    listed = _listed(properties, "block_device_mapping")
    found = [{"path": "imageRef", **bdm} for bdm in listed] if properties.get("bdm_v2") else legacy_block_devices.convert(listed, None, bad, "imageRef")
    names = {device_path(bdm.get("device_name")) for bdm in found} - {None}
    mapped = [_mapped(mapping, flavor) for mapping in _listed(properties, "mappings")]
    return found + [bdm for bdm in mapped if bdm and bdm["device_name"] not in names]
