# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The addresses that Ansible connects to: names are resolved on the controller, many at once and for a bounded time."""

from __future__ import annotations

import ipaddress
import queue
import socket
import threading
import time
from collections.abc import Callable, Iterable, Mapping

from ansible_collections.kvmfleet.compute.plugins.plugin_utils.shapes import FleetHost

THREADS = 32
TIMEOUT_S = 5.0


def literal(address: str) -> str | None:
    """The address in its usual form; None if it is a name."""
    try:
        return str(ipaddress.ip_address(address))
    except ValueError:
        return None


def look_up(name: str) -> str | None:
    """The first address that the controller's resolver gives, which is the one that SSH tries first; None if there is none."""
    try:
        return literal(str(socket.getaddrinfo(name, None, type=socket.SOCK_STREAM)[0][4][0]))
    except (OSError, UnicodeError):
        return None


def resolve(names: Iterable[str], timeout_s: float = TIMEOUT_S, resolver: Callable[[str], str | None] = look_up) -> dict[str, str]:
    """{name: address} of those that could be resolved in time."""
    todo: queue.SimpleQueue[str] = queue.SimpleQueue()
    done: queue.SimpleQueue[tuple[str, str | None]] = queue.SimpleQueue()
    wanted = list(dict.fromkeys(names))
    for name in wanted:
        todo.put(name)

    def work() -> None:
        while True:
            try:
                name = todo.get_nowait()
            except queue.Empty:
                return
            done.put((name, resolver(name)))

    for _number in range(min(THREADS, len(wanted))):
        # A resolver can't be interrupted: a thread that hangs must not keep the process from its end.
        threading.Thread(target=work, daemon=True).start()
    found: dict[str, str] = {}
    deadline = time.monotonic() + timeout_s
    for _name in wanted:
        try:
            name, address = done.get(timeout=max(0.0, deadline - time.monotonic()))
        except queue.Empty:
            break
        if address:
            found[name] = address
    return found


def with_addresses(hosts: list[FleetHost], resolver: Callable[[Iterable[str]], Mapping[str, str]] = resolve) -> None:
    """Give each host without a ``host_ip`` the address of its ``address``, if that is a name that can be resolved."""
    unknown = [host for host in hosts if not host.get("host_ip") and host.get("address")]
    addresses = resolver([host["address"] or "" for host in unknown])
    for host in unknown:
        host["host_ip"] = addresses.get(host["address"] or "")
