# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Bridges that a host is to have for guests, as steps that touch no other interface; pure.

A bridge is made with ``ip`` and written down where the host's network manager finds it at the next start. No manager is reloaded, because that may put other
changes into force that somebody has begun. Such a bridge has no network card: to move a card's address is a job for the console (docs/bridges.md).
"""

from __future__ import annotations

import ipaddress
import re
import typing as t
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass

NAMESPACE = uuid.uuid5(uuid.NAMESPACE_URL, "https://kvmfleet.github.io/compute/bridges")
# What Linux takes, and every manager as the name of a file, too.
NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,14}")
BY_HAND = "see docs/bridges.md for how to do it by hand"
Address = ipaddress.IPv4Interface | ipaddress.IPv6Interface


class Bridge(t.TypedDict):
    """A bridge that is wanted."""

    name: str
    addresses: list[str]  # of the host on it, each with its prefix


class File(t.TypedDict):
    """A file of the host's network manager."""

    path: str
    content: str
    mode: str  # such as "0644"


class Plan(t.TypedDict):
    """What is to be done on a host."""

    faults: list[str]  # sentences; with any nothing is done
    files: list[File]
    commands: list[list[str]]  # argv of each, in their order


@dataclass(frozen=True)
class Link:
    """An interface of the host."""

    name: str
    is_bridge: bool
    is_up: bool
    addresses: tuple[Address, ...]


@dataclass(frozen=True)
class Network:
    """What a host says of its network."""

    links: Mapping[str, Link]
    peers: frozenset[ipaddress.IPv4Address | ipaddress.IPv6Address]  # that it has a connection with, Ansible's own among them
    manager: str | None  # of MANAGERS
    files: frozenset[str]  # that this has written before


def _networkd(name: str, addresses: list[str]) -> Iterator[File]:
    folder = "/etc/systemd/network/80-kvmfleet-"
    yield {
        "path": f"{folder}{name}.netdev",
        "content": f"[NetDev]\nName={name}\nKind=bridge\n\n[Bridge]\nSTP=no\nForwardDelaySec=0\n",
        "mode": "0644",
    }
    lines = "".join(f"Address={address}\n" for address in addresses)
    content = f"[Match]\nName={name}\n\n[Link]\nRequiredForOnline=no\n\n[Network]\nConfigureWithoutCarrier=yes\nIPv6AcceptRA=no\n{lines}"
    yield {"path": f"{folder}{name}.network", "content": content, "mode": "0644"}


def _network_manager(name: str, addresses: list[str]) -> Iterator[File]:
    parts = [
        f"[connection]\nid=kvmfleet-{name}\nuuid={uuid.uuid5(NAMESPACE, name)}\ntype=bridge\ninterface-name={name}\n",
        "[bridge]\nstp=false\n",
    ]
    for version in (4, 6):
        own = [address for address in addresses if ipaddress.ip_interface(address).version == version]
        lines = "".join(f"address{number}={address}\n" for number, address in enumerate(own, 1))
        parts.append(f"[ipv{version}]\n" + (f"method=manual\nnever-default=true\n{lines}" if own else "method=disabled\n"))
    yield {"path": f"/etc/NetworkManager/system-connections/kvmfleet-{name}.nmconnection", "content": "\n".join(parts), "mode": "0600"}


def _ifupdown(name: str, addresses: list[str]) -> Iterator[File]:
    first, *others = _commands(name, addresses)
    lines = [f"auto {name}", f"iface {name} inet manual", f"    pre-up ip link show dev {name} > /dev/null 2>&1 || {' '.join(first)}"]
    lines += [f"    up {' '.join(command)}" for command in others]
    yield {"path": f"/etc/network/interfaces.d/kvmfleet-{name}", "content": "\n".join(lines) + "\n", "mode": "0644"}


MANAGERS: dict[str, Callable[[str, list[str]], Iterator[File]]] = {
    "NetworkManager": _network_manager,
    "systemd-networkd": _networkd,
    "ifupdown": _ifupdown,
}


