# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which of two runs has brought the later rules of a security group; pure.

A logical clock (L. Lamport, "Time, Clocks, and the Ordering of Events in a Distributed System", 1978), so that nobody's time of day counts: a run asks the
hosts for their numbers, and gives what it brings a greater one.

1. The playbook ``security_groups`` brings edited rules to all hosts, with a number above those of all, and counts ``fleet``. A run that builds a server brings
   its rules to that host alone, with a number above that which the host had when the run read it, and counts ``local``. So an edit that comes to the host
   after that wins, whichever of the two is there first.
2. Of two runs at once that come to the same number the digest decides: whatever the order in which they arrive, all hosts end with the same rules.
3. The same rules are no edit: they keep the number that they have.
"""

from __future__ import annotations

import hashlib
import json
import typing as t

from ansible_collections.kvmfleet.compute.plugins.module_utils.shapes import FilterRule, GroupRules, RulesNumber


class Number(t.NamedTuple):
    """A RulesNumber, which is less than a later one."""

    fleet: int
    local: int
    digest: str

    def as_dict(self) -> RulesNumber:
        """As it travels."""
        return {"fleet": self.fleet, "local": self.local, "digest": self.digest}


NOTHING = Number(0, 0, "")  # before the first rules
MOST = 10**15


def digest(rules: t.Iterable[FilterRule]) -> str:
    """The same for rules that allow the same: their order does not matter, nor that one is there twice."""
    lines = sorted({json.dumps(rule, sort_keys=True) for rule in rules})
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()[:16]


def read_number(given: t.Mapping[str, t.Any]) -> Number:
    """A RulesNumber, read; KeyError, TypeError or ValueError if it is none."""
    number = Number(int(given["fleet"]), int(given["local"]), str(given["digest"]))
    if not (0 <= number.fleet <= MOST and 0 <= number.local <= MOST):
        raise ValueError(f"{number.fleet} and {number.local} must be from 0 to {MOST}")
    return number


def next_local(last: Number, rules: t.Iterable[FilterRule]) -> Number:
    """Of rules that are brought to one host; ``last``: what it has."""
    brought = digest(rules)
    return last if last.digest == brought else Number(last.fleet, last.local + 1, brought)


def next_of_fleet(last: Number, rules: t.Iterable[FilterRule]) -> Number:
    """Of rules that are brought to all hosts; ``last``: the greatest number that one of them has."""
    brought = digest(rules)
    return last if last.digest == brought and not last.local else Number(last.fleet + 1, 0, brought)


def latest(said: t.Iterable[t.Mapping[str, Number]]) -> t.Dict[str, Number]:
    """By a group's id the greatest number that any host has said, by ``<project>/<group's id>``: a catalogue's rules are those of all projects."""
    found: t.Dict[str, Number] = {}
    for numbers in said:
        for key, number in numbers.items():
            group_id = key.rpartition("/")[2]
            found[group_id] = max(number, found.get(group_id, NOTHING))
    return found


def numbered(groups: t.Iterable[GroupRules], known: t.Mapping[str, Number]) -> t.List[GroupRules]:
    """The groups as they are brought to all hosts; ``known``: the latest numbers."""
    return [{**group, "number": next_of_fleet(known.get(group["id"], NOTHING), group["rules"]).as_dict()} for group in groups]
