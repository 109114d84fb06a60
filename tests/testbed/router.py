"""Advertise a prefix to one guest, as a router on its network does, from which the guest makes an address: router.py DEVICE GUEST PREFIX.

GUEST is its link-local address: nobody else on the testbed is to make an address.
"""

from __future__ import annotations

import ipaddress
import socket
import struct
import sys

HOP_LIMIT = 255  # of every advertisement that was not forwarded
ADVERTISEMENT, PREFIX_OPTION = 134, 3
ON_LINK, AUTONOMOUS = 0x80, 0x40
VALID_S = 600


def advertisement(prefix: ipaddress.IPv6Network) -> bytes:
    """RFC 4861, 4.2 and 4.6.2; of a router that is nobody's default. The kernel adds the checksum."""
    header = struct.pack("!BBHBBHII", ADVERTISEMENT, 0, 0, 64, 0, 0, 0, 0)
    option = struct.pack("!BBBBIII", PREFIX_OPTION, 4, prefix.prefixlen, ON_LINK | AUTONOMOUS, VALID_S, VALID_S, 0)
    return header + option + prefix.network_address.packed


def main() -> None:
    device, guest, prefix = sys.argv[1:]
    with socket.socket(socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_ICMPV6) as raw:
        raw.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_UNICAST_HOPS, HOP_LIMIT)
        raw.sendto(advertisement(ipaddress.IPv6Network(prefix)), (guest, 0, 0, socket.if_nametoindex(device)))


if __name__ == "__main__":
    main()
