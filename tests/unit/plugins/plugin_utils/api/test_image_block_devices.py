# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import typing as t

from ansible_collections.kvmfleet.compute.plugins.plugin_utils.api import block_devices, image_block_devices
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.api.problems import gathered

FLAVOR = {"ephemeral_gb": 6, "swap": 512}
Seen = list[tuple[t.Any, ...]]


def merged(properties: dict[str, t.Any], bdms: list[dict[str, t.Any]] | None = None, **flavor: int) -> tuple[Seen, list[str]]:
    """([(source, device name, size, boot index)], error classes)."""
    given = {**FLAVOR, **flavor}
    of_image, faults, _remarks = gathered(image_block_devices.devices(properties, given))
    assert {fault.path for fault in faults} <= {"imageRef"}
    devices = block_devices.merge(given, "image", bdms or [], of_image=of_image)
    return [(bdm["source_type"], bdm["device_name"], bdm["volume_size"], bdm["boot_index"]) for bdm in devices], [fault.error_class for fault in faults]


def test_mappings_give_names_to_the_disks_of_the_flavor() -> None:
    properties = {"mappings": [{"virtual": "ami", "device": "vda"}, {"virtual": "ephemeral0", "device": "vdb"}, {"virtual": "swap", "device": "/dev/vdc"}]}
    assert merged(properties)[0] == [("image", None, None, 0), ("blank", "/dev/vdb", 6, -1), ("blank", "/dev/vdc", 512, -1)]
    assert merged(properties, swap=0)[0] == [("image", None, None, 0), ("blank", "/dev/vdb", 6, -1)]


def test_a_device_of_the_request_stands_in_for_the_images_of_that_name() -> None:
    properties = {"mappings": [{"virtual": "ephemeral0", "device": "vdb"}]}
    asked = [
        {"source_type": "image", "destination_type": "local", "uuid": "image", "boot_index": 0},
        {"source_type": "blank", "destination_type": "local", "device_name": "vdb", "volume_size": 2},
    ]
    assert merged(properties, asked, swap=0)[0] == [("image", None, None, 0), ("blank", "/dev/vdb", 2, None)]


def test_a_root_disk_of_the_images_own_replaces_the_image() -> None:
    properties = {"bdm_v2": True, "block_device_mapping": [{"source_type": "snapshot", "destination_type": "volume", "snapshot_id": "s", "boot_index": 0}]}
    asked = [{"source_type": "image", "destination_type": "local", "uuid": "image", "boot_index": 0}]
    for bdms in ([], asked):
        assert merged(properties, bdms, swap=0, ephemeral_gb=0)[0] == [("snapshot", None, None, 0)]


def test_an_old_mapping_that_says_nothing_is_an_error_of_the_image() -> None:
    assert merged({"block_device_mapping": [{"device_name": "vdb"}]})[1] == ["InvalidBDMFormat"]
