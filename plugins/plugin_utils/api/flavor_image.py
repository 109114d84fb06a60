# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Flavor and image together (``API._validate_flavor_image_nostatus``): status, config drive, memory, disk, hardware; pure."""

from __future__ import annotations

import re
import typing as t
from collections.abc import Callable, Iterator

from ansible_collections.kvmfleet.compute.plugins.module_utils.shapes import Flavor, Topology
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.api import block_devices, not_built
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.api.policy import Policy
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.hardware import bandwidth, constraints, extra_specs, image_properties
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.schema.fault import Fault
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.shapes import CatalogueImage, Fleet

GIB = 2**30
ZERO_DISK = "create:zero_disk_flavor"
# Extra specs that the scheduler or the domain's XML reads.
EFFECTIVE = re.compile(
    r"(resources|trait)\w*:|capabilities:|aggregate_instance_extra_specs:|hw:cpu_(max_)?(sockets|cores|threads)\Z|hw:maxphysaddr_bits\Z"
    r"|hw:vif_multiqueue_enabled\Z|quota:vif_(in|out)bound_(average|peak|burst)\Z"
)
# The least that a flavor of Nova may have in these extra specs (``nova/api/validation/extra_specs/hw.py``).
LEAST = {**{f"hw:cpu_{limit}{name}": 1 for limit in ("", "max_") for name in ("sockets", "cores", "threads")}, "hw:serial_port_count": 0}


def check(
    flavor: Flavor,
    image: CatalogueImage,
    *,
    size: int | None,
    root_volume_gb: int | None,
    zero_disk_denial: str | None,
    is_volume_booted: bool = False,
) -> Iterator[Fault]:
    """Every rule that the two break, in Nova's order.

    ``size``: the image's virtual size in bytes, if it is known. ``root_volume_gb``: the size of the volume that is booted from. ``zero_disk_denial``: why a
    flavor without a root disk may not be used; None if it may.
    """
    properties = image["properties"]
    if image["status"] != "active":
        yield Fault("imageRef", image["name"], f"image {image['name']} has the status {image['status']}, not active", "ImageNotActive")
    drive = properties.get("img_config_drive")
    if drive not in (None, "optional", "mandatory"):
        yield Fault("imageRef", image["name"], f"its property img_config_drive is {drive!r}, not optional or mandatory", "InvalidImageConfigDrive")
    if flavor["memory_mb"] < image["min_ram"]:
        rule = f"has {flavor['memory_mb']} MB of memory, image {image['name']} needs {image['min_ram']} MB"
        yield Fault("flavorRef", flavor["name"], rule, "FlavorMemoryTooSmall")
    yield from _hardware(flavor, lambda: constraints.packed_ring(flavor, properties))
    if root_volume_gb is not None:
        if image["min_disk"] > root_volume_gb:
            rule = f"the root volume has {root_volume_gb} GB, image {image['name']} needs {image['min_disk']} GB"
            yield Fault("block_device_mapping_v2", root_volume_gb, rule, "VolumeSmallerThanMinDisk")
    elif not is_volume_booted:
        yield from _disk(flavor, image, size, zero_disk_denial)
    unreadable = [fault for fault in image_properties.faults(properties) if fault.path != "img_config_drive"]
    yield from (fault.below(f"compute_images.{image['name']}.properties") for fault in unreadable)
    if not unreadable:
        # Nova looks no further than at a property that it can't read.
        yield from _hardware(flavor, lambda: constraints.constraints(flavor, properties))


def _hardware(flavor: Flavor, work: Callable[[], object]) -> Iterator[Fault]:
    try:
        work()
    except constraints.ConstraintError as error:
        yield Fault("flavorRef", flavor["name"], error.rule, error.error_class)
    except (ValueError, OverflowError) as error:
        # A number of thousands of digits, or digits of another script.
        yield Fault("flavorRef", flavor["name"], f"an extra spec, or a property of the image, can't be read: {error}", "Invalid")


def _disk(flavor: Flavor, image: CatalogueImage, size: int | None, zero_disk_denial: str | None) -> Iterator[Fault]:
    root_gb = flavor["root_gb"]
    if not root_gb:
        # 0 stands for no limit.
        if zero_disk_denial is not None:
            rule = f"has no root disk, so it can only boot from a volume; {zero_disk_denial}"
            yield Fault("flavorRef", flavor["name"], rule, "BootFromVolumeRequiredForZeroDiskFlavor", 403)
        return
    if size and size > root_gb * GIB:
        rule = f"has a root disk of {root_gb} GB, image {image['name']} needs {-(-size // GIB)} GB"
        yield Fault("flavorRef", flavor["name"], rule, "FlavorDiskSmallerThanImage")
    if image["min_disk"] > root_gb:
        rule = f"has a root disk of {root_gb} GB, image {image['name']} needs {image['min_disk']} GB (min_disk)"
        yield Fault("flavorRef", flavor["name"], rule, "FlavorDiskSmallerThanMinDisk")


