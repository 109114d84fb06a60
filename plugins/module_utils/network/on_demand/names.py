# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Networks that are made on the hosts that need them: what names them, and the names and marks of their devices; pure.

The name of such a network's binding is what tells it from others on the wire, in Neutron's words, and not the catalogue's id: ``5`` of type vxlan,
``physnet1:5`` of type vlan, ``physnet1`` of type flat; only a local network, which is nowhere but on its host, has the id. So a network that the catalogue
calls otherwise by now is the same network still, and one host never has two bridges with one VXLAN network identifier, which the kernel refuses.

The names of devices are made of that, and a device says itself that it is ours, from the moment at which it is there: its MAC address is made of its name.
(The kernel takes no alias for a new device, only for one that is there.) So whatever a process that was killed has left is known again, without a list of what
was made that could be lost.
"""

from __future__ import annotations

import hashlib
import re
import typing as t

from ansible_collections.kvmfleet.compute.plugins.module_utils.shapes import Binding

FLAT, VLAN, VXLAN, LOCAL = "flat", "vlan", "vxlan", "local"
PROVIDER = (FLAT, VLAN, VXLAN, LOCAL)  # Neutron's provider:network_type
MADE = (VLAN, VXLAN, LOCAL)  # with a bridge of their own
BRIDGE, VLAN_LINK, VXLAN_LINK = "kvb-", "kvl-", "kvx-"
LINKS = {VLAN: VLAN_LINK, VXLAN: VXLAN_LINK}
ALIAS = "kvmfleet:"
_NAME = re.compile(r"kv[blx]-[0-9a-f]{11}\Z")  # 15 characters are the kernel's most


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _device(kind: str, binding: Binding) -> str:
    return kind + _digest(f"{binding['type']} {binding['name']}")[:11]


def bridge_of(binding: Binding) -> str:
    """The bridge of a network that has one of its own."""
    return _device(BRIDGE, binding)


def link_of(binding: Binding) -> t.Optional[str]:
    """The device by which the bridge reaches other hosts; None if it reaches none."""
    return _device(LINKS[binding["type"]], binding) if binding["type"] in LINKS else None


def devices_beside(bridge: str) -> t.Set[str]:
    """The names that the devices of a network can have whose bridge has this name; none if it is no bridge that is made here."""
    digits = bridge[len(BRIDGE) :]
    return {kind + digits for kind in (BRIDGE, VLAN_LINK, VXLAN_LINK)} if is_our_name(bridge) else set()


def alias_of(binding: Binding) -> str:
    """What people see at its devices: kvmfleet:vxlan 5."""
    return f"{ALIAS}{binding['type']} {binding['name']}"


def mac_of(device: str) -> str:
    """The MAC address of a device of ours, locally administered."""
    digits = _digest(f"kvmfleet {device}")
    return ":".join(["02", *(digits[at : at + 2] for at in range(0, 10, 2))])


def is_our_name(device: str) -> bool:
    """True if a device that is made here could have this name."""
    return bool(_NAME.match(device))


def is_ours(device: str, mac_address: str, alias: t.Optional[str]) -> bool:
    """True if the device was made here, with or without its alias by now."""
    return is_our_name(device) and (mac_address.lower() == mac_of(device) or (alias or "").startswith(ALIAS))


def vlan_of(binding: Binding) -> t.Tuple[str, int]:
    """(physical network, VLAN) of a network of type vlan."""
    physical_network, _colon, number = binding["name"].rpartition(":")
    return physical_network, int(number)
