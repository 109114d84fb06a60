# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Frames that ask whether an address is in use, and those that say so; pure.

IPv4: the ARP probe of RFC 5227. IPv6: the neighbour solicitation of duplicate address detection (RFC 4862).
"""

from __future__ import annotations

import ipaddress
import struct
import typing as t

ETHERTYPE_ARP, ETHERTYPE_IPV6 = 0x0806, 0x86DD
_ARP_OF_IPV4 = b"\x00\x01\x08\x00\x06\x04"  # Ethernet, IPv4, and the lengths of their addresses
_ICMPV6, _SOLICITATION, _ADVERTISEMENT = 58, 135, 136


class Answer(t.NamedTuple):
    """Who has an address."""

    ip_address: str
    mac_address: str


def question(mac: bytes, address: str) -> bytes:
    """The frame that asks for an address without claiming it. ``mac``: of the device that it leaves by."""
    ip = ipaddress.ip_address(address)
    if ip.version == 4:
        request = b"\x00\x01" + mac + bytes(4) + bytes(6) + ip.packed
        return b"\xff" * 6 + mac + struct.pack("!H", ETHERTYPE_ARP) + _ARP_OF_IPV4 + request
    group = ipaddress.ip_address("ff02::1:ff00:0").packed[:13] + ip.packed[13:]
    message = bytes([_SOLICITATION, 0, 0, 0]) + bytes(4) + ip.packed
    pseudo_header = bytes(16) + group + struct.pack("!II", len(message), _ICMPV6)
    message = message[:2] + struct.pack("!H", _checksum(pseudo_header + message)) + message[4:]
    header = struct.pack("!IHBB", 6 << 28, len(message), _ICMPV6, 255) + bytes(16) + group
    return b"\x33\x33" + group[12:] + mac + struct.pack("!H", ETHERTYPE_IPV6) + header + message


def answer(frame: bytes) -> t.Optional[Answer]:
    """Who says by this frame that it has which address; None if it says nothing of the kind."""
    (ethertype,) = struct.unpack("!H", frame[12:14]) if len(frame) >= 14 else (0,)
    payload = frame[14:]
    if ethertype == ETHERTYPE_ARP and len(payload) >= 28 and payload[:6] == _ARP_OF_IPV4 and any(payload[14:18]):
        return Answer(str(ipaddress.ip_address(payload[14:18])), _text(payload[8:14]))
    if ethertype == ETHERTYPE_IPV6 and len(payload) >= 64 and payload[6] == _ICMPV6 and payload[40] == _ADVERTISEMENT:
        return Answer(str(ipaddress.ip_address(payload[48:64])), _text(frame[6:12]))
    return None


def _checksum(data: bytes) -> int:
    """Of RFC 1071; all that is summed here has an even length."""
    words: t.Tuple[int, ...] = struct.unpack(f"!{len(data) // 2}H", data)
    total = sum(words)
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def _text(mac: bytes) -> str:
    return ":".join(f"{byte:02x}" for byte in mac)
