# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A request as it is once it fits the schema: the shapes of a body of POST /servers (``schema.py``, ``microversions.py``); pure."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from ansible_collections.kvmfleet.compute.plugins.plugin_utils.shapes import Target


class NetworkBody(t.TypedDict, total=False):
    """One of ``networks``."""

    uuid: str  # of a network
    port: str | None  # of a port
    fixed_ip: str  # address
    tag: str  # names the device in the guest's metadata


class LegacyDeviceBody(t.TypedDict, total=False):
    """One of ``block_device_mapping``."""

    virtual_name: str  # ephemeralN or swap
    volume_id: str  # of a volume
    snapshot_id: str  # of a snapshot
    volume_size: int | str  # GB; MB of swap
    device_name: str  # vda
    delete_on_termination: bool | str  # a switch
    no_device: object  # true: left out
    connection_info: str  # Cinder's


class DeviceBody(LegacyDeviceBody, total=False):
    """One of ``block_device_mapping_v2``, of a request or of an image's properties."""

    path: str  # where it was asked for, if that is not its place in the list
    source_type: str | None  # volume, image, snapshot or blank
    destination_type: str | None  # local or volume
    uuid: str | None  # of what source_type says
    image_id: str  # of an image
    guest_format: str | None  # file system, or swap
    device_type: str | None  # disk, cdrom, floppy, lun
    disk_bus: str | None  # one of Nova's buses
    boot_index: int | str | None  # 0: booted from
    tag: str | None  # names the device in the guest's metadata
    volume_type: str | None  # of a new volume


class SecurityGroupBody(t.TypedDict, total=False):
    """One of ``security_groups``."""

    name: str  # name or id


ServerBody = t.TypedDict(
    "ServerBody",
    {
        "name": t.Required[str],
        "flavorRef": t.Required[str | int],
        "imageRef": str,
        "networks": str | list[NetworkBody],
        "min_count": int | str,
        "max_count": int | str,
        "return_reservation_id": bool | str,
        "key_name": str,
        "user_data": str,
        "user_data_text": str,
        "metadata": dict[str, str],
        "availability_zone": str,
        "security_groups": list[SecurityGroupBody],
        "config_drive": bool | str,
        "adminPass": str,
        "accessIPv4": str,
        "accessIPv6": str,
        "OS-DCF:diskConfig": str,
        "block_device_mapping": list[LegacyDeviceBody],
        "block_device_mapping_v2": list[DeviceBody],
        "personality": list[dict[str, str]],
        "description": str | None,
        "tags": list[str],
        "trusted_image_certificates": list[str] | None,
        "host": str,
        "hypervisor_hostname": str,
        "hostname": str,
    },
    total=False,
)
# Hints that filters of one's own read can hold anything.
Hints = dict[str, t.Any]
Body = t.TypedDict(
    "Body",
    {"server": t.Required[ServerBody], "os:scheduler_hints": Hints, "OS-SCH-HNT:scheduler_hints": Hints},
    total=False,
)


@dataclass(frozen=True)
class Asked:
    """What the controller reads off a body."""

    name: str  # stripped
    min_count: int  # servers, at least
    max_count: int  # servers, if quotas leave room
    target: Target  # as it is written
    hints: Hints  # without Nova's own
