# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The domain's XML, as elements; pure.

Follows ``nova/virt/libvirt/driver.py: _get_guest_config`` for what it covers: the image properties ``hw_machine_type``, ``hw_firmware_type``,
``hw_vif_model``, ``hw_video_model``, ``hw_qemu_guest_agent``, ``hw_scsi_model`` and ``os_type``. Disks and topology were decided in the api stage; each kind
of disk and of binding gives its own element.
"""

from __future__ import annotations

import xml.etree.ElementTree as ET

from ansible_collections.kvmfleet.compute.plugins.module_utils import record as instance_record
from ansible_collections.kvmfleet.compute.plugins.module_utils.network.vif.table import vif_of
from ansible_collections.kvmfleet.compute.plugins.module_utils.shapes import Record


def _sub(parent: ET.Element, tag: str, text: str | None = None, **attributes: str | int) -> ET.Element:
    element = ET.SubElement(parent, tag, {key.rstrip("_"): str(value) for key, value in attributes.items()})
    element.text = text
    return element


def _properties(record: Record) -> dict[str, str]:
    image = record["image"]
    return {name: str(value) for name, value in image["properties"].items() if value is not None} if image else {}


def _operating_system(root: ET.Element, record: Record, properties: dict[str, str], arch: str) -> None:
    element = _sub(root, "os")
    if properties.get("hw_firmware_type") == "uefi":
        element.set("firmware", "efi")
    os_type = _sub(element, "type", "hvm", arch=properties.get("hw_architecture") or arch)
    # What libvirt chose for the domain before, if it is made again; else the image's wish or libvirt's default.
    machine = record["machine_type"] or properties.get("hw_machine_type")
    if machine:
        os_type.set("machine", machine)


def _cpu(root: ET.Element, record: Record, virt_type: str) -> None:
    topology = record["topology"]
    if virt_type != "kvm" and topology is None:
        return
    cpu = _sub(root, "cpu")
    if virt_type == "kvm":
        cpu.set("mode", "host-model")
    if topology is not None:
        _sub(cpu, "topology", sockets=topology["sockets"], cores=topology["cores"], threads=topology["threads"])


def _clock(root: ET.Element, properties: dict[str, str]) -> None:
    clock = _sub(root, "clock", offset="localtime" if properties.get("os_type") == "windows" else "utc")
    _sub(clock, "timer", name="pit", tickpolicy="delay")
    _sub(clock, "timer", name="rtc", tickpolicy="catchup")


def _storage(devices: ET.Element, record: Record, properties: dict[str, str], disks: list[ET.Element]) -> None:
    devices.extend(disks)
    if any(disk["bus"] == "scsi" for disk in record["disks"]):
        _sub(devices, "controller", type="scsi", model=properties.get("hw_scsi_model") or "virtio-scsi")


def _console(devices: ET.Element, log: str) -> None:
    serial = _sub(devices, "serial", type="pty")
    _sub(serial, "log", file=log, append="off")
    console = _sub(devices, "console", type="pty")
    _sub(console, "target", type="serial", port=0)


def _others(devices: ET.Element, properties: dict[str, str]) -> None:
    if properties.get("hw_qemu_guest_agent", "no").lower() in ("yes", "true", "1", "on"):
        channel = _sub(devices, "channel", type="unix")
        _sub(channel, "target", type="virtio", name="org.qemu.guest_agent.0")
    graphics = _sub(devices, "graphics", type="vnc", autoport="yes")
    _sub(graphics, "listen", type="address", address="127.0.0.1")
    _sub(_sub(devices, "video"), "model", type=properties.get("hw_video_model") or "vga")
    _sub(_sub(devices, "rng", model="virtio"), "backend", "/dev/urandom", model="random")
    _sub(_sub(devices, "memballoon", model="virtio"), "stats", period=10)


def domain_element(record: Record, *, disks: list[ET.Element], console_log: str, virt_type: str, arch: str) -> ET.Element:
    """``<domain>`` of a record, on a host with this virtualisation type and architecture; ``disks``: what storage/ gives for each of its disks."""
    properties = _properties(record)
    root = ET.Element("domain", {"type": virt_type})
    _sub(root, "name", record["domain_name"])
    _sub(root, "uuid", record["uuid"])
    _sub(root, "title", record["display_name"])
    _sub(root, "metadata").append(instance_record.to_element(record))
    _sub(root, "memory", str(record["flavor"]["memory_mb"] * 1024), unit="KiB")
    _sub(root, "vcpu", str(record["flavor"]["vcpus"]))
    _operating_system(root, record, properties, arch)
    features = _sub(root, "features")
    _sub(features, "acpi")
    _sub(features, "apic")
    _cpu(root, record, virt_type)
    _clock(root, properties)
    _sub(root, "on_poweroff", "destroy")
    _sub(root, "on_reboot", "restart")
    _sub(root, "on_crash", "destroy")
    devices = _sub(root, "devices")
    _storage(devices, record, properties, disks)
    for port in record["ports"]:
        devices.append(vif_of(port["binding"]).element(port, properties.get("hw_vif_model") or "virtio"))
    _console(devices, console_log)
    _others(devices, properties)
    return root
