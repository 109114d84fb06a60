# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the kernel says of the host's bridges and of the taps on them (sysfs)."""

from __future__ import annotations

import os
import typing as t

from ansible_collections.kvmfleet.compute.plugins.module_utils.network.dhcp.names import key_in
from ansible_collections.kvmfleet.compute.plugins.module_utils.shapes import Bridge

SYSFS = "/sys/class/net"
IFF_UP = 0x1
# By number (``linux/if_bridge.h``: BR_STATE_*).
PORT_STATES = ("disabled", "listening", "learning", "forwarding", "blocking")


def read(*parts: str) -> str:
    """A file of a device; empty if it can't be read."""
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
    flags = read(device, "flags")
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
    number = read(device, "brport", "state")
    return PORT_STATES[int(number)] if number.isdigit() and int(number) < len(PORT_STATES) else None


def mtu_of(device: str) -> int | None:
    """The device's MTU in bytes; None if it can't be read."""
    return int(read(device, "mtu") or 0) or None


def names(*parts: str) -> list[str]:
    """What is in a folder, sorted; without one the devices."""
    try:
        return sorted(os.listdir(os.path.join(SYSFS, *parts)))
    except OSError:
        return []


def _is_tap(device: str) -> bool:
    return os.path.exists(os.path.join(SYSFS, device, "tun_flags"))


def least_mtu(ports: t.Iterable[str], *, of_taps: bool = False) -> int | None:
    """The least MTU of those of a bridge's ports that are no taps, or of those that are; None if there is no such port."""
    return min(filter(None, (mtu_of(port) for port in ports if _is_tap(port) is of_taps)), default=None)


def _bridge(name: str) -> Bridge:
    # That of a DHCP server is as wide as it was asked to be.
    ports = [port for port in names(name, "brif") if not key_in(port)]
    return {
        "name": name,
        "up": is_up(name),
        "mtu": mtu_of(name) or 0,
        "port_mtu": least_mtu(ports),
        "tap_mtu": least_mtu(ports, of_taps=True),
    }


def bridges() -> list[Bridge]:
    """Every Linux bridge."""
    return [_bridge(name) for name in names() if is_bridge(name)]
