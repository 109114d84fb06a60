# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A guest that asks by DHCPv6 (RFC 8415), for an address or for nothing but name servers, and says as JSON what it is told: ask_dhcpv6.py DEVICE MAC WHAT."""

from __future__ import annotations

import contextlib
import ipaddress
import json
import socket
import struct
import sys

SERVERS, CLIENT, SERVER = "ff02::1:2", 546, 547
SOLICIT, REQUEST, ADVERTISE, REPLY, INFORMATION = 1, 3, 2, 7, 11
CLIENT_ID, SERVER_ID, ADDRESSES, ADDRESS, ASKED_FOR, NAME_SERVERS = 1, 2, 3, 5, 6, 23
TRANSACTION = b"\1\2\3"
TRIES, WAIT_S = 4, 0.5
Options = dict[int, bytes]


def option(code: int, content: bytes) -> bytes:
    return struct.pack("!HH", code, len(content)) + content


def options(data: bytes) -> Options:
    found: Options = {}
    while data:
        code, length = struct.unpack("!HH", data[:4])
        found[code], data = data[4 : 4 + length], data[4 + length :]
    return found


def ask(sock: socket.socket, device: str, kind: int, wanted: int, *asked: bytes) -> Options:
    """What the answer has; nothing if none comes."""
    message = bytes([kind]) + TRANSACTION + b"".join(asked) + option(ASKED_FOR, struct.pack("!H", NAME_SERVERS))
    for _try in range(TRIES):
        # The device may have no address yet.
        with contextlib.suppress(OSError):
            sock.sendto(message, (SERVERS, SERVER, 0, socket.if_nametoindex(device)))
        try:
            answer = sock.recv(2048)
        except OSError:
            continue
        if answer[0] == wanted:
            return options(answer[4:])
    return {}


def addresses(content: bytes) -> list[str]:
    return [str(ipaddress.IPv6Address(content[start : start + 16])) for start in range(0, len(content), 16)]


def main() -> None:
    device, mac, what = sys.argv[1:]
    who = option(CLIENT_ID, struct.pack("!HH", 3, 1) + bytes.fromhex(mac.replace(":", "")))
    nothing_yet = option(ADDRESSES, struct.pack("!III", 1, 0, 0))
    said: dict[str, list[str]] = {}
    with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as sock:
        sock.settimeout(WAIT_S)
        sock.bind(("::", CLIENT))
        if what == "stateless":
            answer = ask(sock, device, INFORMATION, REPLY, who)
        else:
            offer = ask(sock, device, SOLICIT, ADVERTISE, who, nothing_yet)
            answer = ask(sock, device, REQUEST, REPLY, who, nothing_yet, option(SERVER_ID, offer[SERVER_ID])) if SERVER_ID in offer else {}
    if ADDRESSES in answer and ADDRESS in (of_guest := options(answer[ADDRESSES][12:])):
        said["ip"] = addresses(of_guest[ADDRESS][:16])
    if NAME_SERVERS in answer:
        said["dns"] = addresses(answer[NAME_SERVERS])
    print(json.dumps(said))


if __name__ == "__main__":
    main()
