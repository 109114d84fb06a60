# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What ``ip``, ``ss``, ``systemctl`` and the files of a host say of its network, read; pure."""

from __future__ import annotations

import contextlib
import ipaddress
import json
import typing as t
from collections.abc import Iterator

from ansible_collections.kvmfleet.compute.plugins.plugin_utils.fleet.bridges import Address, Link, Network


class _AddressEntry(t.TypedDict, total=False):
    local: str
    prefixlen: int


class _LinkInfo(t.TypedDict, total=False):
    info_kind: str


class _LinkEntry(t.TypedDict, total=False):
    """What is read of an interface in ``ip -json -details address show``."""

    ifname: str
    flags: list[str]
    linkinfo: _LinkInfo
    addr_info: list[_AddressEntry]


class UnreadNetwork(ValueError):
    """A host's answer can't be read; the message says which."""


def network(addresses: str, connections: str, daemons: str, ifupdown: str, files: str) -> Network:
    """What a host has answered: ``ip -json -details address show``, ``ss -Htn state established``, ``systemctl is-active NetworkManager systemd-networkd``,
    ifupdown's line that reads interfaces.d (empty where there is no ifupdown), and the paths of the files that the role has written.

    UnreadNetwork for interfaces that can't be read.
    """
    try:
        entries: list[_LinkEntry] = json.loads(addresses)
        links = {link.name: link for link in map(_link, entries)}
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise UnreadNetwork(f"what `ip -json -details address show` says can't be read ({type(error).__name__}: {error})") from None
    return Network(links, frozenset(_peers(connections)), _manager(daemons.split(), ifupdown), frozenset(files.split()))


def _link(entry: _LinkEntry) -> Link:
    addresses: tuple[Address, ...] = tuple(
        ipaddress.ip_interface(f"{address['local']}/{address['prefixlen']}") for address in entry.get("addr_info", []) if "local" in address
    )
    return Link(entry["ifname"], entry.get("linkinfo", {}).get("info_kind") == "bridge", "UP" in entry.get("flags", []), addresses)


def _peers(connections: str) -> Iterator[ipaddress.IPv4Address | ipaddress.IPv6Address]:
    """The last column, but for what is of this host alone."""
    for line in connections.splitlines():
        words = line.split()
        host = words[-1].rpartition(":")[0].strip("[]").partition("%")[0] if words else ""
        with contextlib.suppress(ValueError):
            address = ipaddress.ip_address(host)
            plain = getattr(address, "ipv4_mapped", None) or address
            if not plain.is_loopback:
                yield plain


def _manager(states: list[str], ifupdown: str) -> str | None:
    """Who will bring the bridge up at the next start. With NetworkManager a networkd beside it has only what it was given."""
    active = dict(zip(("NetworkManager", "systemd-networkd"), states, strict=False))
    for name, state in active.items():
        if state == "active":
            return name
    return "ifupdown" if ifupdown.strip() else None
