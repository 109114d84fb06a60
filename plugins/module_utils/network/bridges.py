# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the kernel says of the host's bridges and of the taps on them (sysfs)."""

from __future__ import annotations

import os

from ansible_collections.kvmfleet.compute.plugins.module_utils.shapes import Bridge

SYSFS = "/sys/class/net"
IFF_UP = 0x1
# By number (``linux/if_bridge.h``: BR_STATE_*).
PORT_STATES = ("disabled", "listening", "learning", "forwarding", "blocking")


def _read(*parts: str) -> str:
    try:
        with open(os.path.join(SYSFS, *parts), encoding="ascii") as file:
            return file.read().strip()
    except OSError:
        return ""


def exists(device: str) -> bool:
    """True if there is a network device of this name."""
    return os.path.isdir(os.path.join(SYSFS, device))


def is_up(device: str) -> bool:
    """True if the device is administratively up."""
    flags = _read(device, "flags")
    return bool(flags) and bool(int(flags, 16) & IFF_UP)


def is_bridge(device: str) -> bool:
    """True if the device is a Linux bridge."""
    return os.path.isdir(os.path.join(SYSFS, device, "bridge"))


def bridge_of(device: str) -> str | None:
    """The bridge that the device is a port of; None if it is of none."""
    try:
        return os.path.basename(os.readlink(os.path.join(SYSFS, device, "master")))
    except OSError:
        return None


def port_state(device: str) -> str | None:
    """What its bridge does with the device's frames, with spanning tree's words; None if it is a port of none."""
    number = _read(device, "brport", "state")
    return PORT_STATES[int(number)] if number.isdigit() and int(number) < len(PORT_STATES) else None


def mtu_of(device: str) -> int | None:
    """The device's MTU in bytes; None if it can't be read."""
    return int(_read(device, "mtu") or 0) or None


def _names(*parts: str) -> list[str]:
    try:
        return sorted(os.listdir(os.path.join(SYSFS, *parts)))
    except OSError:
        return []


def _is_tap(device: str) -> bool:
    return os.path.exists(os.path.join(SYSFS, device, "tun_flags"))


def _bridge(name: str) -> Bridge:
    ports = [(_is_tap(port), mtu_of(port) or 0) for port in _names(name, "brif")]
    taps, others = ([mtu for is_tap, mtu in ports if mtu and is_tap is wanted] for wanted in (True, False))
    return {
        "name": name,
        "up": is_up(name),
        "mtu": mtu_of(name) or 0,
        "port_mtu": min(others, default=None),
        "tap_mtu": min(taps, default=None),
    }


def bridges() -> list[Bridge]:
    """Every Linux bridge."""
    return [_bridge(name) for name in _names() if is_bridge(name)]
