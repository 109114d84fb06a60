# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ask on a bridge whether addresses are in use, by frames of the host (packet sockets: root)."""

from __future__ import annotations

import selectors
import socket
import time
import typing as t

from ansible_collections.kvmfleet.compute.plugins.module_utils.network.probe_frames import ETHERTYPE_ARP, ETHERTYPE_IPV6, answer, question

# RFC 5227 asks three times over some seconds; on a bridge and its switches an answer takes milliseconds, if its guest is awake.
TRIES, WAIT_S = 3, 0.5
MOST_BYTES = 2048


def who_has(device: str, addresses: t.Sequence[str]) -> t.Dict[str, str]:
    """The MAC addresses that answer for these addresses, by address; as long as one has no answer it takes 1.5 s. OSError without the right to ask."""
    found: t.Dict[str, str] = {}
    with selectors.DefaultSelector() as selector, _opened(device, ETHERTYPE_ARP) as arp, _opened(device, ETHERTYPE_IPV6) as ipv6:
        mac: bytes = arp.getsockname()[4]
        for raw in (arp, ipv6):
            selector.register(raw, selectors.EVENT_READ, raw)
        for _try in range(TRIES):
            for address in addresses:
                arp.send(question(mac, address))
            end = time.monotonic() + WAIT_S
            while len(found) < len(addresses) and (left := end - time.monotonic()) > 0:
                for key, _events in selector.select(left):
                    readable: socket.socket = key.data
                    known = answer(readable.recv(MOST_BYTES))
                    if known and known.ip_address in addresses:
                        found[known.ip_address] = known.mac_address
    return found


def _opened(device: str, ethertype: int) -> socket.socket:
    raw = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ethertype))
    try:
        raw.bind((device, ethertype))
    except OSError:
        raw.close()
        raise
    return raw
