# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What somebody has changed in libvirt, seen from the record."""

from __future__ import annotations

import typing as t
import xml.etree.ElementTree as ET
from collections.abc import Callable

import pytest

from ansible_collections.kvmfleet.compute.plugins.module_utils.compute.domain_drift import domain_drift
from ansible_collections.kvmfleet.compute.plugins.module_utils.domain_parser import parse_domain, parse_hardware
from ansible_collections.kvmfleet.compute.plugins.module_utils.guest.domain_xml import domain_element
from ansible_collections.kvmfleet.compute.plugins.module_utils.shapes import Bandwidth
from ansible_collections.kvmfleet.compute.plugins.module_utils.storage.table import backend_of
from ansible_collections.kvmfleet.compute.tests.unit import make

FOLDER = f"/instances/{make.UUID}"
PATHS = {"vda": f"{FOLDER}/disk", "vdc": f"{FOLDER}/disk.config"}
LIMITS: Bandwidth = {"inbound": {"average": 100, "peak": None, "burst": 80}, "outbound": None}
PORTS = [
    make.port(mtu=1450),
    make.port(bandwidth=LIMITS, queues=2, binding=make.libvirt_network(), mac_address="fa:16:3e:00:00:02", device="tap2"),
    make.port(binding=make.libvirt_network(), mac_address="fa:16:3e:00:00:03", device="tap3"),
]
RECORD = make.record(make.web(flavor=make.flavor(), disks=[make.root_disk(), make.config_disk()], ports=PORTS))
DISKS = [backend_of(disk).element(disk, PATHS[disk["device_name"]]) for disk in RECORD["disks"]]
XML = ET.tostring(domain_element(RECORD, disks=DISKS, console_log=f"{FOLDER}/console.log", virt_type="qemu", arch="x86_64"), encoding="unicode")
LIMIT = "devices/interface[2]/bandwidth/inbound"
BRIDGE, NETWORK = "interfaces.fa:16:3e:00:00:01", "interfaces.fa:16:3e:00:00:02"


def element(root: ET.Element, path: str) -> ET.Element:
    found = root.find(path)
    assert found is not None
    return found


def remove(root: ET.Element, path: str) -> None:
    devices = element(root, "devices")
    devices.remove(element(devices, path))


def add(root: ET.Element, xml: str) -> None:
    element(root, "devices").append(ET.fromstring(xml))


def set_limit(root: ET.Element, path: str, **of_source: str) -> None:
    element(root, path).append(ET.fromstring('<bandwidth><outbound average="5" peak="6"/></bandwidth>'))
    element(root, f"{path}/source").attrib.update(of_source)


def current_memory(root: ET.Element) -> None:
    ET.SubElement(root, "currentMemory", unit="KiB").text = str(256 * 1024)


def memory(root: ET.Element) -> None:
    element(root, "memory").text = str(1024 * 1024)


CHANGES: dict[str, tuple[Callable[[ET.Element], t.Any], list[tuple[str, object, object]]]] = {
    "nothing": (lambda _root: None, []),
    "vcpus": (lambda root: element(root, "vcpu").set("current", "2"), [("vcpus", 1, 2)]),
    "memory": (memory, [("memory_mb", 512, 1024)]),
    "balloon": (current_memory, [("memory_mb", 512, 256)]),
    "a NIC is detached": (lambda root: remove(root, "interface"), [(BRIDGE, "bridge br0", None)]),
    "a NIC's bridge": (lambda root: element(root, "devices/interface/source").set("bridge", "br9"), [(BRIDGE, "bridge br0", "bridge br9")]),
    "a NIC's network": (lambda root: element(root, "devices/interface[2]/source").set("network", "x"), [(NETWORK, "network default", "network x")]),
    "a network's bridge, which libvirt adds": (lambda root: element(root, "devices/interface[2]/source").set("bridge", "virbr0"), []),
    "a network's limit, which libvirt adds": (
        lambda root: set_limit(root, "devices/interface[3]", bridge="virbr0"),
        [],
    ),
    "a limit on a libvirt network that nobody has asked for": (
        lambda root: set_limit(root, "devices/interface[3]"),
        [("interfaces.fa:16:3e:00:00:03.bandwidth.outbound", None, "5 kB/s, peak 6 kB/s")],
    ),
    "a NIC's MTU": (lambda root: element(root, "devices/interface/mtu").set("size", "9000"), [(f"{BRIDGE}.mtu", 1450, 9000)]),
    "a NIC without its MTU": (lambda root: element(root, "devices/interface").remove(element(root, "devices/interface/mtu")), [(f"{BRIDGE}.mtu", 1450, None)]),
    "an MTU that nobody has asked for": (lambda root: ET.SubElement(element(root, "devices/interface[2]"), "mtu", size="9000"), []),
    "a NIC's limit": (
        lambda root: element(root, LIMIT).set("average", "9"),
        [(f"{NETWORK}.bandwidth.inbound", "100 kB/s, burst 80 kB", "9 kB/s, burst 80 kB")],
    ),
    "a limit is lifted": (
        lambda root: element(root, "devices/interface[2]").remove(element(root, "devices/interface[2]/bandwidth")),
        [(f"{NETWORK}.bandwidth.inbound", "100 kB/s, burst 80 kB", None)],
    ),
    "a limit that nobody has asked for": (
        lambda root: set_limit(root, "devices/interface"),
        [(f"{BRIDGE}.bandwidth.outbound", None, "5 kB/s, peak 6 kB/s")],
    ),
    "a NIC's queues": (lambda root: element(root, "devices/interface[2]/driver").set("queues", "1"), [(f"{NETWORK}.queues", 2, 1)]),
    "another NIC": (
        lambda root: add(root, '<interface type="direct"><mac address="FA:16:3E:00:00:09"/><source dev="eth0"/></interface>'),
        [("interfaces.fa:16:3e:00:00:09", None, "dev eth0")],
    ),
    "a disk is detached": (lambda root: remove(root, "disk"), [("disks.vda", f"{FOLDER}/disk", None)]),
    "a snapshot's overlay": (
        lambda root: element(root, "devices/disk/source").set("file", f"{FOLDER}/disk.snap"),
        [("disks.vda", f"{FOLDER}/disk", f"{FOLDER}/disk.snap")],
    ),
    "another disk": (
        lambda root: add(root, '<disk type="block"><source dev="/dev/sdx"/><target dev="vdz"/></disk>'),
        [("disks.vdz", None, "/dev/sdx")],
    ),
}


def changed(name: str) -> str:
    root = ET.fromstring(XML)
    CHANGES[name][0](root)
    return ET.tostring(root, encoding="unicode")


def told(defined: str, live: str | None = None) -> list[tuple[str, object, object]]:
    domain = parse_domain(defined, "running")
    assert domain["record"] is not None
    if live is not None:
        domain["live"] = parse_hardware(live)
    found = domain_drift(domain["record"], domain, PATHS)
    assert {item["remedy"] for item in found} <= {"manual"}
    return [(item["path"], item["wanted"], item["actual"]) for item in found]


@pytest.mark.parametrize("name", list(CHANGES))
def test_what_was_changed_is_told_and_where(name: str) -> None:
    xml, expected = changed(name), CHANGES[name][1]
    assert told(xml) == told(xml, xml) == [(f"libvirt.{path}", *values) for path, *values in expected]
    assert told(xml, XML) == [(f"libvirt.defined.{path}", *values) for path, *values in expected]
    assert told(XML, xml) == [(f"libvirt.running.{path}", *values) for path, *values in expected]