def _not_here(flavor: Flavor, image: CatalogueImage, has_cells: bool) -> Iterator[Fault]:
    """What no host here can build yet, and extra specs that no flavor of Nova's can have."""
    # Persistent memory makes a cell of its own, and is named below.
    if has_cells and not flavor["extra_specs"].get("hw:pmem"):
        rule = "asks for NUMA cells, dedicated CPUs or page sizes, which are checked but can't be built yet"
        yield Fault("flavorRef", flavor["name"], rule, not_built.ERROR_CLASS)
    yield from not_built.faults(flavor, image)
    yield from (fault.below(f"compute_flavors.{flavor['name']}.extra_specs") for fault in bandwidth.spec_faults(flavor["extra_specs"]))
    for spec, least in LEAST.items():
        value = flavor["extra_specs"].get(spec)
        if value and int(value) < least:
            yield Fault(f"compute_flavors.{flavor['name']}.extra_specs.{spec}", value, f"must be at least {least}")


def _notes(flavor: Flavor, image: CatalogueImage) -> Iterator[str]:
    idle = [key for key in flavor["extra_specs"] if ":" in key and not EFFECTIVE.match(key) and key not in not_built.SPECS]
    if idle:
        yield f"extra specs of flavor {flavor['name']} that have no effect yet: {extra_specs.idle(idle)}"
    for note in bandwidth.notes(flavor["extra_specs"]):
        yield f"extra specs of flavor {flavor['name']}: {note}"
    for note in image_properties.notes(image["properties"]):
        yield f"properties of image {image['name']}: {note}"


class Verdict(t.NamedTuple):
    """What is to be said of a flavor and an image together."""

    faults: list[Fault]
    notes: list[str]
    topology: Topology | None  # the guest's CPU topology
    is_readable: bool  # the image's properties are what Nova takes


class Pairs:
    """Flavors and images of one run: each pair is checked once, however many requests have it."""

    def __init__(self, fleet: Fleet | None, policy: Policy) -> None:
        self._policy = policy
        # Virtual sizes as the hosts have them in their caches, by digest.
        self._cached: dict[str, int] = {}
        for host in fleet["hosts"].values() if fleet else ():
            for image in host["state"]["images"] if host["state"] else ():
                for digest in (image["digest"], *(f"{name}:{value}" for name, value in image["digests"].items())):
                    self._cached.setdefault(digest, image["virtual_size"])
        self._known: dict[tuple[str, str, bool, int | None], Verdict] = {}

    def check(self, flavor: Flavor, image: CatalogueImage, devices: list[block_devices.BlockDevice]) -> Verdict:
        """What is wrong with the two, and with building them here."""
        root = block_devices.root_device(devices)
        booted_from_volume = block_devices.is_volume_booted(devices)
        root_volume_gb = root["volume_size"] if root and booted_from_volume else None
        pair = (flavor["id"], image["id"], booted_from_volume, root_volume_gb)
        if pair not in self._known:
            self._known[pair] = self._check(flavor, image, root_volume_gb, booted_from_volume)
        return self._known[pair]

    def _virtual_size(self, image: CatalogueImage) -> int | None:
        """The image's virtual size in bytes: declared, or as a host has it in its cache."""
        size = image["virtual_size"] or self._cached.get(image["checksum"].lower()) or image["size"]
        return int(size) if size else None

    def _check(self, flavor: Flavor, image: CatalogueImage, root_volume_gb: int | None, booted_from_volume: bool) -> Verdict:
        notes: list[str] = []
        size = self._virtual_size(image)
        if size is None and flavor["root_gb"] and not booted_from_volume:
            notes.append(f"the virtual size of image {image['name']} is unknown until it is fetched")
        denial = None if self._policy.allows(ZERO_DISK) else self._policy.denial(ZERO_DISK)
        faults = list(check(flavor, image, size=size, root_volume_gb=root_volume_gb, zero_disk_denial=denial, is_volume_booted=booted_from_volume))
        is_readable = not any(image_properties.faults(image["properties"]))
        try:
            chosen = constraints.constraints(flavor, image["properties"])
        except (constraints.ConstraintError, ValueError, OverflowError):
            return Verdict(faults, notes, None, is_readable)  # reported as what it is already
        faults += _not_here(flavor, image, bool(chosen["numa"]))
        sockets, cores, threads = chosen["topology"]
        return Verdict(faults, [*notes, *_notes(flavor, image)], {"sockets": sockets, "cores": cores, "threads": threads}, is_readable)
