# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The addresses that the host itself has, on whatever device (procfs): no guest can have one of them."""

from __future__ import annotations

import ipaddress
import typing as t

FIB_TRIE, IF_INET6 = "/proc/net/fib_trie", "/proc/net/if_inet6"


def _read(path: str) -> str:
    try:
        with open(path, encoding="ascii") as file:
            return file.read()
    except OSError:
        return ""


def of_fib_trie(text: str) -> t.Set[str]:
    """The local IPv4 addresses: each has a line of its own, and the next one says ``/32 host LOCAL``."""
    found, address = set(), ""
    for line in text.splitlines():
        words = line.split()
        if words[:1] == ["|--"]:
            address = words[1]
        elif words == ["/32", "host", "LOCAL"]:
            found.add(address)
    return found


def of_if_inet6(text: str) -> t.Set[str]:
    """The IPv6 addresses: 32 hexadecimal digits at the beginning of a line."""
    return {str(ipaddress.IPv6Address(int(line.split()[0], 16))) for line in text.splitlines() if line.strip()}


def own_addresses() -> t.List[str]:
    """All of them, sorted, without those that are the same on every host."""
    found = of_fib_trie(_read(FIB_TRIE)) | of_if_inet6(_read(IF_INET6))
    parsed = [ipaddress.ip_address(address) for address in found]
    return sorted(str(address) for address in parsed if not address.is_loopback and not address.is_link_local)
