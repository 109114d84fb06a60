# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A server as Nova shows it: its status, its addresses by network; pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from ansible_collections.kvmfleet.compute.plugins.module_utils.shapes import Port
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.shapes import Address

# Nova's status of a server that is there, by its power state; one that runs is ACTIVE.
_POWER_STATES = {"paused": "PAUSED", "suspended": "SUSPENDED", "shutdown": "SHUTOFF", "crashed": "SHUTOFF"}


def status_of(power_state: str | None) -> str:
    """Nova's status of a server that is built."""
    return _POWER_STATES.get(power_state or "", "ACTIVE")


def addresses_of(ports: Iterable[Port]) -> dict[str, list[Address]]:
    """The addresses of a server by network."""
    addresses: dict[str, list[Address]] = {}
    for port in ports:
        for ip in port["fixed_ips"]:
            address: Address = {"version": ip["version"], "addr": ip["ip_address"], "mac_addr": port["mac_address"]}
            addresses.setdefault(port["network_name"], []).append(address)
    return addresses


def by_preference(addresses: Mapping[str, list[Address]]) -> list[str]:
    """The addresses to log in to: IPv4 before IPv6, the first network first."""
    shown = [address for network in addresses.values() for address in network]
    return [address["addr"] for version in (4, 6) for address in shown if address["version"] == version]
