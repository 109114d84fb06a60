# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Block devices: what the request, the image and the flavor ask for together, and whether that can be; pure.

Follows ``nova/compute/api.py: _check_and_transform_bdm``, ``_get_flavor_defined_bdms``, ``_validate_bdm`` and ``nova/block_device.py``.
"""

from __future__ import annotations

import typing as t
from collections.abc import Iterator, Mapping, Sequence

from ansible_collections.kvmfleet.compute.plugins.module_utils.shapes import Flavor
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.api.server_body import DeviceBody
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.hardware.constraints import is_true
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.hardware.image_properties import DISK_BUSES
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.schema.fault import Fault

MOST_LOCAL = 3
ROOT_DEVICE = "vda"

# {id: {size (GB)}} of volumes or snapshots
Sizes = Mapping[str, Mapping[str, int | None]]


class BlockDevice(t.TypedDict):
    """A block device with every field."""

    path: str  # where it was asked for, below the server; empty: nobody named it
    source_type: str | None  # volume, image, snapshot or blank
    destination_type: str | None  # local or volume
    boot_index: int | None  # 0: booted from
    volume_size: int | None  # GB; MB of a swap disk
    guest_format: str | None  # file system, or swap
    device_name: str | None  # /dev/vda
    device_type: str | None  # disk, cdrom, floppy or lun
    disk_bus: str | None  # one of DISK_BUSES
    tag: str | None  # the tag of a tagged device
    uuid: str | None  # of the image, volume or snapshot
    delete_on_termination: bool  # removed with the server
    kept: bool  # asked not to be removed with the server
    volume_type: str | None  # of a new volume
    no_device: bool  # left out


def _int(value: int | str | None) -> int | None:
    return None if value is None or value == "" else int(value)


def _text(value: object) -> str | None:
    """Text or nothing: an image's properties can hold anything."""
    if value is not None and not isinstance(value, str):
        raise ValueError(f"{value!r} is not text")
    return value or None


def device_path(name: str | None) -> str | None:
    """``/dev/vdb`` of ``vdb`` (``block_device.prepend_dev``)."""
    return f"/dev/{name.removeprefix('/dev/')}" if name else name


def _named(bdm: DeviceBody) -> str | None:
    """The id of the image, volume or snapshot that a device names; of one that is left out none."""
    if bdm.get("no_device"):
        return None
    of_source = {"image": bdm.get("image_id"), "volume": bdm.get("volume_id"), "snapshot": bdm.get("snapshot_id")}
    return _text(bdm.get("uuid") or of_source.get(bdm.get("source_type") or ""))


def normal(bdm: DeviceBody, path: str, volumes: Sizes | None = None, snapshots: Sizes | None = None) -> BlockDevice:
    """A device with every field, numbers as numbers, and the size of the volume or snapshot that it names; ``path`` is where it was asked for."""
    size, uuid, source = _int(bdm.get("volume_size")), _named(bdm), _text(bdm.get("source_type"))
    if source == "volume" and volumes and uuid is not None and uuid in volumes:
        size = volumes[uuid].get("size")
    if source == "snapshot" and snapshots and uuid is not None and uuid in snapshots:
        size = size or snapshots[uuid].get("size")
    is_removed = is_true(bdm.get("delete_on_termination", False))
    return {
        "path": bdm.get("path", path),
        "source_type": source,
        "destination_type": _text(bdm.get("destination_type")),
        "boot_index": _int(bdm.get("boot_index")),
        "volume_size": size,
        "guest_format": _text(bdm.get("guest_format")),
        "device_name": device_path(_text(bdm.get("device_name"))),
        "device_type": _text(bdm.get("device_type")),
        "disk_bus": _text(bdm.get("disk_bus")),
        "tag": _text(bdm.get("tag")),
        "uuid": uuid,
        "delete_on_termination": is_removed,
        "kept": bdm.get("delete_on_termination") is not None and not is_removed,
        "volume_type": _text(bdm.get("volume_type")),
        "no_device": bool(bdm.get("no_device")),
    }


