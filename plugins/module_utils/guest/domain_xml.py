# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The domain's XML, as elements; pure.

Follows ``nova/virt/libvirt/driver.py: _get_guest_config`` for what it covers: the image properties ``hw_machine_type``, ``hw_firmware_type``,
``hw_disk_bus``, ``hw_cdrom_bus``, ``hw_vif_model``, ``hw_video_model``, ``hw_qemu_guest_agent``, ``hw_scsi_model``, ``os_type`` and the extra specs
``hw:cpu_sockets``, ``hw:cpu_cores``, ``hw:cpu_threads``.
"""

from __future__ import annotations

import typing as t
import xml.etree.ElementTree as ET

from ansible_collections.kvmfleet.compute.plugins.module_utils import record as instance_record

DISK_PREFIX = {"virtio": "vd", "scsi": "sd", "sata": "sd", "usb": "sd", "ide": "hd"}


def _sub(parent: ET.Element, tag: str, text: t.Any = None, **attributes: t.Any) -> ET.Element:
    element = ET.SubElement(parent, tag, {key.rstrip("_"): str(value) for key, value in attributes.items()})
    if text is not None:
        element.text = str(text)
    return element


class _DeviceNames:
    """Hands out vda, vdb, … per bus family."""

    def __init__(self) -> None:
        self._next: dict[str, int] = {}

    def take(self, bus: str) -> str:
        prefix = DISK_PREFIX[bus]
        index = self._next.get(prefix, 0)
        self._next[prefix] = index + 1
        return prefix + chr(ord("a") + index)


def _disk(devices: ET.Element, names: _DeviceNames, disk: dict[str, t.Any], bus: str, order: int | None) -> None:
    element = _sub(devices, "disk", type="file", device=disk.get("device", "disk"))
    _sub(element, "driver", name="qemu", type=disk["format"])
    _sub(element, "source", file=disk["path"])
    _sub(element, "target", dev=names.take(bus), bus=bus)
    if disk.get("readonly"):
        _sub(element, "readonly")
    if order is not None:
        _sub(element, "boot", order=order)


def _interface(devices: ET.Element, port: dict[str, t.Any], model: str) -> None:
    if port.get("libvirt_network"):
        element = _sub(devices, "interface", type="network")
        _sub(element, "source", network=port["libvirt_network"])
    else:
        element = _sub(devices, "interface", type="bridge")
        _sub(element, "source", bridge=port["bridge"])
    _sub(element, "mac", address=port["mac_address"])
    _sub(element, "target", dev=port["device"])
    _sub(element, "model", type=model)
    if port.get("mtu"):
        _sub(element, "mtu", size=port["mtu"])


def _topology(flavor: dict[str, t.Any]) -> dict[str, int] | None:
    specs = flavor.get("extra_specs") or {}
    wanted = {name: specs.get(f"hw:cpu_{name}") for name in ("sockets", "cores", "threads")}
    if not any(wanted.values()):
        return None
    chosen = {name: int(value) for name, value in wanted.items() if value}
    rest = int(flavor["vcpus"])
    for value in chosen.values():
        rest = max(1, rest // value)
    for name in ("sockets", "cores", "threads"):
        if name not in chosen:
            chosen[name] = rest
            rest = 1
    if chosen["sockets"] * chosen["cores"] * chosen["threads"] != int(flavor["vcpus"]):
        return None
    return chosen


def domain_element(
    instance: dict[str, t.Any],
    record: dict[str, t.Any],
    *,
    disks: list[dict[str, t.Any]],
    console_log: str,
    virt_type: str,
    arch: str,
    machine_type: str | None = None,
) -> ET.Element:
    """``<domain>`` of a placed instance.

    ``disks``: [{path, format, device (disk, cdrom), readonly, role (root, ephemeral, swap, config)}], the root disk first.
    ``machine_type``: what the domain had before, where it is rebuilt; else the image's or libvirt's default.
    """
    flavor = instance["flavor"]
    properties = (instance.get("image") or {}).get("properties") or {}
    root = ET.Element("domain", {"type": virt_type})
    _sub(root, "name", instance["domain_name"])
    _sub(root, "uuid", instance["uuid"])
    _sub(root, "title", instance["display_name"])
    _sub(root, "metadata").append(instance_record.to_element(record))
    _sub(root, "memory", int(flavor["memory_mb"]) * 1024, unit="KiB")
    _sub(root, "vcpu", flavor["vcpus"])

    os_element = _sub(root, "os")
    if properties.get("hw_firmware_type") == "uefi":
        os_element.set("firmware", "efi")
    type_attributes = {"arch": properties.get("hw_architecture") or arch}
    machine = machine_type or properties.get("hw_machine_type")
    if machine:
        type_attributes["machine"] = machine
    _sub(os_element, "type", "hvm", **type_attributes)

    features = _sub(root, "features")
    _sub(features, "acpi")
    _sub(features, "apic")
    topology = _topology(flavor)
    if virt_type == "kvm" or topology:
        cpu = ET.SubElement(root, "cpu", {"mode": "host-model"} if virt_type == "kvm" else {})
        if topology:
            _sub(cpu, "topology", **topology)
    clock = _sub(root, "clock", offset="localtime" if properties.get("os_type") == "windows" else "utc")
    _sub(clock, "timer", name="pit", tickpolicy="delay")
    _sub(clock, "timer", name="rtc", tickpolicy="catchup")
    _sub(root, "on_poweroff", "destroy")
    _sub(root, "on_reboot", "restart")
    _sub(root, "on_crash", "destroy")

    devices = _sub(root, "devices")
    names = _DeviceNames()
    disk_bus = properties.get("hw_disk_bus") or "virtio"
    for disk in disks:
        bus = disk_bus
        if disk["role"] == "config":
            # A virtio disk unless the image says otherwise: Debian's cloud kernel and its like have no AHCI driver to see a SATA CD-ROM.
            cdrom_bus = properties.get("hw_cdrom_bus")
            bus = cdrom_bus or disk_bus
            disk = dict(disk, device="cdrom" if cdrom_bus and cdrom_bus != "virtio" else "disk")
        _disk(devices, names, disk, bus, 1 if disk["role"] == "root" else None)
    if "scsi" in (disk_bus, properties.get("hw_cdrom_bus")):
        _sub(devices, "controller", type="scsi", model=properties.get("hw_scsi_model") or "virtio-scsi")
    for port in instance.get("ports") or []:
        _interface(devices, port, properties.get("hw_vif_model") or "virtio")
    serial = _sub(devices, "serial", type="pty")
    _sub(serial, "log", file=console_log, append="off")
    console = _sub(devices, "console", type="pty")
    _sub(console, "target", type="serial", port=0)
    if str(properties.get("hw_qemu_guest_agent", "no")).lower() in ("yes", "true", "1", "on"):
        channel = _sub(devices, "channel", type="unix")
        _sub(channel, "target", type="virtio", name="org.qemu.guest_agent.0")
    graphics = _sub(devices, "graphics", type="vnc", autoport="yes")
    _sub(graphics, "listen", type="address", address="127.0.0.1")
    _sub(_sub(devices, "video"), "model", type=properties.get("hw_video_model") or "vga")
    _sub(_sub(devices, "rng", model="virtio"), "backend", "/dev/urandom", model="random")
    _sub(_sub(devices, "memballoon", model="virtio"), "stats", period=10)
    return root
