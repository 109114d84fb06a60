# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Flavor and image together (``API._validate_flavor_image_nostatus``): status, config drive, memory, disk, hardware; pure."""

from __future__ import annotations

import re
import typing as t
from collections.abc import Callable

from ansible_collections.kvmfleet.compute.plugins.module_utils.shapes import Topology
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.api import block_devices
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.api.policy import Policy
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.api.problems import ServerProblems
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.hardware import constraints

Data = dict[str, t.Any]
GIB = 2**30
ZERO_DISK = "create:zero_disk_flavor"
# Extra specs that the scheduler or the domain's XML reads.
EFFECTIVE = re.compile(r"(resources|trait)\w*:|capabilities:|aggregate_instance_extra_specs:|hw:cpu_(max_)?(sockets|cores|threads)\Z|hw:maxphysaddr_bits\Z")
# (field of the request, rule, error class)
Bad = Callable[[str, str, str], None]


def check(
    flavor: Data,
    image: Data,
    *,
    size: int | None,
    root_volume_gb: int | None,
    zero_disk_allowed: bool,
    bad: Bad,
    is_volume_booted: bool = False,
) -> None:
    """Report every rule that the two break, in Nova's order.

    ``size``: the image's virtual size in bytes, where it is known. ``root_volume_gb``: the size of the volume that is booted from.
    """
    properties = image["properties"]
    if image["status"] != "active":
        bad("imageRef", f"image {image['name']} has the status {image['status']}, not active", "ImageNotActive")
    drive = properties.get("img_config_drive")
    if drive not in (None, "optional", "mandatory"):
        bad("imageRef", f"its property img_config_drive is {drive!r}, not optional or mandatory", "InvalidImageConfigDrive")
    if flavor["memory_mb"] < int(image["min_ram"] or 0):
        bad("flavorRef", f"has {flavor['memory_mb']} MB of memory, image {image['name']} needs {image['min_ram']} MB", "FlavorMemoryTooSmall")
    _hardware(lambda: constraints.packed_ring(flavor, properties), bad)
    if root_volume_gb is not None:
        if int(image["min_disk"] or 0) > root_volume_gb:
            bad(
                "block_device_mapping_v2",
                f"the root volume has {root_volume_gb} GB, image {image['name']} needs {image['min_disk']} GB",
                "VolumeSmallerThanMinDisk",
            )
    elif not is_volume_booted:
        _disk(flavor, image, size, zero_disk_allowed, bad)
    _hardware(lambda: constraints.constraints(flavor, properties), bad)


def _hardware(work: Callable[[], t.Any], bad: Bad) -> None:
    try:
        work()
    except constraints.ConstraintError as error:
        bad("flavorRef", error.rule, error.error_class)
    except (ValueError, OverflowError) as error:
        # A number of thousands of digits, or digits of another script.
        bad("flavorRef", f"has an extra spec, or the image a property, that can't be read: {error}", "Invalid")


def _disk(flavor: Data, image: Data, size: int | None, zero_disk_allowed: bool, bad: Bad) -> None:
    root_gb = int(flavor["root_gb"] or 0)
    if not root_gb:
        # 0 stands for no limit.
        if not zero_disk_allowed:
            bad("flavorRef", "has no root disk: such a flavor boots from a volume only", "BootFromVolumeRequiredForZeroDiskFlavor")
        return
    if size and size > root_gb * GIB:
        bad("flavorRef", f"has a root disk of {root_gb} GB, image {image['name']} needs {-(-size // GIB)} GB", "FlavorDiskSmallerThanImage")
    if int(image["min_disk"] or 0) > root_gb:
        bad("flavorRef", f"has a root disk of {root_gb} GB, image {image['name']} needs {image['min_disk']} GB (min_disk)", "FlavorDiskSmallerThanMinDisk")


class Pairs:
    """Flavors and images of one run: each pair is checked once, however many requests have it."""

    def __init__(self, fleet: Data | None, policy: Policy) -> None:
        self._policy = policy
        # Virtual sizes as the hosts have them in their caches, by digest.
        self._cached: dict[str, int] = {}
        for host in (fleet or {"hosts": {}})["hosts"].values():
            for image in (host["state"] or {}).get("images") or []:
                for digest in (image["digest"], *(f"{name}:{value}" for name, value in image.get("digests", {}).items())):
                    self._cached.setdefault(digest, int(image["virtual_size"]))
        # {pair: ([(field, rule, error class)], [note], topology)}
        self._known: dict[tuple[t.Any, ...], tuple[list[tuple[str, str, str]], list[str], Topology | None]] = {}

    def check(self, flavor: Data, image: Data, devices: list[block_devices.BlockDevice], written: Data, problems: ServerProblems) -> Topology | None:
        """Report what is wrong with the two, and with building them here; the guest's CPU topology."""
        root = block_devices.root_device(devices)
        booted_from_volume = block_devices.is_volume_booted(devices)
        root_volume_gb = root["volume_size"] if root and booted_from_volume else None
        pair = (flavor["id"], image["id"], booted_from_volume, root_volume_gb)
        if pair not in self._known:
            self._known[pair] = self._check(flavor, image, root_volume_gb, booted_from_volume)
        faults, notes, topology = self._known[pair]
        values = {"flavorRef": flavor["name"], "imageRef": written.get("imageRef", image["id"]), "block_device_mapping_v2": len(devices)}
        for path, rule, error in faults:
            if error == "BootFromVolumeRequiredForZeroDiskFlavor":
                problems.add(path, values[path], f"{rule}; {self._policy.denial(ZERO_DISK)}", error, 403)
            else:
                problems.add(path, values[path], rule, error)
        for note in notes:
            problems.note(note)
        return topology

    def _virtual_size(self, image: Data) -> int | None:
        """The image's virtual size in bytes: declared, or as a host has it in its cache."""
        size = image["virtual_size"] or self._cached.get(image["checksum"].lower()) or image["size"]
        return int(size) if size else None

    def _check(
        self, flavor: Data, image: Data, root_volume_gb: int | None, booted_from_volume: bool
    ) -> tuple[list[tuple[str, str, str]], list[str], Topology | None]:
        faults: list[tuple[str, str, str]] = []
        notes: list[str] = []
        size = self._virtual_size(image)
        if size is None and flavor["root_gb"] and not booted_from_volume:
            notes.append(f"the virtual size of image {image['name']} is unknown until it is fetched")
        check(
            flavor,
            image,
            size=size,
            root_volume_gb=root_volume_gb,
            zero_disk_allowed=self._policy.allows(ZERO_DISK),
            bad=lambda path, rule, error: faults.append((path, rule, error)),
            is_volume_booted=booted_from_volume,
        )
        # Refuse what no host here can build yet, and say what has no effect: better than a guest that is not what was asked.
        try:
            chosen = constraints.constraints(flavor, image["properties"])
        except (constraints.ConstraintError, ValueError, OverflowError):
            return faults, notes, None  # reported as what it is already
        if chosen["numa"]:
            faults.append(("flavorRef", "asks for NUMA cells, dedicated CPUs or page sizes, which are checked but not built yet", "UnsupportedHardware"))
        idle = sorted(key for key in flavor["extra_specs"] if ":" in key and not EFFECTIVE.match(key))
        if idle:
            notes.append(f"extra specs of flavor {flavor['name']} that have no effect yet: {', '.join(idle)}")
        sockets, cores, threads = chosen["topology"]
        return faults, notes, {"sockets": sockets, "cores": cores, "threads": threads}