def made(source: str, boot_index: int, *, uuid: str | None = None, volume_size: int | None = None, guest_format: str | None = None) -> BlockDevice:
    """A local device that nobody named."""
    device = normal({"source_type": source, "destination_type": "local", "boot_index": boot_index, "delete_on_termination": True}, "")
    device["uuid"], device["volume_size"], device["guest_format"] = uuid, volume_size, guest_format
    return device


def is_ephemeral(bdm: BlockDevice) -> bool:
    """A blank local disk that is not swap (``block_device.new_format_is_ephemeral``)."""
    return bdm["source_type"] == "blank" and bdm["destination_type"] == "local" and bdm["guest_format"] != "swap"


def is_swap(bdm: BlockDevice) -> bool:
    """A blank local disk with the format swap (``block_device.new_format_is_swap``)."""
    return bdm["source_type"] == "blank" and bdm["destination_type"] == "local" and bdm["guest_format"] == "swap"


def merge(
    flavor: Flavor,
    image_ref: str | None,
    bdms: list[DeviceBody],
    volumes: Sizes | None = None,
    snapshots: Sizes | None = None,
    of_image: Sequence[DeviceBody] = (),
) -> list[BlockDevice]:
    """The request's devices, or the image as root disk if it names none; those of the image's properties; what the flavor adds (ephemeral, swap).

    ``of_image``: ``image_block_devices.devices``.
    """
    merged = [normal(bdm, f"block_device_mapping_v2[{index}]", volumes, snapshots) for index, bdm in enumerate(bdms)]
    image_devices = [normal(bdm, "imageRef", volumes, snapshots) for bdm in of_image]
    if root_device(image_devices):
        merged = [bdm for bdm in merged if not (bdm["boot_index"] == 0 and bdm["source_type"] == "image")]
    elif image_ref and not bdms:
        merged.insert(0, made("image", 0, uuid=image_ref))
    # A device of the request stands in for the image's of the same name.
    names = {bdm["device_name"] for bdm in merged if bdm["device_name"]}
    merged += [bdm for bdm in image_devices if bdm["device_name"] not in names]
    for bdm in merged:
        # A blank disk without a size has the flavor's.
        if bdm["volume_size"] is None and (is_ephemeral(bdm) or is_swap(bdm)):
            bdm["volume_size"] = flavor["swap"] if is_swap(bdm) else flavor["ephemeral_gb"]
    if flavor["ephemeral_gb"] and not any(is_ephemeral(bdm) for bdm in merged):
        merged.append(made("blank", -1, volume_size=flavor["ephemeral_gb"]))
    if flavor["swap"] and not any(is_swap(bdm) for bdm in merged):
        merged.append(made("blank", -1, volume_size=flavor["swap"], guest_format="swap"))
    return merged


def root_device(bdms: Sequence[BlockDevice]) -> BlockDevice | None:
    """The device that is booted from."""
    return next((bdm for bdm in bdms if bdm["boot_index"] == 0), None)


def is_volume_booted(bdms: Sequence[BlockDevice]) -> bool:
    """True if the root disk is a volume (``compute.utils.is_volume_backed_instance``)."""
    root = root_device(bdms)
    return root is not None and root["destination_type"] == "volume"


