# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a host keeps of security groups: the rules of those that its servers are in, and who is a member of those that these rules name; pure.

A host is believed about itself only: each reports its own members with a number that grows, and what one of them said last is what counts of it. Rules have a
number, too (``rules_number.py``). So what runs at once tell a host comes to the same in whichever order it arrives, and whatever it was not told it learns the
next time.
"""

from __future__ import annotations

import dataclasses
import ipaddress
import typing as t

from ansible_collections.kvmfleet.compute.plugins.module_utils.errors import ServerError
from ansible_collections.kvmfleet.compute.plugins.module_utils.network.filters.names import LIST, RuleSet, group_key, group_tag, rule_set
from ansible_collections.kvmfleet.compute.plugins.module_utils.network.filters.set_entries import Sets, entries
from ansible_collections.kvmfleet.compute.plugins.module_utils.network.members import groups_of_members, named_groups
from ansible_collections.kvmfleet.compute.plugins.module_utils.network.rules_number import NOTHING, Number, next_local, read_number
from ansible_collections.kvmfleet.compute.plugins.module_utils.shapes import FilterRule, GroupRules, MemberReport, Record

VERSION = 3  # of what is kept
WITHOUT_RULES = (1, 2)  # versions that had none, or none with a number: the next run brings them


class Told(t.NamedTuple):
    """What a host said last of its members of one group."""

    number: int
    addresses: t.List[str]


class Rules(t.NamedTuple):
    """The rules of one group that were brought last."""

    number: Number
    rules: t.List[FilterRule]


def _project_of(key: str) -> str:
    """A group's id has no slash."""
    return key.rpartition("/")[0]


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


def read_rules(given: t.Mapping[str, t.Any]) -> GroupRules:
    """What a controller says of a group's rules, read; ServerError (InvalidInput) if it is none."""
    try:
        group: GroupRules = {"id": str(given["id"]), "name": str(given["name"]), "rules": list(map(_rule, given["rules"]))}
        return {**group, "number": read_number(given["number"]).as_dict()} if given.get("number") else group
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        why = f"security_groups: these are no rules of a security group: {type(error).__name__}: {error}"
        raise ServerError("InvalidInput", why) from error


@dataclasses.dataclass
class Membership:
    """What a host keeps of security groups."""

    number: int = 0  # of its own last report
    leaving: t.List[str] = dataclasses.field(default_factory=list)  # its servers that are about to be deleted, and are members no more
    wanted: t.Dict[str, t.Dict[str, Told]] = dataclasses.field(default_factory=dict)  # what hosts said, by group and name of the host
    rules: t.Dict[str, Rules] = dataclasses.field(default_factory=dict)  # of the groups that servers of the host are in

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

    def bring(self, key: str, group: GroupRules) -> bool:
        """Rules of a group; False if they are others than later ones that the host has, which stay."""
        known = self.rules.get(key)
        last = known.number if known else NOTHING
        number = read_number(group["number"]) if "number" in group else next_local(last, group["rules"])
        if last < number:
            self.rules[key] = Rules(number, list(group["rules"]))
            return True
        return last.digest == number.digest

    def rules_of(self, key: str) -> t.List[FilterRule]:
        """The rules of a group; none of one that the host does not know."""
        return self.rules[key].rules if key in self.rules else []

    def numbers(self) -> t.Dict[str, Number]:
        """Of the rules that it has, by group."""
        return {key: kept.number for key, kept in self.rules.items()}

    def named_by(self, key: str) -> t.List[str]:
        """The groups that rules of this one name."""
        return named_groups(self.rules_of(key), _project_of(key))

    def forget_rules(self, set_names: t.Iterable[str], needed: t.Iterable[str]) -> None:
        """Filters of the host look into these sets, and into no others; the groups ``needed`` are going to have some."""
        kept = {*self.groups_of(set_names), *needed}
        self.rules = {key: rules for key, rules in self.rules.items() if key in kept}

    def forget_members(self) -> None:
        """Of groups that no rule names."""
        named = {name for key in self.rules for name in self.named_by(key)}
        self.wanted = {key: said for key, said in self.wanted.items() if key in named}

    def groups_of(self, set_names: t.Iterable[str]) -> t.List[str]:
        """The groups whose rules these sets have."""
        tags = {found.group for found in map(rule_set, set_names) if found}
        return [key for key in self.rules if group_tag(key) in tags]

    def members(self, key: str) -> t.Set[str]:
        """The addresses and CIDRs of a group's members on all hosts."""
        return {address for told in self.wanted.get(key, {}).values() for address in told.addresses}

    def sets(self, names: t.Iterable[str]) -> Sets:
        """What these IP sets must have that filters look into, and those in them; of a group whose rules are not known nobody can say."""
        by_tag = {group_tag(key): key for key in self.rules}
        found: Sets = {}
        for of in map(rule_set, names):
            if of is not None and of.kind == LIST and of.group in by_tag:
                found.update(self._entries(of, by_tag[of.group]))
        return found

    def _entries(self, of: RuleSet, key: str) -> Sets:
        project = _project_of(key)
        return entries(of, self.rules_of(key), lambda group_id: self.members(group_key(group_id, project)))

    def as_dict(self) -> t.Dict[str, object]:
        """As it is kept."""
        return {"version": VERSION, **dataclasses.asdict(self)}


def _rule(kept: t.Mapping[str, t.Any]) -> FilterRule:
    remote, remote_group = kept["remote"], kept["remote_group"]
    return {
        "direction": str(kept["direction"]),
        "ethertype": str(kept["ethertype"]),
        "protocol": None if kept["protocol"] is None else str(kept["protocol"]),
        "port_range_min": None if kept["port_range_min"] is None else int(kept["port_range_min"]),
        "port_range_max": None if kept["port_range_max"] is None else int(kept["port_range_max"]),
        "remote": None if remote is None else [str(ipaddress.ip_network(prefix)) for prefix in remote],
        "remote_group": None if remote_group is None else str(remote_group),
    }


def read_membership(content: t.Mapping[str, t.Any]) -> Membership:
    """What was kept; KeyError, TypeError or ValueError if it can't be read."""
    if content["version"] not in (VERSION, *WITHOUT_RULES):
        raise ValueError(f"it is of version {content['version']}, and this collection's is {VERSION}")
    kept: t.Dict[str, t.Dict[str, t.Tuple[int, t.List[str]]]] = content["wanted"]
    wanted = {str(key): {str(host): Told(int(number), list(map(str, addresses))) for host, (number, addresses) in said.items()} for key, said in kept.items()}
    kept_rules: t.Dict[str, t.Any] = {} if content["version"] in WITHOUT_RULES else content["rules"]
    rules = {
        str(key): Rules(read_number({"fleet": fleet, "local": local, "digest": digest}), list(map(_rule, found)))
        for key, ((fleet, local, digest), found) in kept_rules.items()
    }
    return Membership(int(content["number"]), list(map(str, content["leaving"])), wanted, rules)
