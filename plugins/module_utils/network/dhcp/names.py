# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the DHCP server of a bridge is called on its host; pure.

It lives in a network namespace of its own, with a pair of devices to the bridge. The names of all of it follow from the bridge's, so that whatever a process
that was killed has left is known again, without a list of what was made.
"""

from __future__ import annotations

import hashlib
import re
import typing as t

OUTER, NAMESPACE, INNER = "kvd-", "kvmfleet-dhcp-", "dhcp0"
ALIAS = "kvmfleet:dhcp "
_KEY = "([0-9a-f]{11})"  # with the longest device's name 15 characters, the kernel's most


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def key_of(bridge: str) -> str:
    """What tells the DHCP server of a bridge from the others of its host."""
    return _digest(f"dhcp {bridge}")[:11]


def outer_of(key: str) -> str:
    """The device that is a port of the bridge."""
    return OUTER + key


def namespace_of(key: str) -> str:
    """The network namespace, in which the other device is (INNER)."""
    return NAMESPACE + key


def key_in(name: str) -> t.Optional[str]:
    """The key in the name of a device or a namespace; None if it is none of a DHCP server's."""
    found = re.fullmatch(f"(?:{OUTER}|{NAMESPACE}){_KEY}", name)
    return found.group(1) if found else None


def is_key(name: str) -> bool:
    """True if a DHCP server could have this key."""
    return bool(re.fullmatch(_KEY, name))


def alias_of(bridge: str) -> str:
    """What people see at the device: kvmfleet:dhcp br0."""
    return ALIAS + bridge


def outer_mac(key: str) -> str:
    """The MAC address of the bridge's port: a high one, as libvirt gives taps, because a bridge without an address of its own takes the lowest of its ports."""
    return _mac("fe", f"kvmfleet {outer_of(key)}")


def inner_mac(bridge: str, host: str) -> str:
    """The MAC address that guests see: each host of a network has another one."""
    return _mac("02", f"kvmfleet dhcp {bridge} of {host}")


def _mac(first: str, text: str) -> str:
    digits = _digest(text)
    return ":".join([first, *(digits[at : at + 2] for at in range(0, 10, 2))])


def is_ours(device: str, mac_address: str, alias: t.Optional[str]) -> bool:
    """True if the device was made for a DHCP server, with or without its alias by now."""
    key = key_in(device) if device.startswith(OUTER) else None
    return key is not None and (mac_address.lower() == outer_mac(key) or (alias or "").startswith(ALIAS))
