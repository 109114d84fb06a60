# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What libvirt's network filters can't say of a host's ports, as two tables of nftables; pure.

1. Family bridge: which address a guest's neighbour advertisement may tell of (Neutron's ``_setup_spoof_filter_chain`` does not look at it, nor do libvirt's
   filters; its firewall for Open vSwitch does, by ``nd_target``), and for which it may ask whether somebody has it, which keeps others from taking it.
2. Family inet: a zone of connection tracking for each bridge that is made on demand, so that networks with the same addresses don't share connections.

Each port and each bridge has a chain of its own, whose name tells all that is in it. So the names of chains tell whether something is loaded as it must be,
and one server's come and go without the others'. One more chain, which is empty, tells that the table is of this collection, and of which rules all ports have.
"""

from __future__ import annotations

import hashlib
import ipaddress
import re
import typing as t

from ansible_collections.kvmfleet.compute.plugins.module_utils.network.filters.names import IP_VERSIONS
from ansible_collections.kvmfleet.compute.plugins.module_utils.network.filters.port_filter import identities
from ansible_collections.kvmfleet.compute.plugins.module_utils.shapes import Port

TABLE = "kvmfleet"
TARGETS, ZONES = "bridge", "inet"  # the families
MARK = "of-kvmfleet-compute-"
FIRST = "prerouting"
MAP = "sources"
HIGHEST_ZONE = 65535
# Libvirt's rules for frames come at -300. Connection tracking puts fragments together at -400, within a zone.
HOOKS = {TARGETS: "type filter hook prerouting priority -310; policy accept;", ZONES: "type filter hook prerouting priority -450; policy accept;"}
# Of ICMPv6: solicitation and advertisement of a neighbour; all of neighbour discovery.
SOLICIT, ADVERTISE, DISCOVERY = "135", "136", "133-137"
# For all ports. The kernel finds the end of the extension headers itself; of a packet whose end it does not find nothing matches, so that it is dropped.
DISCOVERED = "discovery"
RULES: t.Dict[str, t.Dict[str, t.Tuple[str, ...]]] = {
    TARGETS: {
        DISCOVERED: (
            # Without the first fragment, which has all headers or is dropped, the others are nothing.
            "frag frag-off != 0 accept",
            # RFC 6980
            f"exthdr frag exists icmpv6 type {DISCOVERY} drop",
            f"icmpv6 type != {{ {SOLICIT}, {ADVERTISE} }} accept",
            f"icmpv6 type {SOLICIT} ip6 saddr != :: accept",
        ),
        FIRST: ("ether type != ip6 accept", "meta l4proto != ipv6-icmp accept", f"iifname vmap @{MAP}"),
    },
    ZONES: {FIRST: (f"iifname vmap @{MAP}",)},
}
_DEVICE = re.compile(r"[A-Za-z0-9_.-]{1,15}\Z")
_PORT = re.compile(r"port-(?P<device>.+)-[0-9a-f]{12}\Z")
_ZONE = re.compile(r"zone-(?P<number>[0-9]+)-(?P<device>.+)\Z")
Loaded = t.Mapping[str, t.AbstractSet[str]]  # the chains of the tables that have our name, by family


class Chain(t.NamedTuple):
    """What is done with what comes in by one device."""

    family: str
    name: str
    device: str
    rules: t.Tuple[str, ...]


def mark(family: str) -> str:
    """The chain that tells that a table is ours, and which rules all ports have there."""
    return MARK + _digest((MAP, HOOKS[family], *(word for name, rules in RULES[family].items() for word in (name, *rules))))


def _digest(words: t.Iterable[str]) -> str:
    return hashlib.sha256("\n".join(words).encode()).hexdigest()[:12]


def _checked(device: str) -> str:
    if not _DEVICE.match(device):
        raise ValueError(f"{device!r} is no name of a device")
    return device


def port_chain(port: Port) -> t.Optional[Chain]:
    """The addresses that a port's guest may tell of; None if it speaks no IPv6 or may say whatever it likes."""
    if not port["port_security_enabled"]:
        return None
    prefixes = list(dict.fromkeys(identity.prefix for identity in identities(port) if identity.version == IP_VERSIONS["IPv6"]))
    if not prefixes:
        return None
    device, rules = _checked(port["device"]), (f"jump {DISCOVERED}", *map(_tells_of, prefixes), "drop")
    return Chain(TARGETS, f"port-{device}-{_digest(rules)}", device, rules)


def _tells_of(prefix: str) -> str:
    network = ipaddress.IPv6Network(prefix)
    if not network.prefixlen:
        return "accept"
    # ``icmpv6 taddr`` is younger than nftables 1.0.6.
    mask = "" if network.prefixlen == network.max_prefixlen else f"& 0x{int(network.netmask):032x} == "
    return f"@th,64,128 {mask}0x{int(network.network_address):032x} accept"


