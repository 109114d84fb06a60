# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Block devices that an image's properties ask for: ``mappings`` and ``block_device_mapping`` (with ``bdm_v2``); pure.

Follows ``nova/compute/api.py: _get_image_defined_bdms``, ``_prepare_image_mapping`` and ``_merge_bdms_lists``.
"""

from __future__ import annotations

import re
import typing as t

from ansible_collections.kvmfleet.compute.plugins.module_utils.shapes import Flavor
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.api import legacy_block_devices
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.api.block_devices import device_path
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.api.problems import Findings
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.api.server_body import DeviceBody

VIRTUAL = re.compile(r"swap|ephemeral(\d|[1-9]\d+)")


def _mapped(mapping: dict[str, t.Any], flavor: Flavor) -> DeviceBody | None:
    """An ephemeral or swap disk of ``mappings``; None if it is something else, or if the flavor has none of it."""
    virtual = str(mapping.get("virtual") or "")
    size = flavor["swap"] if virtual == "swap" else flavor["ephemeral_gb"]
    if not VIRTUAL.fullmatch(virtual) or not size:
        return None
    return {
        "source_type": "blank",
        "destination_type": "local",
        "boot_index": -1,
        "volume_size": size,
        "guest_format": "swap" if virtual == "swap" else mapping.get("guest_format"),
        "device_name": device_path(mapping.get("device")) or "",
        "delete_on_termination": True,
    }


def _listed(properties: dict[str, t.Any], name: str) -> list[dict[str, t.Any]]:
    found = properties.get(name)
    return [item for item in found if isinstance(item, dict)] if isinstance(found, list) else []


def devices(properties: dict[str, t.Any], flavor: Flavor) -> Findings[list[DeviceBody]]:
    """The devices of an image's properties; its block devices stand in for its mappings of the same name."""
    # Whatever it holds: it is read where a device gets every field.
    listed: t.Any = [{"path": "imageRef", **bdm} for bdm in _listed(properties, "block_device_mapping")]
    found: list[DeviceBody]
    if properties.get("bdm_v2"):
        found = listed
    else:
        found = yield from legacy_block_devices.convert(listed, None, "imageRef")
    names = {device_path(bdm.get("device_name")) for bdm in found} - {None}
    mapped = [_mapped(mapping, flavor) for mapping in _listed(properties, "mappings")]
    return found + [bdm for bdm in mapped if bdm and bdm.get("device_name") not in names]
