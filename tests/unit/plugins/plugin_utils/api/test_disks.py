"""The disks that the api stage decides on: what Nova's libvirt driver answered to the same flavor, image and block devices, and what can't be built."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.kvmfleet.compute.plugins.module_utils.shapes import Flavor
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.api import block_devices, disks

GIB, MIB = 2**30, 2**20
ROOT = {"source_type": "image", "destination_type": "local", "boot_index": 0, "uuid": "i"}
BLANK = {"source_type": "blank", "destination_type": "local", "volume_size": 1}
SWAP = {**BLANK, "guest_format": "swap", "volume_size": 512}


def plan(*devices: dict[str, t.Any], config_drive: bool = False, **properties: t.Any) -> disks.Plan:
    flavor: Flavor = {"id": "f", "name": "f", "vcpus": 1, "memory_mb": 512, "root_gb": 20, "ephemeral_gb": 2, "swap": 512, "extra_specs": {}}
    merged = block_devices.merge(dict(flavor), "i", list(devices))
    return disks.plan(flavor, merged, properties, config_drive)


def named(found: disks.Plan) -> list[tuple[str, str, str, str]]:
    assert found.faults == []
    return [(disk["role"], disk["device"], disk["bus"], disk["device_name"]) for disk in found.disks]


def faults(found: disks.Plan) -> list[tuple[str, str]]:
    assert found.disks == []
    return [(fault.path, fault.error_class) for fault in found.faults]


def test_flavor_and_image_make_the_disks_that_nova_makes() -> None:
    found = plan()
    assert named(found) == [("root", "disk", "virtio", "vda"), ("ephemeral", "disk", "virtio", "vdb"), ("swap", "disk", "virtio", "vdc")]
    assert [(disk["kind"], disk["file"], disk["format"], disk["size_bytes"], disk["boot_order"], disk["label"]) for disk in found.disks] == [
        ("overlay", "disk", "qcow2", 20 * GIB, 1, None),
        ("blank", "disk.eph0", "raw", 2 * GIB, None, "ephemeral0"),
        ("blank", "disk.swap", "raw", 512 * MIB, None, "swap"),
    ]
    assert found.notes == []


@pytest.mark.parametrize(
    ("properties", "config"),
    [
        ({}, ("config", "disk", "virtio", "vdd")),
        ({"hw_cdrom_bus": "sata"}, ("config", "cdrom", "sata", "sda")),
        ({"hw_cdrom_bus": "virtio", "hw_disk_bus": "scsi"}, ("config", "disk", "virtio", "vda")),
        ({"hw_disk_bus": "sata"}, ("config", "disk", "sata", "sdd")),
        ({"hw_disk_bus": "ide"}, ("config", "disk", "ide", "hdd")),
        ({"hw_disk_bus": "scsi", "hw_cdrom_bus": "usb"}, ("config", "cdrom", "usb", "sdd")),
    ],
)
def test_the_config_drive_is_a_disk_unless_the_image_names_a_bus_for_cdroms(properties: dict[str, str], config: tuple[str, str, str, str]) -> None:
    assert named(plan(config_drive=True, **properties))[-1] == config


def test_ephemeral_disks_and_swap_of_a_request_are_named_in_nova_s_order() -> None:
    found = plan({**ROOT}, {**SWAP, "volume_size": 256}, {**BLANK, "guest_format": "ext4"})
    assert [(disk["role"], disk["device_name"], disk["size_bytes"], disk["guest_format"]) for disk in found.disks] == [
        ("root", "vda", 20 * GIB, None),
        ("ephemeral", "vdb", GIB, "ext4"),
        ("swap", "vdc", 256 * MIB, "swap"),
    ]


def test_after_26_disks_on_a_bus_the_names_have_two_letters() -> None:
    assert [disk["device_name"] for disk in plan(ROOT, *[BLANK] * 26).disks][-2:] == ["vdaa", "vdab"]
    assert disks.device_name("vd", 25) == "vdz"
    assert disks.device_name("vd", 26 * 27) == "vdaaa"


def test_a_block_device_s_own_bus_type_and_tag_count() -> None:
    found = plan({**ROOT, "disk_bus": "scsi", "tag": "system"}, {**BLANK, "disk_bus": "sata", "device_type": "cdrom", "boot_index": 1})
    assert named(found)[:2] == [("root", "disk", "scsi", "sda"), ("ephemeral", "cdrom", "sata", "sdb")]
    assert found.disks[0]["tag"] == "system"
    assert [disk["boot_order"] for disk in found.disks] == [1, 2, None]


@pytest.mark.parametrize(
    ("root", "properties"),
    [({"device_name": "/dev/sda"}, {}), ({}, {"root_device_name": "/dev/sda"}), ({}, {"mappings": [{"virtual": "root", "device": "sda"}]})],
)
def test_only_the_root_disk_keeps_a_name_that_is_given(root: dict[str, str], properties: dict[str, t.Any]) -> None:
    found = plan({**ROOT, **root}, {**BLANK, "device_name": "/dev/vdz"}, **properties)
    assert named(found)[:2] == [("root", "disk", "virtio", "sda"), ("ephemeral", "disk", "virtio", "vda")]
    assert found.notes == ["block_device_mapping_v2[1].device_name /dev/vdz has no effect, as in Nova: the disk is vda"]


def test_what_a_block_device_asks_for_in_vain_is_said() -> None:
    root = {**ROOT, "volume_size": 5, "delete_on_termination": False, "tag": "system", "disk_bus": "xen", "device_type": "tape"}
    said = plan(root, {**BLANK, "guest_format": "xfs"}).notes
    fields = [note.split(" ")[0].rpartition(".")[2] for note in said]
    assert fields == [
        "device_type",
        "disk_bus",
        "volume_size",
        "delete_on_termination",
        "tag",
        "guest_format",
    ]


@pytest.mark.parametrize("bus", ["lxc", "uml", "xen", "fdc", "virtoi"])
@pytest.mark.parametrize("name", ["hw_disk_bus", "hw_cdrom_bus"])
def test_a_bus_of_the_image_that_kvm_lacks_is_refused(name: str, bus: str) -> None:
    assert faults(plan(config_drive=True, **{name: bus})) == [("imageRef", "UnsupportedHardware")]


@pytest.mark.parametrize(
    ("device", "properties", "fault"),
    [
        ({"disk_bus": "fdc"}, {}, ("block_device_mapping_v2[1].disk_bus", "UnsupportedHardware")),
        ({"device_type": "floppy"}, {}, ("block_device_mapping_v2[1].device_type", "UnsupportedHardware")),
        ({"device_type": "lun"}, {}, ("block_device_mapping_v2[1].device_type", "UnsupportedHardware")),
        ({"device_type": "cdrom"}, {}, ("imageRef", "UnsupportedHardware")),
        ({"disk_bus": "ide"}, {"hw_machine_type": "pc-q35-7.2"}, ("block_device_mapping_v2[1].disk_bus", "UnsupportedHardware")),
    ],
)
def test_a_block_device_that_kvm_can_not_build_is_refused(device: dict[str, str], properties: dict[str, str], fault: tuple[str, str]) -> None:
    assert faults(plan(ROOT, {**BLANK, **device}, **properties)) == [fault]


def test_the_ide_bus_has_room_for_four() -> None:
    assert faults(plan(ROOT, BLANK, BLANK, BLANK, hw_disk_bus="ide")) == [("imageRef", "TooManyDiskDevices")]


def test_a_root_disk_name_that_libvirt_can_not_read_is_refused() -> None:
    assert faults(plan({**ROOT, "device_name": "/dev/root"})) == [("block_device_mapping_v2[0].device_name", "InvalidBDM")]


def test_the_image_is_the_root_disk_even_if_no_device_names_it() -> None:
    found = plan({**BLANK, "boot_index": 0})
    assert named(found)[:2] == [("root", "disk", "virtio", "vda"), ("ephemeral", "disk", "virtio", "vdb")]
    assert [disk["boot_order"] for disk in found.disks] == [1, None, None]


def test_a_blank_disk_is_nothing_to_boot_from(api: t.Any) -> None:
    blank = {"source_type": "blank", "destination_type": "local", "boot_index": 0, "volume_size": 5}
    assert api.faults(api.request(image=..., block_device_mapping_v2=[blank])) == [("block_device_mapping_v2[0]", "InvalidBDM", 400)]


def test_an_instance_has_its_disks_and_the_topology_that_was_checked(api: t.Any) -> None:
    flavors = {"small": {"vcpus": 4, "memory_mb": 512, "root_gb": 10, "extra_specs": {"hw:cpu_max_sockets": "1"}}}
    instance = api.check(api.request(), catalogue={"flavors": flavors})["instances"][0]["instance"]
    assert instance["topology"] == {"sockets": 1, "cores": 4, "threads": 1}
    assert [disk["role"] for disk in instance["disks"]] == ["root", "config"]
    images = {"debian": {"source": "https://example.org/d.qcow2", "checksum": "sha256:" + "0" * 64, "properties": {"hw_disk_bus": "fdc"}}}
    assert api.faults(api.request(), catalogue={"images": images}) == [("image", "UnsupportedHardware", 400)]
