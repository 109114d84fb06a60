# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""``devices`` of meta_data.json: what tells a guest which of its disks and NICs has which tag; pure.

Follows ``nova/virt/libvirt/driver.py: _build_device_metadata`` and ``nova/api/metadata/base.py: _get_device_metadata``: a device without a tag is not there.
"""

from __future__ import annotations

import typing as t

from ansible_collections.kvmfleet.compute.plugins.module_utils.shapes import Hardware, Instance


class Device(t.TypedDict):
    """A tagged device."""

    type: str  # disk or nic
    bus: str  # pci, scsi, ide or usb; none: Nova has no word for it, or the domain is not known
    address: str  # of a PCI device, such as 0000:00:03.0; none: it is not known, or Nova tells none
    tags: t.List[str]  # one
    serial: t.NotRequired[t.Optional[str]]  # of a disk: the volume's id; null, as there are no volumes
    mac: t.NotRequired[str]  # of a NIC: lower case
    vf_trusted: t.NotRequired[bool]  # of a NIC: false, as none is a virtual function


def devices(instance: Instance, hardware: t.Optional[Hardware]) -> t.List[Device]:
    """The tagged devices in the order of the domain's; ``hardware``: of its definition, whose addresses libvirt has chosen. None: there is none."""
    disks = {disk["target"]: disk for disk in hardware["disks"]} if hardware else {}
    nics = {nic["mac_address"]: nic for nic in hardware["interfaces"]} if hardware else {}
    found: t.List[Device] = []
    for disk in instance["disks"]:
        if disk["tag"]:
            there = disks.get(disk["device_name"])
            bus, address = (there["bus"], there["address"]) if there else (None, None)
            found.append({"type": "disk", "bus": bus or "none", "address": address or "none", "tags": [disk["tag"]], "serial": None})
    for port in instance["ports"]:
        if port["tag"]:
            nic = nics.get(port["mac_address"].lower())
            bus, address = (nic["bus"], nic["address"]) if nic else (None, None)
            mac = port["mac_address"]
            found.append({"type": "nic", "bus": bus or "none", "address": address or "none", "tags": [port["tag"]], "mac": mac, "vf_trusted": False})
    return found
