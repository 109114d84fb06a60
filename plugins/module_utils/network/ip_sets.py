# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The kernel's IP sets, by the tool ``ipset``: the rules of network filters look into them."""

from __future__ import annotations

import contextlib
import typing as t

from ansible_collections.kvmfleet.compute.plugins.module_utils import commands
from ansible_collections.kvmfleet.compute.plugins.module_utils.errors import ServerError
from ansible_collections.kvmfleet.compute.plugins.module_utils.network.filters.names import LIST, NETS, SERVICES, RuleSet, rule_set

FAMILIES = {"IPv4": "inet", "IPv6": "inet6"}
HASHES = {NETS: "hash:net", SERVICES: "hash:net,port"}
MOST = 1048576  # entries of a set: 8000 addresses with as many ports as a rule may have
# What ``ipset`` calls protocols and types of ICMP that it knows by name.
NAMES = {
    "icmp:echo-request": "icmp:8/0",
    "icmp:echo-reply": "icmp:0/0",
    "icmp:timestamp-request": "icmp:13/0",
    "icmp:timestamp-reply": "icmp:14/0",
    "icmp:address-mask-request": "icmp:17/0",
    "icmp:address-mask-reply": "icmp:18/0",
    "icmpv6:echo-request": "icmpv6:128/0",
    "icmpv6:echo-reply": "icmpv6:129/0",
}


class IpSetsLike(t.Protocol):
    """The IP sets of a host."""

    def missing(self) -> t.Optional[str]:
        """What the host lacks for them, as half a sentence; None if it has all."""

    def contents(self) -> t.Dict[str, t.Set[str]]:
        """The entries of every set, by name."""

    def names(self) -> t.List[str]:
        """The names of all sets."""

    def add(self, entries: t.Mapping[str, t.Collection[str]]) -> None:
        """Add entries to sets, which are made if they are not there."""

    def remove(self, entries: t.Mapping[str, t.Collection[str]]) -> None:
        """Remove entries from sets."""

    def destroy(self, names: t.Iterable[str]) -> None:
        """Remove sets; one that a rule looks into stays."""


def _ipset(*arguments: str, stdin: str = "") -> str:
    return commands.run([commands.administrators("ipset"), *arguments], stdin=stdin)


def missing() -> t.Optional[str]:
    """What the host lacks for IP sets, as half a sentence; None if it has all."""
    return None if commands.installed("ipset") else "port security can't be enforced on the host: the tool ipset is not installed"


def contents() -> t.Dict[str, t.Set[str]]:
    """The entries of every set, by name."""
    found: t.Dict[str, t.Set[str]] = {}
    for line in _ipset("save").splitlines():
        words = line.split()
        if words[:1] == ["create"]:
            found[words[1]] = set()
        elif words[:1] == ["add"]:
            found[words[1]].add(as_written(words[2]))
    return found


def as_written(entry: str) -> str:
    """An entry that ``ipset save`` lists, as it was added."""
    address, comma, service = entry.partition(",")
    service = service.replace("ipv6-icmp:", "icmpv6:")
    return f"{address}{comma}{NAMES.get(service, service)}"


def names() -> t.List[str]:
    """The names of all sets."""
    return _ipset("list", "-name").split()


def _of(name: str) -> RuleSet:
    of = rule_set(name)
    if of is None:
        raise ValueError(f"{name} is no set of ours")
    return of


def to_add(entries: t.Mapping[str, t.Collection[str]]) -> str:
    """What ``ipset restore`` has to do to add entries; the names of the sets are our own."""
    lines = []
    # A list takes sets that are there.
    for name in sorted(entries, key=lambda name: _of(name).kind == LIST):
        of = _of(name)
        kind = f"{HASHES[of.kind]} family {FAMILIES[of.ethertype]} maxelem {MOST}" if of.kind in HASHES else "list:set"
        lines += [f"create -exist {name} {kind}", *(f"add -exist {name} {entry}" for entry in sorted(entries[name]))]
    return "".join(f"{line}\n" for line in lines)


def add(entries: t.Mapping[str, t.Collection[str]]) -> None:
    """Add entries to sets, which are made if they are not there."""
    _ipset("restore", stdin=to_add(entries))


def to_remove(entries: t.Mapping[str, t.Collection[str]]) -> str:
    """The same to remove them."""
    return "".join(f"del -exist {_of(name).name} {entry}\n" for name, gone in entries.items() for entry in sorted(gone))


def remove(entries: t.Mapping[str, t.Collection[str]]) -> None:
    """Remove entries from sets."""
    _ipset("restore", stdin=to_remove(entries))


def destroy(names: t.Iterable[str]) -> None:
    """Remove sets; one that a rule looks into stays."""
    # One that is in a list goes after it.
    for name in sorted(names, key=lambda name: _of(name).kind != LIST):
        # One that is not there is gone, which is all that is asked.
        with contextlib.suppress(ServerError):
            _ipset("destroy", name)