def zone_chains(bridges: t.Iterable[str], loaded: Loaded) -> t.List[Chain]:
    """A zone for each of these bridges; one that is loaded keeps its number, on which its connections depend."""
    numbers = {found.group("device"): int(found.group("number")) for found in map(_ZONE.match, sorted(loaded.get(ZONES, ()))) if found}
    for bridge in sorted({*bridges}.difference(numbers)):
        # From 1 on: zone 0 is where everything else is.
        number = int(hashlib.sha256(bridge.encode()).hexdigest(), 16) % HIGHEST_ZONE + 1
        while number in numbers.values():
            number = number % HIGHEST_ZONE + 1
        numbers[bridge] = number
    return [Chain(ZONES, f"zone-{numbers[bridge]}-{_checked(bridge)}", bridge, (f"ct zone set {numbers[bridge]}",)) for bridge in sorted({*bridges})]


def is_foreign(family: str, loaded: Loaded) -> bool:
    """True if a table of our name is not ours."""
    return family in loaded and not any(name.startswith(MARK) for name in loaded[family])


def is_loaded(chain: Chain, loaded: Loaded) -> bool:
    """True if it is there, and what leads to it."""
    return {chain.name, mark(chain.family), *RULES[chain.family]} <= loaded.get(chain.family, frozenset())


def device_of(family: str, name: str) -> t.Optional[str]:
    """The device whose chain has this name; None if it is a chain of the table itself."""
    found = {TARGETS: _PORT, ZONES: _ZONE}[family].match(name) if family in RULES else None
    return found.group("device") if found else None


def to_add(chains: t.Iterable[Chain], loaded: Loaded) -> str:
    """What ``nft -f`` has to do to load these chains, all or nothing; empty if they are loaded. None of their tables is foreign."""
    lines: t.List[str] = []
    new = [chain for chain in chains if not is_loaded(chain, loaded)]
    for family in dict.fromkeys(chain.family for chain in new):
        there = loaded.get(family, frozenset())
        lines += _fixed(family, there)
        for chain in new:
            if chain.family == family and chain.name not in there:
                lines += [line for name in sorted(there) if device_of(family, name) == chain.device for line in _without(family, name, chain.device)]
                lines += [f"add chain {family} {TABLE} {chain.name}", *(f"add rule {family} {TABLE} {chain.name} {rule}" for rule in chain.rules)]
                lines += [f'add element {family} {TABLE} {MAP} {{ "{chain.device}" : jump {chain.name} }}']
    return _text(lines)


def to_drop(names: t.Mapping[str, t.Collection[str]], loaded: Loaded) -> str:
    """What ``nft -f`` has to do to drop these chains of ports and bridges, by family, and a table that has no other; empty if there is nothing to do."""
    lines: t.List[str] = []
    for family, dropped in names.items():
        if is_foreign(family, loaded):
            continue
        devices = {name: device for name in sorted(loaded.get(family, ())) for device in [device_of(family, name)] if device is not None}
        going = [name for name in devices if name in dropped]
        if going and len(going) == len(devices):
            lines += [f"delete table {family} {TABLE}"]
        else:
            lines += [line for name in going for line in _without(family, name, devices[name])]
    return _text(lines)


def _text(lines: t.Iterable[str]) -> str:
    return "".join(f"{line}\n" for line in lines)


def _fixed(family: str, there: t.AbstractSet[str]) -> t.List[str]:
    """What all ports have, made or replaced."""
    if {mark(family), *RULES[family]} <= there:
        return []
    of = f"{family} {TABLE}"
    lines = [f"add table {of}", f"add map {of} {MAP} {{ type ifname : verdict; }}"]
    for name, rules in RULES[family].items():
        hook = f" {{ {HOOKS[family]} }}" if name == FIRST else ""
        lines += [f"add chain {of} {name}{hook}", f"flush chain {of} {name}", *(f"add rule {of} {name} {rule}" for rule in rules)]
    lines += [f"delete chain {of} {name}" for name in sorted(there) if name.startswith(MARK)]
    return [*lines, f"add chain {of} {mark(family)}"]


def _without(family: str, name: str, device: str) -> t.List[str]:
    """Added first: whoever has taken the element away has done what is asked."""
    element = f'element {family} {TABLE} {MAP} {{ "{device}" : jump {name} }}'
    chain = f"chain {family} {TABLE} {name}"
    return [f"add {element}", f"delete {element}", f"flush {chain}", f"delete {chain}"]
