# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""By which addresses servers are members of their security groups, and which groups rules name; pure."""

from __future__ import annotations

import typing as t

from ansible_collections.kvmfleet.compute.plugins.module_utils.network.filters.names import group_key
from ansible_collections.kvmfleet.compute.plugins.module_utils.shapes import FilterRule, Port, Record


def addresses_of_members(ports: t.Iterable[Port]) -> t.List[str]:
    """The addresses and allowed address pairs of ports with port security: the others are in no group."""
    found = []
    for port in ports:
        if port["port_security_enabled"]:
            found += [ip["ip_address"] for ip in port["fixed_ips"]]
            found += [pair["ip_address"] for pair in port["allowed_address_pairs"]]
    return found


def named_groups(rules: t.Iterable[FilterRule], project_id: str) -> t.List[str]:
    """The groups that rules of a project's groups name, by key: they are of the same project."""
    return list(dict.fromkeys(group_key(rule["remote_group"], project_id) for rule in rules if rule["remote_group"] is not None))


def groups_of_members(records: t.Iterable[Record]) -> t.Dict[str, t.List[str]]:
    """The addresses of the members of each group that these servers are in, by key."""
    groups: t.Dict[str, t.List[str]] = {}
    for record in records:
        addresses = addresses_of_members(record["ports"])
        for group in record["security_groups"] if addresses else []:
            groups.setdefault(group_key(group["id"], record["project_id"]), []).extend(addresses)
    return groups
