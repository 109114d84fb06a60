# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A server as Nova shows it: its status, its addresses by network; pure."""

from __future__ import annotations

import typing as t
from collections.abc import Iterable, Mapping

from ansible_collections.kvmfleet.compute.plugins.module_utils.network.vif.user import LOOPBACK, is_reached
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
            if not is_reached(port["binding"]):
                address["ssh_port"] = port["binding"].get("ssh_port")
            addresses.setdefault(port["network_name"], []).append(address)
    return addresses


class Login(t.NamedTuple):
    """Where to log in to a server."""

    address: str
    port: int | None = None  # of its hypervisor's loopback address, which the address is then


def _preferred(addresses: Mapping[str, list[Address]]) -> list[Address]:
    shown = [address for network in addresses.values() for address in network]
    return [address for version in (4, 6) for address in shown if address["version"] == version]


def shown(address: Address) -> str:
    """What people are told of an address: how the server's host reaches it, if only that does."""
    port = address.get("ssh_port")
    return f"{LOOPBACK}:{port}" if port else address["addr"]


def by_preference(addresses: Mapping[str, list[Address]]) -> list[str]:
    """The addresses as they are shown: IPv4 before IPv6, the first network first."""
    return [shown(address) for address in _preferred(addresses)]


def logins_of(addresses: Mapping[str, list[Address]]) -> list[Login]:
    """Where to log in, in the same order; nowhere by an address that means nothing outside its guest and that no port leads to."""
    reached = [address for address in _preferred(addresses) if address.get("ssh_port", 0) is not None]
    return [Login(LOOPBACK, address["ssh_port"]) if "ssh_port" in address else Login(address["addr"]) for address in reached]
