# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A record of version 1 as one of version 2: ports get a binding, block devices become disks, the topology that the domain was built with is named.

One of version 2 as one of version 3: whether its guest has run, and the folder of its disks. One of version 3 as one of version 4: the lease of its
run; pure.
"""

from __future__ import annotations

import typing as t

from ansible_collections.kvmfleet.compute.plugins.module_utils.shapes import Binding, Disk, FixedIp, Flavor, Image, Port, Topology


class OldPort(t.TypedDict):
    """A port of version 1."""

    id: str
    network_id: str
    network_name: str
    mac_address: str
    bridge: t.NotRequired[str]
    libvirt_network: t.NotRequired[str]
    mtu: t.Optional[int]
    tag: t.Optional[str]
    device: str
    fixed_ips: t.List[FixedIp]
    preexisting: bool


class OldBlockDevice(t.TypedDict):
    """A block device of version 1; only blank local ones became disks beside the root disk."""

    source_type: str
    destination_type: str
    volume_size: t.Optional[int]
    guest_format: t.Optional[str]


class OldRecord(t.TypedDict):
    """What of version 1 has another form now."""

    flavor: Flavor
    image: t.Optional[Image]
    config_drive: bool
    block_device_mapping: t.List[OldBlockDevice]
    ports: t.List[OldPort]


OLD_KEYS = ("image_ref", "root_device_name", "block_device_mapping")
SWAP = "swap"
PREFIX = {"virtio": "vd", "scsi": "sd", "sata": "sd", "usb": "sd", "ide": "hd"}


def _binding(port: OldPort) -> Binding:
    network = port.get("libvirt_network")
    return {"type": "libvirt_network", "name": network} if network else {"type": "bridge", "name": port["bridge"]}


def _port(port: OldPort) -> Port:
    return {
        "id": port["id"],
        "network_id": port["network_id"],
        "network_name": port["network_name"],
        "mac_address": port["mac_address"],
        "binding": _binding(port),
        "mtu": port["mtu"],
        "tag": port["tag"],
        "device": port["device"],
        "fixed_ips": port["fixed_ips"],
        "preexisting": port["preexisting"],
        "port_security_enabled": False,
        "allowed_address_pairs": [],
        "bandwidth": None,
        "queues": None,
    }


class _Disks:
    """Makes the disks of a server in the order of their device names."""

    def __init__(self, bus: str) -> None:
        self._bus = bus
        self._taken: t.Dict[str, int] = {}
        self.made: t.List[Disk] = []

    def add(
        self,
        kind: str,
        role: str,
        file: str,
        size_bytes: int,
        *,
        bus: t.Optional[str] = None,
        device: str = "disk",
        label: t.Optional[str] = None,
        guest_format: t.Optional[str] = None,
    ) -> None:
        """One disk more."""
        prefix = PREFIX[bus or self._bus]
        index = self._taken.get(prefix, 0)
        self._taken[prefix] = index + 1
        self.made.append(
            {
                "kind": kind,
                "role": role,
                "file": file,
                "format": "qcow2" if kind == "overlay" else "raw",
                "size_bytes": size_bytes,
                "bus": bus or self._bus,
                "device": device,
                "device_name": prefix + chr(ord("a") + index),
                "boot_order": 1 if role == "root" else None,
                "guest_format": guest_format,
                "label": label,
                "delete_on_termination": True,
                "tag": None,
            }
        )


def disks(old: OldRecord) -> t.List[Disk]:
    """The disks that version 1 made of flavor, block devices and image properties."""
    flavor, image = old["flavor"], old["image"]
    properties: t.Dict[str, str] = image["properties"] if image else {}
    local = [bdm for bdm in old["block_device_mapping"] if bdm["source_type"] == "blank" and bdm["destination_type"] == "local"]
    ephemerals = [bdm["volume_size"] or 0 for bdm in local if bdm["guest_format"] != SWAP]
    swaps = [bdm["volume_size"] or 0 for bdm in local if bdm["guest_format"] == SWAP]
    if not local:
        ephemerals, swaps = [flavor["ephemeral_gb"]], [flavor["swap"]]
    plan = _Disks(properties.get("hw_disk_bus") or "virtio")
    plan.add("overlay", "root", "disk", flavor["root_gb"] * 2**30)
    for index, size_gb in enumerate(filter(None, ephemerals)):
        plan.add("blank", "ephemeral", f"disk.eph{index}", size_gb * 2**30, label=f"ephemeral{index}")
    for size_mb in [size for size in swaps if size][:1]:
        plan.add("blank", SWAP, "disk.swap", size_mb * 2**20, guest_format=SWAP)
    if old["config_drive"]:
        bus = properties.get("hw_cdrom_bus")
        plan.add("config_drive", "config", "disk.config", 0, bus=bus, device="cdrom" if bus and bus != "virtio" else "disk")
    return plan.made


def topology(flavor: Flavor) -> t.Optional[Topology]:
    """The topology that version 1 built from hw:cpu_sockets, hw:cpu_cores and hw:cpu_threads; None if it left it to libvirt."""
    specs = flavor["extra_specs"]
    given = {name: int(specs.get(f"hw:cpu_{name}") or 0) for name in ("sockets", "cores", "threads")}
    if not any(given.values()):
        return None
    rest = flavor["vcpus"]
    for number in filter(None, given.values()):
        rest = max(1, rest // number)
    chosen: t.Dict[str, int] = {}
    for name, number in given.items():
        chosen[name] = number or rest
        rest = rest if number else 1
    if chosen["sockets"] * chosen["cores"] * chosen["threads"] != flavor["vcpus"]:
        return None
    return {"sockets": chosen["sockets"], "cores": chosen["cores"], "threads": chosen["threads"]}


def upgraded(old: t.Dict[str, t.Any]) -> t.Dict[str, t.Any]:
    """The record of version 2 that a record of version 1 stands for; KeyError, TypeError, ValueError or AttributeError if it lacks what every one has."""
    whole: t.Any = old
    typed: OldRecord = whole
    kept = {key: value for key, value in old.items() if key not in OLD_KEYS}
    ports = [_port(port) for port in typed["ports"]]
    return {**kept, "version": 2, "topology": topology(typed["flavor"]), "disks": disks(typed), "ports": ports}


def upgraded_2(old: t.Dict[str, t.Any], folder: str) -> t.Dict[str, t.Any]:
    """The record of version 3 that a record of version 2 stands for.

    Nothing shows that a guest of version 2 has not run yet, so each counts as one that has: it may be lost work to delete a claim, never a disk.
    """
    return {**old, "version": 3, "started": True, "folder": folder}


def upgraded_3(old: t.Dict[str, t.Any]) -> t.Dict[str, t.Any]:
    """The record of version 4 that a record of version 3 stands for.

    The deadline of its run is of another machine's clock, and its process is named by a pid alone: neither tells anything here. So its claim has no
    lease; a run of that version that lives all the same is kept apart by the server's lock and by its id.
    """
    run: t.Optional[t.Dict[str, t.Any]] = old.get("run")
    named = {"id": run.get("id"), "controller": run.get("controller"), "process": None, "lease_s": 0} if run else None
    return {**old, "version": 4, "run": named, "lease": None}
