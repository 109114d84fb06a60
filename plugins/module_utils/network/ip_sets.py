# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The kernel's IP sets, by the tool ``ipset``: the rules of network filters look into them."""

from __future__ import annotations

import contextlib
import typing as t

from ansible_collections.kvmfleet.compute.plugins.module_utils import commands
from ansible_collections.kvmfleet.compute.plugins.module_utils.errors import ServerError
from ansible_collections.kvmfleet.compute.plugins.module_utils.network.filters.names import member_set

FAMILIES = {"IPv4": "inet", "IPv6": "inet6"}
NEW = "kvmfleet-new"  # what takes a set's place
MOST = 1048576  # entries of a set: 8000 members with as many ports as a rule may have


class IpSetsLike(t.Protocol):
    """The IP sets of a host."""

    def missing(self) -> t.Optional[str]:
        """What the host lacks for them, as half a sentence; None if it has all."""

    def contents(self) -> t.Dict[str, t.Set[str]]:
        """The entries of every set, by name."""

    def names(self) -> t.List[str]:
        """The names of all sets."""

    def fill(self, wanted: t.Mapping[str, t.Collection[str]]) -> None:
        """Make the sets if they are not there, with these entries and no others: a packet meets the old ones or the new ones."""

    def destroy(self, names: t.Iterable[str]) -> None:
        """Remove sets; one that a rule looks into stays."""


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


def names() -> t.List[str]:
    """The names of all sets."""
    return _ipset("list", "-name").split()


def script(wanted: t.Mapping[str, t.Collection[str]]) -> str:
    """What ``ipset restore`` has to do; the names of the sets are our own."""
    lines = []
    for name, entries in wanted.items():
        of = member_set(name)
        if of is None:
            raise ValueError(f"{name} is no set of ours")
        kind = f"{'hash:net,port' if of.service else 'hash:net'} family {FAMILIES[of.ethertype]} maxelem {MOST}"
        # A process that died may have left one of another kind.
        new = f"{NEW}-{of.ethertype[-1]}{'p' if of.service else ''}"
        lines += [f"create -exist {name} {kind}", f"create -exist {new} {kind}", f"flush {new}"]
        lines += [f"add -exist {new} {entry}" for entry in sorted(entries)]
        lines += [f"swap {new} {name}", f"destroy {new}"]
    return "".join(f"{line}\n" for line in lines)


def fill(wanted: t.Mapping[str, t.Collection[str]]) -> None:
    """Make the sets if they are not there, with these entries and no others: a packet meets the old ones or the new ones."""
    _ipset("restore", stdin=script(wanted))


def destroy(names: t.Iterable[str]) -> None:
    """Remove sets; one that a rule looks into stays."""
    for name in names:
        # One that is not there is gone, which is all that is asked.
        with contextlib.suppress(ServerError):
            _ipset("destroy", name)


def comparable(entry: str) -> str:
    """An entry, as it was written or as ``ipset save`` lists it, which calls types of ICMP by names: a set has entries of one service only."""
    address, _comma, thing = entry.partition(",")
    return f"{address},icmp" if "icmp" in thing else entry
