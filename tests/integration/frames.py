"""Frames as bytes, with right checksums: connection tracking looks at them."""

from __future__ import annotations

import dataclasses
import ipaddress
import struct

EVERYBODY = "ff:ff:ff:ff:ff:ff"
ARP, IPV4, IPV6, VLAN, LLDP = 0x0806, 0x0800, 0x86DD, 0x8100, 0x88CC
ICMP, TCP, UDP, ICMPV6 = 1, 6, 17, 58
HOP_BY_HOP, FRAGMENT, DESTINATION = 0, 44, 60  # extension headers of IPv6
SYN, ACK = 2, 16  # flags of TCP
# So long that no frame needs padding: connection tracking cuts it off, and it would not come out as it was sent.
DATA = b"x" * 32


@dataclasses.dataclass(frozen=True)
class End:
    """Who sends or receives."""

    mac: str
    ip: str


def _mac(text: str) -> bytes:
    return bytes.fromhex(text.replace(":", ""))


def _packed(text: str) -> bytes:
    return ipaddress.ip_address(text).packed


def _checksum(data: bytes) -> int:
    total = sum(struct.unpack(f"!{(len(data) + 1) // 2}H", data + b"\0" * (len(data) % 2)))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def ethernet(sender: str, receiver: str, kind: int, payload: bytes) -> bytes:
    return _mac(receiver) + _mac(sender) + struct.pack("!H", kind) + payload.ljust(46, b"\0")


def tagged(frame: bytes, vlan: int) -> bytes:
    return frame[:12] + struct.pack("!HH", VLAN, vlan) + frame[12:]


def arp(sender: End, target: str, *, mac: str | None = None, answer: bool = False) -> bytes:
    """A question, or an answer, of ``sender``; ``mac``: the frame's own sender, if that is another."""
    body = struct.pack("!HHBBH", 1, IPV4, 6, 4, 2 if answer else 1) + _mac(sender.mac) + _packed(sender.ip) + bytes(6) + _packed(target)
    return ethernet(mac or sender.mac, EVERYBODY, ARP, body)


def _ip(sender: End, receiver: End, protocol: int, payload: bytes) -> bytes:
    source, target = _packed(sender.ip), _packed(receiver.ip)
    if len(source) == 4:
        head = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(payload), 1, 0, 64, protocol, 0) + source + target
        return ethernet(sender.mac, receiver.mac, IPV4, head[:10] + struct.pack("!H", _checksum(head)) + head[12:] + payload)
    return ethernet(sender.mac, receiver.mac, IPV6, struct.pack("!IHBB", 6 << 28, len(payload), protocol, 255) + source + target + payload)


def _pseudo(sender: End, receiver: End, protocol: int, length: int) -> bytes:
    return _packed(sender.ip) + _packed(receiver.ip) + struct.pack("!II", length, protocol)


def udp(sender: End, from_port: int, receiver: End, to_port: int) -> bytes:
    head = struct.pack("!HHHH", from_port, to_port, 8 + len(DATA), 0) + DATA
    checksum = _checksum(_pseudo(sender, receiver, UDP, len(head)) + head)
    return _ip(sender, receiver, UDP, head[:6] + struct.pack("!H", checksum) + head[8:])


def tcp(sender: End, from_port: int, receiver: End, to_port: int, flags: int, sequence: int = 1, acknowledged: int = 0) -> bytes:
    """A segment without data, with options that do nothing: no frame needs padding."""
    head = struct.pack("!HHIIBBHHH", from_port, to_port, sequence, acknowledged, 7 << 4, flags, 1024, 0, 0) + b"\1" * 8
    checksum = _checksum(_pseudo(sender, receiver, TCP, len(head)) + head)
    return _ip(sender, receiver, TCP, head[:16] + struct.pack("!H", checksum) + head[18:])


def icmp(sender: End, receiver: End, kind: int) -> bytes:
    """An echo request or reply."""
    head = struct.pack("!BBHHH", kind, 0, 0, 7, 1) + DATA
    return _ip(sender, receiver, ICMP, head[:2] + struct.pack("!H", _checksum(head)) + head[4:])


def icmpv6(sender: End, receiver: End, kind: int, body: bytes) -> bytes:
    head = struct.pack("!BBH", kind, 0, 0) + body
    checksum = _checksum(_pseudo(sender, receiver, ICMPV6, len(head)) + head)
    return _ip(sender, receiver, ICMPV6, head[:2] + struct.pack("!H", checksum) + head[4:])


def echo_of_6(sender: End, receiver: End, kind: int) -> bytes:
    """An echo request (128) or reply (129)."""
    return icmpv6(sender, receiver, kind, struct.pack("!HH", 7, 1) + DATA)


def neighbour(sender: End, receiver: End, kind: int, target: str) -> bytes:
    """A solicitation (135) or an advertisement (136)."""
    return icmpv6(sender, receiver, kind, bytes(4) + _packed(target))


def _behind(frame: bytes, kind: int, rest: bytes) -> bytes:
    """A frame of IPv6 with one more extension header before what it had."""
    ether, head, payload = frame[:14], frame[14:54], frame[54:]
    return ether + head[:4] + struct.pack("!HB", len(payload) + 1 + len(rest), kind) + head[7:] + head[6:7] + rest + payload


def behind_options(frame: bytes, kind: int) -> bytes:
    """A frame of IPv6 with options (HOP_BY_HOP or DESTINATION) that say nothing."""
    return _behind(frame, kind, bytes([0, 1, 4, 0, 0, 0, 0]))


def in_fragment(frame: bytes, offset: int = 0, more: bool = False) -> bytes:
    """A frame of IPv6 as a fragment, all of it unless there are others; ``offset`` in bytes."""
    return _behind(frame, FRAGMENT, struct.pack("!BHI", 0, offset | more, 5))


def router_advertisement(sender: End, receiver: End) -> bytes:
    return icmpv6(sender, receiver, 134, bytes(12))


def redirect(sender: End, receiver: End, target: str) -> bytes:
    """Who would go to another router from now on for the target."""
    return icmpv6(sender, receiver, 137, bytes(4) + _packed(sender.ip) + _packed(target))
