from __future__ import annotations

import typing as t

import pytest

from ansible_collections.kvmfleet.compute.plugins.plugin_utils.api.legacy_block_devices import convert
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.api.problems import gathered

UUID = "11111111-1111-4111-8111-111111111111"
IMAGE = "22222222-2222-4222-8222-222222222222"


def short(devices: list[dict[str, t.Any]]) -> list[tuple[t.Any, ...]]:
    return [(d.get("source_type"), d.get("destination_type"), d["boot_index"]) for d in devices]


@pytest.mark.parametrize(
    ("legacy", "image", "wanted"),
    [
        ({"virtual_name": "ephemeral0"}, None, [("blank", "local", -1)]),
        ({"virtual_name": "swap"}, IMAGE, [("image", "local", 0), ("blank", "local", -1)]),
        ({"volume_id": UUID, "device_name": "vdb"}, IMAGE, [("image", "local", 0), ("volume", "volume", -1)]),
        ({"volume_id": UUID, "device_name": "/dev/vda"}, IMAGE, [("volume", "volume", 0)]),
        ({"snapshot_id": UUID, "volume_id": UUID, "device_name": "vda"}, None, [("snapshot", "volume", 0)]),
        ({"virtual_name": "ephemeral0", "device_name": "vda"}, None, [("blank", "local", -1)]),
        ({"no_device": True, "device_name": "vdb"}, None, [(None, None, None)]),
    ],
)
def test_what_nova_makes_of_a_legacy_device(legacy: dict, image: str | None, wanted: list) -> None:
    devices, faults, _remarks = gathered(convert([legacy], image))
    assert (short(devices), faults) == (wanted, [])


def test_it_is_merged_like_a_mapping_of_today(api: t.Any) -> None:
    legacy = api.request(block_device_mapping=[{"virtual_name": "ephemeral0", "volume_size": "3"}, {"virtual_name": "swap"}, {"no_device": True}])
    result = api.check(legacy)
    assert result["errors"] == []
    image = result["instances"][0]["instance"]["image"]["id"]
    blank = {"source_type": "blank", "destination_type": "local", "delete_on_termination": True}
    today = [{"source_type": "image", "destination_type": "local", "boot_index": 0, "uuid": image, "delete_on_termination": True}]
    today += [{**blank, "volume_size": 3, "boot_index": -1}, {**blank, "guest_format": "swap", "boot_index": -1}]
    disks = result["instances"][0]["instance"]["disks"]
    assert disks == api.check(api.request(block_device_mapping_v2=today))["instances"][0]["instance"]["disks"]
    assert [(disk["role"], disk["size_bytes"]) for disk in disks] == [("root", 10 * 2**30), ("ephemeral", 3 * 2**30), ("swap", 512 * 2**20), ("config", 0)]


@pytest.mark.parametrize(
    ("mapping", "path", "error_class"),
    [
        ([{}], "block_device_mapping[0]", "InvalidBDMFormat"),
        ([{"virtual_name": "ephemeral01"}], "block_device_mapping[0]", "InvalidBDMFormat"),
        ([{"volume_id": UUID, "device_name": "vda"}], "block_device_mapping[0]", "VolumeNotFound"),
        ([{"virtual_name": "swap"}, {"snapshot_id": UUID}], "block_device_mapping[1]", "VolumeNotFound"),
        ([{"virtual_name": "ephemeral0", "volume_size": 6}], "block_device_mapping", "InvalidBDMEphemeralSize"),
        ([{"virtual_name": "swap", "volume_size": 513}], "block_device_mapping[0].volume_size", "InvalidBDMSwapSize"),
    ],
)
def test_what_is_refused_and_where(api: t.Any, mapping: list, path: str, error_class: str) -> None:
    assert (path, error_class, 400) in api.faults(api.request(block_device_mapping=mapping))


def test_nothing_to_boot_from(api: t.Any) -> None:
    faults = api.faults(api.request(image=..., block_device_mapping=[{"virtual_name": "ephemeral0"}]))
    assert faults == [("block_device_mapping", "InvalidBDMBootSequence", 400)]


def test_both_mappings_are_one_too_many(api: t.Any) -> None:
    both = api.request(block_device_mapping=[{"virtual_name": "swap"}], block_device_mapping_v2=[{"source_type": "blank", "destination_type": "local"}])
    assert ("block_device_mapping", "HTTPBadRequest", 400) in api.faults(both)
    assert api.faults(api.request(block_device_mapping=[{"virtual_name": "swap"}], block_device_mapping_v2=[])) == []