def _commands(name: str, addresses: Iterable[str]) -> Iterator[list[str]]:
    """What makes a bridge."""
    # Without a delay guests don't miss their first DHCP answers.
    yield ["ip", "link", "add", "name", name, "type", "bridge", "stp_state", "0", "forward_delay", "0"]
    # A guest must not become the host's router. Where the kernel has no IPv6 there is nothing to set.
    yield ["sysctl", "-q", "-e", "-w", f"net/ipv6/conf/{name}/accept_ra=0"]
    for address in addresses:
        yield ["ip", "address", "replace", address, "dev", name]
    yield ["ip", "link", "set", "dev", name, "up"]


def plan(wanted: list[Bridge], network: Network) -> Plan:
    """The steps by which a host gets the bridges that it lacks; a bridge that somebody else has made is left as it is."""
    made: Plan = {"faults": [], "files": [], "commands": []}
    names = [bridge["name"] for bridge in wanted]
    made["faults"] += [f"compute_host_bridges has {name} more than once" for name in sorted({name for name in names if names.count(name) > 1})]
    for bridge in wanted:
        faults = list(_faults(bridge, [other for other in wanted if other is not bridge], network))
        made["faults"] += faults
        if not faults:
            _add(made, bridge, network)
    return made if not made["faults"] else {"faults": made["faults"], "files": [], "commands": []}


def _add(made: Plan, bridge: Bridge, network: Network) -> None:
    name, link = bridge["name"], network.links.get(bridge["name"])
    if link and not _is_ours(name, network):
        return
    made["files"] += MANAGERS[network.manager](name, bridge["addresses"]) if network.manager else ()
    if link is None:
        made["commands"] += _commands(name, bridge["addresses"])
        return
    missing = [text for text in bridge["addresses"] if ipaddress.ip_interface(text) not in link.addresses]
    made["commands"] += [["ip", "address", "replace", address, "dev", name] for address in missing]
    made["commands"] += [] if link.is_up else [["ip", "link", "set", "dev", name, "up"]]


def _is_ours(name: str, network: Network) -> bool:
    return any(file["path"] in network.files for make in MANAGERS.values() for file in make(name, []))


def _faults(bridge: Bridge, others: list[Bridge], network: Network) -> Iterator[str]:
    name, link = bridge["name"], network.links.get(bridge["name"])
    if not NAME.fullmatch(name):
        yield f"compute_host_bridges: {name!r} is no name for a bridge: at most 15 letters, digits, dashes and underscores, the first a letter"
        return
    if link and not link.is_bridge:
        yield f"{name} is there, and is no bridge: give the bridge another name"
        return
    if link is None and network.manager is None:
        yield f"what manages the network of this host is not known here (NetworkManager, systemd-networkd, or ifupdown with interfaces.d): {BY_HAND}"
        return
    is_foreign = bool(link) and not _is_ours(name, network)
    for text in bridge["addresses"]:
        if not _is_address(text):
            yield f"compute_host_bridges: {text!r} of {name} is no address with a prefix, such as 192.0.2.1/24"
            continue
        address = ipaddress.ip_interface(text)
        if link and address in link.addresses:
            continue
        if is_foreign:
            yield f"bridge {name} is there without {address}, and has not been made by this role: {BY_HAND}"
            continue
        yield from _taken(address, name, others, network)


def _taken(address: Address, name: str, others: list[Bridge], network: Network) -> Iterator[str]:
    """Why an address would take traffic away from where it goes now."""
    for link in network.links.values():
        if link.name != name and any(_overlap(address, own) for own in link.addresses):
            yield f"{address} of bridge {name} overlaps with {link.name}: traffic of that network would go to the bridge; choose another network"
            return
    for other in others:
        # What is no address is told where it stands.
        if any(_is_address(text) and _overlap(address, ipaddress.ip_interface(text)) for text in other["addresses"]):
            yield f"{address} of bridge {name} overlaps with bridge {other['name']}; choose another network"
            return
    for peer in sorted(network.peers, key=str):
        if peer.version == address.version and peer in address.network:
            yield f"{address} of bridge {name} would cut this host's connection with {peer}: choose another network"
            return


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_interface(text)
    except ValueError:
        return False
    return "/" in text and "%" not in text


def _overlap(one: Address, other: Address) -> bool:
    # Of two versions none overlaps; link-local addresses are of each link its own.
    return one.version == other.version and not other.is_link_local and one.network.overlaps(other.network)
