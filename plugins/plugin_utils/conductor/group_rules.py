# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The security groups of a round, as its hosts enforce them; pure."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Mapping

from ansible_collections.kvmfleet.compute.plugins.module_utils.network.members import addresses_of_members
from ansible_collections.kvmfleet.compute.plugins.module_utils.shapes import FilterRule, GroupRules
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.shapes import EnforcedGroup, EnforcedRule, RoundServer

VERSIONS = {"IPv4": 4, "IPv6": 6}
# Whose claim is there, or may be.
ON_THEIR_WAY = ("placed", "claimed", "active", "unknown")


def group_rules(groups: list[EnforcedGroup], servers: Iterable[RoundServer]) -> list[GroupRules]:
    """The groups with what their rules name as addresses: those of the servers that the facts show, and of this round's."""
    members = {group["id"]: list(group["members"]) for group in groups}
    for server in servers:
        placed = server["placed"]
        # What is there already is among the facts.
        if placed and placed["action"] == "build" and server["status"] in ON_THEIR_WAY:
            for group in placed["instance"]["security_groups"]:
                members.get(group["id"], []).extend(addresses_of_members(placed["instance"]["ports"]))
    return [{"id": group["id"], "name": group["name"], "rules": [_rule(rule, members) for rule in group["rules"]]} for group in groups if group["rules"]]


def _rule(rule: EnforcedRule, members: Mapping[str, list[str]]) -> FilterRule:
    return {
        "direction": rule["direction"],
        "ethertype": rule["ethertype"],
        "protocol": rule["protocol"],
        "port_range_min": rule["port_range_min"],
        "port_range_max": rule["port_range_max"],
        "remote": _remote(rule, members),
    }


def _remote(rule: EnforcedRule, members: Mapping[str, list[str]]) -> list[str] | None:
    """The fewest prefixes that have just the addresses in question: each costs a host several rules for every port."""
    if rule["remote_group"] is not None:
        return prefixes(members[rule["remote_group"]], VERSIONS[rule["ethertype"]])
    if rule["remote_ip_prefix"] is not None:
        return [str(ipaddress.ip_network(rule["remote_ip_prefix"], strict=False))]
    return None


def prefixes(addresses: Iterable[str], version: int) -> list[str]:
    """The addresses of one IP version as prefixes."""
    networks = [ipaddress.ip_network(address, strict=False) for address in addresses]
    if version == 4:
        return [str(network) for network in ipaddress.collapse_addresses(network for network in networks if isinstance(network, ipaddress.IPv4Network))]
    return [str(network) for network in ipaddress.collapse_addresses(network for network in networks if isinstance(network, ipaddress.IPv6Network))]