def check(flavor: Flavor, bdms: list[BlockDevice], image_ref: str | None, max_count: int, volume_types: frozenset[str] = frozenset()) -> Iterator[Fault]:
    """Every rule that the devices break, in Nova's order."""
    for bdm in bdms:
        # A legacy volume of this name is booted in place of the image, and so is the image's own.
        is_asked = bdm["path"].startswith("block_device_mapping_v2")
        if image_ref and is_asked and bdm["destination_type"] == "volume" and bdm["device_name"] == device_path(ROOT_DEVICE):
            yield Fault(f"{bdm['path']}.device_name", bdm["device_name"], "is the root device's name", "InvalidRequest")
    if max_count > 1 and any(bdm["source_type"] == "volume" for bdm in bdms):
        yield Fault("max_count", max_count, "a volume cannot be attached to more than one server", "InvalidRequest")
    indexes = sorted(bdm["boot_index"] for bdm in bdms if bdm["boot_index"] is not None and bdm["boot_index"] >= 0)
    # Without an image and a device of the request it is the image that is missing.
    is_given = image_ref or any(bdm["path"].startswith("block_device_mapping") for bdm in bdms)
    if is_given and (not indexes or indexes != list(range(len(indexes)))):
        yield Fault("block_device_mapping_v2", indexes, "boot indexes must be 0, 1, 2 … without a gap or a repetition", "InvalidBDMBootSequence")
    for bdm in bdms:
        yield from _check_one(bdm, volume_types)
    ephemeral = sum(bdm["volume_size"] or flavor["ephemeral_gb"] for bdm in bdms if is_ephemeral(bdm))
    if ephemeral > flavor["ephemeral_gb"]:
        rule = f"ephemeral disks must not exceed the flavor's {flavor['ephemeral_gb']} GB"
        yield Fault("block_device_mapping_v2", ephemeral, rule, "InvalidBDMEphemeralSize")
    swaps = [bdm for bdm in bdms if is_swap(bdm)]
    if len(swaps) > 1:
        yield Fault("block_device_mapping_v2", len(swaps), "at most one swap disk is possible", "InvalidBDMFormat")
    elif swaps and (swaps[0]["volume_size"] or 0) > flavor["swap"]:
        rule = f"must not exceed the flavor's swap of {flavor['swap']} MB"
        yield Fault(f"{swaps[0]['path']}.volume_size", swaps[0]["volume_size"], rule, "InvalidBDMSwapSize")
    local = sum(1 for bdm in bdms if bdm["destination_type"] == "local")
    if local > MOST_LOCAL:
        yield Fault("block_device_mapping_v2", local, f"at most {MOST_LOCAL} local disks are possible", "InvalidBDMLocalsLimit")


def _check_one(bdm: BlockDevice, volume_types: frozenset[str]) -> Iterator[Fault]:
    path = bdm["path"]
    if bdm["volume_type"] and bdm["volume_type"] not in volume_types:
        rule = f"unknown volume type; known: {', '.join(sorted(volume_types)) or 'none'}"
        yield Fault(f"{path}.volume_type", bdm["volume_type"], rule, "VolumeTypeNotFound")
    is_new = (bdm["source_type"] == "image" and bdm["uuid"]) or bdm["source_type"] == "blank"
    if bdm["destination_type"] == "volume" and is_new and not bdm["volume_size"]:
        yield Fault(f"{path}.volume_size", bdm["volume_size"], "is required for a new volume", "InvalidBDM")
    if bdm["disk_bus"] and bdm["disk_bus"] not in DISK_BUSES:
        yield Fault(f"{path}.disk_bus", bdm["disk_bus"], f"must be one of {', '.join(DISK_BUSES)}", "InvalidBDMDiskBus")


def check_local(bdms: list[BlockDevice]) -> Iterator[Fault]:
    """What needs a volume service, which is not here."""
    for bdm in bdms:
        if bdm["source_type"] in ("blank", "image") and bdm["destination_type"] is None and not bdm["no_device"]:
            yield Fault(f"{bdm['path']}.destination_type", None, "must be local: there is no volume service here", "InvalidBDMFormat")
    for bdm in bdms:
        if not bdm["no_device"] and (bdm["destination_type"] == "volume" or bdm["source_type"] in ("volume", "snapshot")):
            rule = "there is no volume service here: disks are local (image, blank)"
            yield Fault(bdm["path"], bdm["source_type"], rule, "VolumeNotFound")
