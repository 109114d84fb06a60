# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The kernel's IP sets, by the tool ``ipset``: the rules of network filters look into them."""

from __future__ import annotations

import typing as t

from ansible_collections.kvmfleet.compute.plugins.module_utils import commands

FAMILIES = {"ipv4": "inet", "ipv6": "inet6"}
NEW = "kvmfleet-new-"  # with a family: what takes a set's place


class IpSetsLike(t.Protocol):
    """The IP sets of a host."""

    def missing(self) -> t.Optional[str]:
        """What the host lacks for them, as half a sentence; None if it has all."""

    def contents(self) -> t.Dict[str, t.Set[str]]:
        """The entries of every set, by name."""

    def fill(self, wanted: t.Mapping[str, t.Collection[str]]) -> None:
        """Make the sets if they are not there, with these entries and no others: a packet meets the old ones or the new ones."""

    def destroy(self, names: t.Iterable[str]) -> None:
        """Remove sets that no rule looks into; ServerError if one does."""


def _ipset(*arguments: str, stdin: str = "") -> str:
    return commands.run([commands.administrators("ipset"), *arguments], stdin=stdin)


def missing() -> t.Optional[str]:
    """What the host lacks for IP sets, as half a sentence; None if it has all."""
    return None if commands.installed("ipset") else "rules that name a security group can't be enforced on the host: the tool ipset is not installed"


def contents() -> t.Dict[str, t.Set[str]]:
    """The entries of every set, by name."""
    found: t.Dict[str, t.Set[str]] = {}
    for line in _ipset("save").splitlines():
        words = line.split()
        if words[:1] == ["create"]:
            found[words[1]] = set()
        elif words[:1] == ["add"]:
            found[words[1]].add(words[2])
    return found


def script(wanted: t.Mapping[str, t.Collection[str]]) -> str:
    """What ``ipset restore`` has to do; the names of the sets are our own, which have the IP version in them."""
    lines = []
    for name, entries in wanted.items():
        version = name.split("-")[1]
        kind, new = f"hash:net family {FAMILIES[version]}", f"{NEW}{version}"
        lines += [f"create -exist {name} {kind}", f"create -exist {new} {kind}", f"flush {new}"]
        lines += [f"add -exist {new} {entry}" for entry in sorted(entries)]
        lines += [f"swap {new} {name}", f"destroy {new}"]
    return "".join(f"{line}\n" for line in lines)


def fill(wanted: t.Mapping[str, t.Collection[str]]) -> None:
    """Make the sets if they are not there, with these entries and no others: a packet meets the old ones or the new ones."""
    _ipset("restore", stdin=script(wanted))


def destroy(names: t.Iterable[str]) -> None:
    """Remove sets that no rule looks into; ServerError if one does."""
    there = set(_ipset("list", "-name").split())
    for name in names:
        if name in there:
            _ipset("destroy", name)
