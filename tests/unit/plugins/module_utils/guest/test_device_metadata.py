# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tagged devices in the guest's metadata: where the domain has them."""

from __future__ import annotations

import pytest

from ansible_collections.kvmfleet.compute.plugins.module_utils.domain_parser import parse_hardware
from ansible_collections.kvmfleet.compute.plugins.module_utils.guest.device_metadata import devices
from ansible_collections.kvmfleet.compute.tests.unit import make

PCI = "<address type='pci' domain='0x0000' bus='0x1a' slot='0x03' function='0x1'/>"
DRIVE = "<address type='drive' controller='0' bus='1' target='2' unit='5'/>"
FRONT, BACK = (make.port(tag=tag, mac_address=f"fa:16:3e:00:00:{number:02x}") for number, tag in enumerate(("front", None)))
OF_NIC = {"type": "nic", "mac": "fa:16:3e:00:00:00", "vf_trusted": False, "tags": ["front"]}


def disk(bus: str, address: str) -> str:
    return f"<domain><devices><disk type='file'><target dev='xda' bus='{bus}'/>{address}</disk></devices></domain>"


@pytest.mark.parametrize(
    ("bus", "address", "told"),
    [
        ("virtio", PCI, ("pci", "0000:1a:03.1")),
        # Nova tells no address of a drive, and has no name for the bus of a SATA disk.
        ("scsi", DRIVE, ("scsi", "none")),
        ("ide", DRIVE, ("ide", "none")),
        ("sata", DRIVE, ("none", "none")),
        ("usb", "<address type='usb' bus='0' port='1'/>", ("usb", "none")),
        ("scsi", "", ("scsi", "none")),
        ("virtio", "<address type='ccw' cssid='0xfe' ssid='0x0' devno='0x0001'/>", ("none", "none")),
    ],
)
def test_a_tagged_disk_is_where_its_domain_has_it(bus: str, address: str, told: tuple[str, str]) -> None:
    instance = make.web(disks=[make.disk(device_name="xda", tag="data"), make.disk(device_name="xdb", file="other")], ports=[])
    expected = {"type": "disk", "serial": None, "tags": ["data"], "bus": told[0], "address": told[1]}
    assert devices(instance, parse_hardware(disk(bus, address))) == [expected]


def test_a_tagged_nic_is_found_by_its_mac_address_and_stands_behind_the_disks() -> None:
    nics = "".join(f"<interface type='bridge'><mac address='FA:16:3E:00:00:{number:02X}'/>{PCI}</interface>" for number in (1, 0))
    xml = f"<domain><devices>{nics}</devices></domain>"
    instance = make.web(disks=[make.disk(tag="data")], ports=[BACK, FRONT])
    assert [device["type"] for device in devices(instance, parse_hardware(xml))] == ["disk", "nic"]
    assert devices(instance, parse_hardware(xml))[1] == {**OF_NIC, "bus": "pci", "address": "0000:1a:03.1"}


def test_without_a_domain_a_tag_is_told_all_the_same() -> None:
    assert devices(make.web(disks=[], ports=[FRONT, BACK]), None) == [{**OF_NIC, "bus": "none", "address": "none"}]
