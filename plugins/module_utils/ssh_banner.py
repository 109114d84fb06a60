# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Waiting for SSH, from the controller or from a host: a server answers when one of its ways in gives an SSH banner."""

from __future__ import annotations

import socket
import time
import typing as t
from concurrent.futures import ThreadPoolExecutor

Way = t.Tuple[str, int]  # an address and a TCP port
TRY_S = 3.0
PAUSE_S = 0.5
MOST_AT_ONCE = 64


def answers(way: Way, timeout_s: float = TRY_S) -> bool:
    """Does an SSH server greet there?"""
    try:
        with socket.create_connection(way, timeout=timeout_s) as connection:
            return connection.recv(4) == b"SSH-"
    except OSError:
        return False


def wait(ways: t.List[Way], deadline: float) -> bool:
    """Try a server's ways in, one after the other, until one answers; False at the deadline (monotonic s)."""
    while True:
        for way in ways:
            if answers(way, max(0.1, min(TRY_S, deadline - time.monotonic()))):
                return True
        if time.monotonic() + PAUSE_S > deadline:
            return False
        time.sleep(PAUSE_S)


def wait_all(servers: t.Dict[str, t.List[Way]], timeout_s: float) -> t.Dict[str, t.Tuple[bool, float]]:
    """{id: (answered, seconds)} of {id: [way]}, all waited for together."""
    begin = time.monotonic()

    def one(ways: t.List[Way]) -> t.Tuple[bool, float]:
        return wait(ways, begin + timeout_s), time.monotonic() - begin

    with ThreadPoolExecutor(max_workers=max(1, min(MOST_AT_ONCE, len(servers)))) as pool:
        return dict(zip(servers, pool.map(one, servers.values())))
