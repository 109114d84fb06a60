# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The disks of a guest, decided once from flavor, image and block devices, so that a host only makes them; pure.

Follows ``nova/virt/libvirt/blockinfo.py`` (``get_disk_mapping``, ``get_disk_bus_for_device_type``, ``get_info_from_bdm``) and
``LibvirtDriver.default_device_names_for_instance``. One thing differs on purpose: the config drive is a disk unless the image names a bus for CD-ROMs,
because the kernels of many cloud images have no driver for Nova's IDE or SATA CD-ROM.
"""

from __future__ import annotations

import re
import typing as t
from collections.abc import Iterator

from ansible_collections.kvmfleet.compute.plugins.module_utils.shapes import Disk, Flavor
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.api import block_devices
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.api.block_devices import BlockDevice
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.hardware.image_properties import known
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.schema.fault import Fault

GIB, MIB = 2**30, 2**20
# The first letters of the device names on each bus that a KVM guest can have its disks on; Nova knows more buses, which need another hypervisor.
PREFIXES = {"virtio": "vd", "scsi": "sd", "sata": "sd", "usb": "sd", "ide": "hd"}
# What Nova knows and KVM lacks: Nova drops it from a block device, and refuses it in an image.
ELSEWHERE = ("lxc", "uml", "xen")
MOST_ON_IDE = 4
DEVICE_TYPES = ("disk", "cdrom", "floppy", "lun")
_NAME = re.compile(r"(?:xvd|vd|sd|hd)[a-z]{1,3}")


class Plan(t.NamedTuple):
    """The disks, or what is in the way of them; and what has no effect."""

    disks: list[Disk]  # in the order of the domain's devices
    faults: list[Fault]  # paths below the server
    notes: list[str]  # sentences


NOTHING = Plan([], [], [])


def device_name(prefix: str, index: int) -> str:
    """``vda`` … ``vdz``, ``vdaa`` … (``block_device.generate_device_name``)."""
    letters = ""
    while index >= 0:
        letters = chr(ord("a") + index % 26) + letters
        index = index // 26 - 1
    return prefix + letters


def root_device_name(properties: dict[str, t.Any]) -> str | None:
    """The root disk's name by an image's properties (``block_device.properties_root_device_name``)."""
    name: str | None = None
    mappings = properties.get("mappings")
    for mapping in mappings if isinstance(mappings, list) else []:
        if isinstance(mapping, dict) and mapping.get("virtual") == "root":
            name = mapping.get("device")
    name = properties.get("root_device_name", name)
    return name if isinstance(name, str) and name else None


class _Planner:
    """Names the disks one after another; a name is given once."""

    def __init__(self, properties: dict[str, t.Any]) -> None:
        self._machine = str(properties.get("hw_machine_type") or "")
        self.disk_bus = str(properties.get("hw_disk_bus") or "virtio")
        self.cdrom_bus: str | None = properties.get("hw_cdrom_bus") or None
        self.disks: list[Disk] = []
        self.faults: list[Fault] = []
        self.notes: list[str] = []

    def refuse(self, path: str, value: object, rule: str, error_class: str = "UnsupportedHardware") -> None:
        self.faults.append(Fault(path, value, rule, error_class))

    def place(self, disk: Disk, path: str) -> None:
        """Give the disk a name, unless it has one, and take it; a bus that can't be built is refused at ``path``."""
        bus = disk["bus"]
        if bus not in PREFIXES:
            self.refuse(path, bus, f"a KVM guest cannot have a {disk['role']} disk on the bus {bus}; possible: {', '.join(PREFIXES)}")
            return
        if bus == "ide" and ("q35" in self._machine or self._machine.startswith("virt")):
            self.refuse(path, bus, f"the image's machine type {self._machine} has no IDE bus")
            return
        if disk["device"] == "cdrom" and bus == "virtio":
            self.refuse(path, bus, "a CD-ROM cannot be on the bus virtio; possible: scsi, sata, usb, ide")
            return
        if bus == "ide" and sum(1 for other in self.disks if other["bus"] == "ide") >= MOST_ON_IDE:
            self.refuse(path, bus, f"the bus ide has room for {MOST_ON_IDE} disks", "TooManyDiskDevices")
            return
        taken = {other["device_name"] for other in self.disks}
        if not disk["device_name"]:
            index = 0
            while device_name(PREFIXES[bus], index) in taken:
                index += 1
            disk["device_name"] = device_name(PREFIXES[bus], index)
        self.disks.append(disk)

    def bus(self, device: BlockDevice, given_name: str | None) -> str:
        """The bus of a block device: its own, else the image's."""
        own = device["disk_bus"]
        if not own:
            return self.disk_bus
        if own not in ELSEWHERE:
            return own
        # As in Nova: by the name, else what the image says of the type of device.
        by_name = {"hd": "ide", "sd": "scsi", "vd": "virtio"}.get((given_name or "")[:2])
        bus = by_name or (self.cdrom_bus if self.device_type(device) == "cdrom" else None) or self.disk_bus
        self.notes.append(f"{device['path']}.disk_bus {own} has no effect: a KVM guest has no such bus, the disk is on {bus}")
        return bus

    @staticmethod
    def device_type(device: BlockDevice) -> str:
        """What Nova doesn't know is a disk."""
        return device["device_type"] if device["device_type"] in DEVICE_TYPES else "disk"

    def of_block_device(self, device: BlockDevice, disk: Disk, given_name: str | None = None) -> None:
        """Place the disk of a block device with what the device says of it."""
        path = device["path"] or "imageRef"
        kind = self.device_type(device)
        if kind in ("floppy", "lun"):
            self.refuse(f"{path}.device_type", kind, f"a local disk cannot be a {kind}; possible: disk, cdrom")
            return
        if device["device_type"] and device["device_type"] != kind:
            self.notes.append(f"{path}.device_type {device['device_type']} has no effect: unknown type; known: {', '.join(DEVICE_TYPES)}")
        disk["device"], disk["bus"], disk["tag"] = kind, self.bus(device, given_name), device["tag"]
        self.place(disk, f"{path}.disk_bus" if device["disk_bus"] and device["path"] else "imageRef")


