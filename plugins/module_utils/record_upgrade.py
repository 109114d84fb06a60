# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A record of version 1 as one of version 2: ports get a binding, block devices become disks, the topology that the domain was built with is named; pure."""

from __future__ import annotations

import typing as t

from ansible_collections.kvmfleet.compute.plugins.module_utils.shapes import Binding, Disk, Port, Topology

OLD_KEYS = ("image_ref", "root_device_name", "block_device_mapping")
PREFIX = {"virtio": "vd", "scsi": "sd", "sata": "sd", "usb": "sd", "ide": "hd"}


def _binding(port: t.Dict[str, t.Any]) -> Binding:
    if port.get("libvirt_network"):
        return {"type": "libvirt_network", "name": port["libvirt_network"]}
    return {"type": "bridge", "name": port["bridge"]}


def _port(port: t.Dict[str, t.Any]) -> Port:
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


def disks(old: t.Dict[str, t.Any]) -> t.List[Disk]:
    """The disks that version 1 made of flavor, block devices and image properties."""
    flavor = old["flavor"]
    properties: t.Dict[str, t.Any] = (old.get("image") or {}).get("properties") or {}
    local = [bdm for bdm in old.get("block_device_mapping") or [] if bdm.get("source_type") == "blank" and bdm.get("destination_type") == "local"]
    ephemerals = [int(bdm["volume_size"]) for bdm in local if bdm.get("guest_format") != "swap"]
    swaps = [int(bdm["volume_size"]) for bdm in local if bdm.get("guest_format") == "swap"]
    if not local:
        ephemerals, swaps = [int(flavor.get("ephemeral_gb") or 0)], [int(flavor.get("swap") or 0)]
    plan = _Disks(properties.get("hw_disk_bus") or "virtio")
    plan.add("overlay", "root", "disk", int(flavor.get("root_gb") or 0) * 2**30)
    for index, size_gb in enumerate(filter(None, ephemerals)):
        plan.add("blank", "ephemeral", f"disk.eph{index}", size_gb * 2**30, label=f"ephemeral{index}")
    for size_mb in [size for size in swaps if size][:1]:
        plan.add("blank", "swap", "disk.swap", size_mb * 2**20, guest_format="swap")
    if old.get("config_drive"):
        bus: t.Optional[str] = properties.get("hw_cdrom_bus")
        plan.add("config_drive", "config", "disk.config", 0, bus=bus, device="cdrom" if bus and bus != "virtio" else "disk")
    return plan.made


def topology(flavor: t.Dict[str, t.Any]) -> t.Optional[Topology]:
    """The topology that version 1 built from hw:cpu_sockets, hw:cpu_cores and hw:cpu_threads; None if it left it to libvirt."""
    specs: t.Dict[str, t.Any] = flavor.get("extra_specs") or {}
    given = {name: int(specs.get(f"hw:cpu_{name}") or 0) for name in ("sockets", "cores", "threads")}
    if not any(given.values()):
        return None
    rest = int(flavor["vcpus"])
    for number in filter(None, given.values()):
        rest = max(1, rest // number)
    chosen: t.Dict[str, int] = {}
    for name, number in given.items():
        chosen[name] = number or rest
        rest = rest if number else 1
    if chosen["sockets"] * chosen["cores"] * chosen["threads"] != int(flavor["vcpus"]):
        return None
    return {"sockets": chosen["sockets"], "cores": chosen["cores"], "threads": chosen["threads"]}


def upgraded(old: t.Dict[str, t.Any]) -> t.Dict[str, t.Any]:
    """The record of version 2 that a record of version 1 stands for."""
    kept = {key: value for key, value in old.items() if key not in OLD_KEYS}
    ports = [_port(port) for port in old.get("ports") or []]
    return {**kept, "version": 2, "topology": topology(old["flavor"]), "disks": disks(old), "ports": ports}
