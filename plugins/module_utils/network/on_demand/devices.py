# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The devices of a host and the flood lists of its VXLAN links, read from what ``ip`` and ``bridge`` say; pure."""

from __future__ import annotations

import json
import typing as t

ANY = "00:00:00:00:00:00"  # frames for whom nobody has answered yet


class Device(t.NamedTuple):
    """A network device."""

    name: str
    kind: str  # bridge, vlan, vxlan, …; empty: of hardware
    mac_address: str
    alias: t.Optional[str]
    is_up: bool  # administratively
    master: t.Optional[str]  # the bridge that it is a port of
    mtu: int  # bytes
    number: t.Optional[int]  # of a VLAN or a VXLAN network
    parent: t.Optional[str]  # of a VLAN, the device that it is on
    local: t.Optional[str]  # of a VXLAN link, the address that it sends from
    port: t.Optional[int]  # of a VXLAN link, the UDP port


class _Details(t.TypedDict, total=False):
    id: int
    local: str
    local6: str
    port: int


class _LinkInfo(t.TypedDict, total=False):
    info_kind: str
    info_data: _Details


class _Link(t.TypedDict, total=False):
    """What is read of an entry of ``ip -json -details link show``."""

    ifname: str
    flags: t.List[str]
    mtu: int
    master: str
    link: str
    address: str
    ifalias: str
    linkinfo: _LinkInfo


class _Entry(t.TypedDict, total=False):
    """What is read of an entry of ``bridge -json fdb show``."""

    mac: str
    dst: str


def _device(entry: _Link) -> Device:
    info = entry.get("linkinfo") or {}
    details = info.get("info_data") or {}
    return Device(
        name=entry["ifname"],
        kind=info.get("info_kind", ""),
        mac_address=entry.get("address", ""),
        alias=entry.get("ifalias"),
        is_up="UP" in entry.get("flags", []),
        master=entry.get("master"),
        mtu=entry.get("mtu", 0),
        number=details.get("id"),
        parent=entry.get("link"),
        local=details.get("local") or details.get("local6"),
        port=details.get("port"),
    )


def devices(text: str) -> t.Dict[str, Device]:
    """Every device by name, from ``ip -json -details link show``; ValueError, KeyError or TypeError if that can't be read."""
    entries: t.List[_Link] = json.loads(text or "[]")
    return {device.name: device for device in map(_device, entries)}


def flood_list(text: str) -> t.Set[str]:
    """The addresses that a VXLAN link sends to what has no other entry, from ``bridge -json fdb show dev``."""
    entries: t.List[_Entry] = json.loads(text or "[]")
    return {entry["dst"] for entry in entries if entry.get("mac") == ANY and "dst" in entry}
