# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is read from a domain's XML, ours or foreign; pure."""

from __future__ import annotations

import typing as t
import xml.etree.ElementTree as ET

from ansible_collections.kvmfleet.compute.plugins.module_utils import record as instance_record
from ansible_collections.kvmfleet.compute.plugins.module_utils.shapes import Bandwidth, Domain, DomainDisk, Hardware, Interface, Rate

UNITS = {"b": 1, "bytes": 1, "KB": 1000, "KiB": 1024, "k": 1024, "MB": 10**6, "MiB": 2**20, "M": 2**20, "GB": 10**9, "GiB": 2**30, "G": 2**30}

DRIVE_BUSES = ("scsi", "ide", "usb")


def _text(element: ET.Element, path: str, default: str = "") -> str:
    return element.findtext(path) or default


def _memory_mb(root: ET.Element, *tags: str) -> int:
    """The first of these elements in MB, rounded up."""
    element = next((found for found in map(root.find, tags) if found is not None), None)
    if element is None:
        return 0
    return -(-int(element.text or 0) * UNITS.get(element.get("unit", "KiB"), 1024) // 2**20)


def _device_address(element: ET.Element) -> t.Tuple[t.Optional[str], t.Optional[str]]:
    """(bus, address on it) of a device, as Nova's metadata has them: only that of PCI has addresses."""
    found, target = element.find("address"), element.find("target")
    if found is not None and found.get("type") == "pci":
        domain, bus, slot, function = (int(found.get(part) or "0", 16) for part in ("domain", "bus", "slot", "function"))
        return "pci", f"{domain:04x}:{bus:02x}:{slot:02x}.{function:x}"
    of_drive = target.get("bus") if target is not None else None
    return (of_drive, None) if of_drive in DRIVE_BUSES else (None, None)


def _disk(element: ET.Element) -> DomainDisk:
    source, target = element.find("source"), element.find("target")
    bus, address = _device_address(element)
    return {
        "path": (source.get("file") or source.get("dev")) if source is not None else None,
        "target": target.get("dev") if target is not None else None,
        "device": element.get("device", "disk"),
        "readonly": element.find("readonly") is not None,
        "bus": bus,
        "address": address,
    }


def _amount(element: ET.Element, name: str) -> t.Optional[int]:
    return int(element.get(name) or "0") or None


def _rate(element: t.Optional[ET.Element]) -> t.Optional[Rate]:
    average = _amount(element, "average") if element is not None else None
    if element is None or average is None:
        return None
    return {"average": average, "peak": _amount(element, "peak"), "burst": _amount(element, "burst")}


def _bandwidth(element: ET.Element) -> t.Optional[Bandwidth]:
    inbound, outbound = _rate(element.find("bandwidth/inbound")), _rate(element.find("bandwidth/outbound"))
    return {"inbound": inbound, "outbound": outbound} if inbound or outbound else None


def only_tag(element: ET.Element) -> t.Optional[int]:
    """The 802.1Q tag in an element's ``<vlan>``, if it is one."""
    tags = element.findall("vlan/tag")
    return int(tags[0].get("id") or "0") if len(tags) == 1 else None


def _interface(element: ET.Element) -> Interface:
    source, mac, target, mtu, driver = (element.find(tag) for tag in ("source", "mac", "target", "mtu", "driver"))
    virtualport, parameters = element.find("virtualport"), element.find("virtualport/parameters")
    interface_id = parameters.get("interfaceid") if parameters is not None else None
    bus, address = _device_address(element)
    return {
        "mac_address": mac.get("address", "").lower() if mac is not None else "",
        "type": element.get("type", ""),
        "source": dict(source.attrib) if source is not None else {},
        "device": target.get("dev") if target is not None else None,
        "mtu": _amount(mtu, "size") if mtu is not None else None,
        "bandwidth": _bandwidth(element),
        "queues": _amount(driver, "queues") if driver is not None else None,
        "virtualport": virtualport.get("type") if virtualport is not None else None,
        "interface_id": interface_id.lower() if interface_id else None,
        "vlan": only_tag(element),
        "bus": bus,
        "address": address,
    }


def parse_interfaces(xml: str) -> t.List[Interface]:
    """The network interfaces of a domain's XML."""
    return [_interface(element) for element in ET.fromstring(xml).findall("devices/interface")]


def _folder(root: ET.Element) -> str:
    """The folder named after the domain's uuid in which its console log or a disk lies; empty if there is none."""
    files = [element.get("file", "") for element in (*root.findall("devices/serial/log"), *root.findall("devices/disk/source"))]
    folders = [file.rpartition("/")[0] for file in files]
    return next((folder for folder in folders if folder.endswith(f"/{_text(root, 'uuid', 'no uuid')}")), "")


def _current_vcpus(root: ET.Element) -> int:
    element = root.find("vcpu")
    return int(element.get("current") or element.text or 0) if element is not None else 0


def _hardware(root: ET.Element) -> Hardware:
    return {
        "vcpus": int(_text(root, "vcpu", "0")),
        "current_vcpus": _current_vcpus(root),
        # What the host may have to give.
        "memory_mb": _memory_mb(root, "memory"),
        "current_memory_mb": _memory_mb(root, "currentMemory", "memory"),
        "disks": [_disk(element) for element in root.findall("devices/disk")],
        "interfaces": [_interface(element) for element in root.findall("devices/interface")],
    }


def parse_hardware(xml: str) -> Hardware:
    """What an XML text gives its guest."""
    return _hardware(ET.fromstring(xml))


def parse_domain(xml: str, power_state: str) -> Domain:
    """The domain of an XML text. A record that can't be read is no record, and record_error says why; nor is that of another domain."""
    root = ET.fromstring(xml)
    os_type = root.find("os/type")
    hardware = _hardware(root)
    domain: Domain = {
        "vcpus": hardware["vcpus"],
        "current_vcpus": hardware["current_vcpus"],
        "memory_mb": hardware["memory_mb"],
        "current_memory_mb": hardware["current_memory_mb"],
        "disks": hardware["disks"],
        "interfaces": hardware["interfaces"],
        "name": _text(root, "name"),
        "uuid": _text(root, "uuid"),
        "title": _text(root, "title"),
        "machine_type": os_type.get("machine") if os_type is not None else None,
        "record": None,
        "record_error": None,
        "record_of": None,
        "power_state": power_state,
    }
    element = root.find(f"metadata/{{{instance_record.NAMESPACE}}}{instance_record.TAG}")
    if element is not None:
        try:
            record = instance_record.from_element(element, _folder(root))
        except ValueError as error:
            domain["record_error"] = str(error)
        else:
            if record["uuid"].lower() == domain["uuid"].lower():
                domain["record"] = record
            else:
                domain["record_of"] = record["uuid"]
    return domain
