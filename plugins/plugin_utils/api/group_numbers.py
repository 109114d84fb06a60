# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How a run's rules of security groups stand to those that hosts have; pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from ansible_collections.kvmfleet.compute.plugins.module_utils.network.filters.names import group_key
from ansible_collections.kvmfleet.compute.plugins.module_utils.network.rules_number import NOTHING, Number, digest, latest, next_local, read_number
from ansible_collections.kvmfleet.compute.plugins.module_utils.shapes import GroupRules, RulesNumber
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.lines import named
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.shapes import FleetHost, SeenRules


def _said(host: FleetHost | None) -> Mapping[str, RulesNumber] | None:
    """What a host says of the rules that it has, by group; None with facts from before that."""
    return host["networks"].get("rules_numbers") if host and "networks" in host else None


def _numbers(host: FleetHost | None) -> dict[str, Number]:
    return {key: read_number(number) for key, number in (_said(host) or {}).items()}


def seen_on_hosts(groups: list[GroupRules], hosts: Mapping[str, FleetHost | None]) -> list[SeenRules]:
    """The groups, with what each host has of them."""
    read = {name: host for name, host in hosts.items() if host}
    if not read or any(_said(host) is None for host in read.values()):
        return [{"id": group["id"], "name": group["name"], "rules": group["rules"]} for group in groups]
    numbers = {name: latest([_numbers(host)]) for name, host in read.items()}
    return [{**group, "seen": {name: known[group["id"]].as_dict() for name, known in numbers.items() if group["id"] in known}} for group in groups]


def rules_for(groups: Iterable[SeenRules], host: str) -> Iterator[GroupRules]:
    """As this host gets them, with a number above that which it had; without, if that is not known."""
    for group in groups:
        rules: GroupRules = {"id": group["id"], "name": group["name"], "rules": group["rules"]}
        seen = group.get("seen")
        if seen is not None:
            last = read_number(seen[host]) if host in seen else NOTHING
            rules["number"] = next_local(last, group["rules"]).as_dict()
        yield rules


def other_rules(groups: Iterable[GroupRules], hosts: Mapping[str, FleetHost | None], project: str) -> Iterator[str]:
    """A sentence for each group that has other rules on hosts: they were edited, and not brought there."""
    numbers = {name: _numbers(host) for name, host in hosts.items()}
    for group in groups:
        key, ours = group_key(group["id"], project), digest(group["rules"])
        others = [name for name, known in numbers.items() if key in known and known[key].digest != ours]
        if others:
            which = f"security group {group['name']} has other rules on {named(others)} than in the catalogue of this run"
            yield f"{which}: the playbook security_groups brings them to all hosts, this run to those on which it builds or starts a server of the group"