def _disk(
    kind: str, role: str, file: str, size_bytes: int, *, label: str | None = None, guest_format: str | None = None, boot_order: int | None = None
) -> Disk:
    return {
        "kind": kind,
        "role": role,
        "file": file,
        "format": "qcow2" if kind == "overlay" else "raw",
        "size_bytes": size_bytes,
        "bus": "virtio",
        "device": "disk",
        "device_name": "",
        "boot_order": boot_order,
        "guest_format": guest_format,
        "label": label,
        # Local disks go with their server, whatever a block device says.
        "delete_on_termination": True,
        "tag": None,
    }


def _boot_order(device: BlockDevice) -> int | None:
    """Of a disk beside the root disk, which is first."""
    index = device["boot_index"]
    return None if index is None or index <= 0 else index + 1


def _root(devices: list[BlockDevice], local: list[BlockDevice], has_image: bool) -> BlockDevice | None:
    """What the root disk is made of: as in Nova the image, whether or not a device names it, unless a volume is booted from."""
    named = next((device for device in local if device["source_type"] == "image"), None)
    return named or (block_devices.made("image", 0) if has_image and not block_devices.is_volume_booted(devices) else None)


def _ineffective(device: BlockDevice, disk: Disk) -> Iterator[str]:
    """What a block device asks for in vain."""
    path = device["path"]
    if device["device_name"] and disk["role"] != "root":
        yield f"{path}.device_name {device['device_name']} has no effect, as in Nova: the disk is {disk['device_name']}"
    if disk["role"] == "root" and device["volume_size"]:
        yield f"{path}.volume_size {device['volume_size']} has no effect: the flavor says how large the root disk is"
    if device["kept"]:
        yield f"{path}.delete_on_termination has no effect: a local disk is removed with its server"
    if disk["role"] == "ephemeral" and disk["guest_format"] not in (None, "ext4"):
        yield f"{path}.guest_format {disk['guest_format']} has no effect: ephemeral disks are made as ext4"
    if disk["tag"]:
        yield f"{path}.tag {disk['tag']} has no effect yet: the guest is told of the tags of network devices only"


def plan(flavor: Flavor, devices: list[BlockDevice], properties: dict[str, t.Any], config_drive: bool, has_image: bool = True) -> Plan:
    """The disks of a server in Nova's order (root, ephemeral, swap, config drive) with their buses and names.

    ``devices``: ``block_devices.merge``. ``properties``: the image's. ``has_image``: the request names one.
    """
    planner = _Planner(known(properties))
    for name, bus in (("hw_disk_bus", planner.disk_bus), ("hw_cdrom_bus", planner.cdrom_bus)):
        if bus and bus not in PREFIXES:
            planner.refuse(
                "imageRef", bus, f"a KVM guest has no disks on the bus {bus} that the image's property {name} names; possible: {', '.join(PREFIXES)}"
            )
    if planner.faults:
        return Plan([], planner.faults, planner.notes)
    local = [device for device in devices if device["destination_type"] == "local" and not device["no_device"]]
    root = _root(devices, local, has_image)
    first = block_devices.root_device(local)
    if root is None and first is not None:
        planner.refuse(first["path"], first["source_type"], "a blank disk has nothing to boot from; give imageRef", "InvalidBDM")
    if root:
        disk = _disk("overlay", "root", "disk", flavor["root_gb"] * GIB, boot_order=1)
        given = root["device_name"] or root_device_name(properties)
        if given:
            given = given.removeprefix("/dev/")
            if not _NAME.fullmatch(given):
                where = f"{root['path']}.device_name" if root["device_name"] and root["path"] else "imageRef"
                planner.refuse(where, given, "must be a device name such as vda, sda or hda", "InvalidBDM")
                return Plan([], planner.faults, planner.notes)
            disk["device_name"] = given
        planner.of_block_device(root, disk, given)
        planner.notes += _ineffective(root, disk)
    ephemerals = [device for device in local if block_devices.is_ephemeral(device) and device["volume_size"]]
    for index, device in enumerate(ephemerals):
        size = (device["volume_size"] or 0) * GIB
        disk = _disk(
            "blank",
            "ephemeral",
            f"disk.eph{index}",
            size,
            label=f"ephemeral{index}",
            guest_format=device["guest_format"],
            boot_order=_boot_order(device),
        )
        planner.of_block_device(device, disk)
        planner.notes += _ineffective(device, disk)
    for device in [device for device in local if block_devices.is_swap(device) and device["volume_size"]][:1]:
        disk = _disk("blank", "swap", "disk.swap", (device["volume_size"] or 0) * MIB, label="swap", guest_format="swap", boot_order=_boot_order(device))
        planner.of_block_device(device, disk)
        planner.notes += _ineffective(device, disk)
    if config_drive:
        disk = _disk("config_drive", "config", "disk.config", 0, label="config-2")
        disk["bus"] = planner.cdrom_bus or planner.disk_bus
        disk["device"] = "cdrom" if planner.cdrom_bus and planner.cdrom_bus != "virtio" else "disk"
        planner.place(disk, "imageRef")
    return Plan([] if planner.faults else planner.disks, planner.faults, planner.notes)
