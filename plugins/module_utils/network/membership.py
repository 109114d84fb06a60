# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who is a member of the security groups that a host's rules name, on this host and on others; pure.

A host is believed about itself only: each reports its own members with a number that grows, and what one of them said last is what counts of it. So what runs
at once tell a host comes to the same in whichever order it arrives, and whatever it was not told it learns the next time.
"""

from __future__ import annotations

import dataclasses
import ipaddress
import typing as t

from ansible_collections.kvmfleet.compute.plugins.module_utils.network.filters.names import IP_VERSIONS, group_tag, member_set
from ansible_collections.kvmfleet.compute.plugins.module_utils.network.filters.services import what
from ansible_collections.kvmfleet.compute.plugins.module_utils.network.members import groups_of_members
from ansible_collections.kvmfleet.compute.plugins.module_utils.shapes import MemberReport, Record

VERSION = 1  # of what is kept


class Told(t.NamedTuple):
    """What a host said last of its members of one group."""

    number: int
    addresses: t.List[str]


def prefixes(addresses: t.Iterable[str], version: int) -> t.Set[str]:
    """The addresses of one IP version, as an IP set lists them: it takes no prefix that every address has, so that one is two halves."""
    found: t.Set[str] = set()
    for address in addresses:
        network = ipaddress.ip_network(address, strict=False)
        if network.version == version:
            parts = network.subnets() if network.prefixlen == 0 else [network]
            found.update(str(part.network_address) if part.prefixlen == part.max_prefixlen else str(part) for part in parts)
    return found


def prefixes_by_version(addresses: t.Collection[str]) -> t.Dict[int, t.Set[str]]:
    """The addresses as IP sets list them, by IP version."""
    return {version: prefixes(addresses, version) for version in IP_VERSIONS.values()}


class NoReport(ValueError):
    """What is no MemberReport."""


def read_report(given: t.Any) -> MemberReport:
    """What a host says, read; NoReport if it is none: it goes into the kernel."""
    try:
        said: t.Dict[str, t.List[str]] = given["groups"]
        groups = {str(key): [str(ipaddress.ip_network(address, strict=False)) for address in addresses] for key, addresses in said.items()}
        return {"host": str(given["host"]), "number": int(given["number"]), "groups": groups}
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise NoReport(f"this is no report of who is in which security group on a host: {type(error).__name__}: {error}") from error


@dataclasses.dataclass
class Membership:
    """What a host keeps of members."""

    number: int = 0  # of its own last report
    leaving: t.List[str] = dataclasses.field(default_factory=list)  # its servers that are about to be deleted, and are members no more
    wanted: t.Dict[str, t.Dict[str, Told]] = dataclasses.field(default_factory=dict)  # what hosts said, by group and name of the host

    def report(self, host: str, records: t.Iterable[Record], now_ms: int) -> MemberReport:
        """What the host says of its own servers; the clock keeps the number growing where a host has lost what it kept."""
        self.number = max(self.number + 1, now_ms)
        return {"host": host, "number": self.number, "groups": groups_of_members(record for record in records if record["uuid"] not in self.leaving)}

    def want(self, keys: t.Iterable[str]) -> None:
        """From now on rules of the host name these groups."""
        for key in keys:
            self.wanted.setdefault(key, {})

    def take(self, reports: t.Iterable[MemberReport]) -> None:
        """What hosts say of themselves; what is older than what is known is not taken."""
        for report in reports:
            for key, said in self.wanted.items():
                known = said.get(report["host"])
                if known is None or known.number < report["number"]:
                    said[report["host"]] = Told(report["number"], sorted(set(report["groups"].get(key, []))))

    def keep_only(self, hosts: t.Container[str]) -> None:
        """These are all hosts of the fleet: nobody is a member by the word of another."""
        for key, said in self.wanted.items():
            self.wanted[key] = {host: told for host, told in said.items() if host in hosts}

    def useless(self, set_names: t.Iterable[str]) -> t.List[str]:
        """The groups that need not be known if there are these sets alone."""
        named = self.groups_of(set_names)
        return [key for key in self.wanted if key not in named]

    def groups_of(self, set_names: t.Iterable[str]) -> t.Set[str]:
        """The groups whose members these sets have."""
        tags = {found.group for found in map(member_set, set_names) if found}
        return {key for key in self.wanted if group_tag(key) in tags}

    def members(self, key: str) -> t.Set[str]:
        """The addresses and CIDRs of a group's members on all hosts."""
        return {address for told in self.wanted[key].values() for address in told.addresses}

    def sets(self, names: t.Iterable[str]) -> t.Dict[str, t.Set[str]]:
        """What each of these IP sets must have, by name: nothing, if the host does not know the group."""
        by_tag = {group_tag(key): prefixes_by_version(self.members(key)) for key in self.wanted}
        found: t.Dict[str, t.Set[str]] = {}
        for name in names:
            of = member_set(name)
            if of is not None:
                who, may = by_tag.get(of.group, {}).get(IP_VERSIONS[of.ethertype], set()), what(of.service, of.ethertype)
                found[name] = {f"{prefix},{thing}" for prefix in who for thing in may} if of.service else who
        return found

    def as_dict(self) -> t.Dict[str, object]:
        """As it is kept."""
        return {"version": VERSION, **dataclasses.asdict(self)}


def read_membership(content: t.Mapping[str, t.Any]) -> Membership:
    """What was kept; KeyError, TypeError or ValueError if it can't be read."""
    if content["version"] != VERSION:
        raise ValueError(f"it is of version {content['version']}, and this collection's is {VERSION}")
    kept: t.Dict[str, t.Dict[str, t.Tuple[int, t.List[str]]]] = content["wanted"]
    wanted = {str(key): {str(host): Told(int(number), list(map(str, addresses))) for host, (number, addresses) in said.items()} for key, said in kept.items()}
    return Membership(int(content["number"]), list(map(str, content["leaving"])), wanted)
