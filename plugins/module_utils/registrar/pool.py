# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The free addresses of one subnet, lowest first; pure."""

from __future__ import annotations

import bisect
import ipaddress
import typing as t

if t.TYPE_CHECKING:
    from ansible_collections.kvmfleet.compute.plugins.module_utils.shapes import AddressPool


def canonical(ip_address: str) -> str:
    """The one spelling of an address, by which it is compared."""
    return str(ipaddress.ip_address(ip_address))


class Pool:
    """Walked upwards once, however many servers ask: an address that it has passed is taken, or was given back."""

    def __init__(self, pool: AddressPool) -> None:
        self.segment = pool["segment"]
        self._spell: t.Callable[[int], object] = ipaddress.IPv4Address if pool["version"] == 4 else ipaddress.IPv6Address
        self._ranges = sorted((first, last) for first, last in pool["free"])
        self._firsts = [first for first, _last in self._ranges]
        self._walk = (number for first, last in self._ranges for number in range(first, last + 1))
        self._returned: t.List[int] = []
        self._version = pool["version"]

    def __contains__(self, ip_address: str) -> bool:
        address = ipaddress.ip_address(ip_address)
        below = bisect.bisect_right(self._firsts, int(address))
        return address.version == self._version and below > 0 and int(address) <= self._ranges[below - 1][1]

    def lowest(self, is_free: t.Callable[[str], bool]) -> t.Optional[str]:
        """The lowest address that is free by the facts and by ``is_free``; None if there is none."""
        for number in sorted(self._returned):
            address = str(self._spell(number))
            if is_free(address):
                self._returned.remove(number)
                return address
        return next(filter(is_free, (str(self._spell(number)) for number in self._walk)), None)

    def give_back(self, ip_address: str) -> None:
        """An address that was taken and is not used after all."""
        self._returned.append(int(ipaddress.ip_address(ip_address)))
