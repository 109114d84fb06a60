# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What hosts enforce of the security groups that servers of a run are in; pure.

1. A direction that a group has no rule for has what Neutron gives a new group: all may go out, and into the group ``default`` what comes from the group.
2. As in Neutron each project has groups of its own: a catalogue's group means another one in each project, with its servers only.
3. Libvirt's network filters know few protocols by name and none by number. A rule with another one is refused for every server that would have it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from ansible_collections.kvmfleet.compute.plugins.module_utils.network.members import addresses_of_members
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.api.catalogue_entries import Entries
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.schema.formats import PROTOCOLS
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.shapes import (
    BuildRequest,
    CatalogueSecurityGroup,
    EnforcedGroup,
    EnforcedRule,
    FleetInstance,
    SecurityGroupRule,
)

DEFAULT_GROUP = "default"
ANY = ("any", "0")
ETHERTYPES = ("IPv4", "IPv6")
ICMP = {PROTOCOLS["icmp"], PROTOCOLS["icmpv6"]}
# By number: what libvirt's filters match in packets of connections that they follow, of both IP versions.
ENFORCED = {PROTOCOLS[name]: name for name in ("tcp", "udp", "udplite", "sctp", "esp", "ah", "icmp", "igmp")} | {PROTOCOLS["icmpv6"]: "icmp"}
IPV4_ONLY, WITHOUT_PORTS = ("igmp",), ("udplite",)


def obstacle(group: CatalogueSecurityGroup) -> str | None:
    """Why a group can't be enforced, naming the first rule that stands in the way; None if it can."""
    for number, rule in enumerate(group["rules"], 1):
        protocol = _protocol(rule)
        name = ENFORCED.get(protocol) if protocol else None
        if protocol and (name is None or (name in IPV4_ONLY and rule["ethertype"] != "IPv4")):
            known = ", ".join(sorted(set(ENFORCED.values())))
            return f"its rule {number} can't be enforced: libvirt's network filters don't know protocol {rule['protocol']} of {rule['ethertype']}, but {known}"
        if name in WITHOUT_PORTS and rule["port_range_min"] is not None:
            return f"its rule {number} can't be enforced: libvirt's network filters don't know ports of {name}"
    return None


def _protocol(rule: SecurityGroupRule) -> str | None:
    """The number of a rule's protocol, as text; None for any."""
    written = str(rule["protocol"]) if rule["protocol"] is not None else ANY[0]
    return None if written in ANY else PROTOCOLS.get(written, written)


def _rule(direction: str, ethertype: str, remote_group: str | None = None) -> EnforcedRule:
    return {
        "direction": direction,
        "ethertype": ethertype,
        "protocol": None,
        "port_range_min": None,
        "port_range_max": None,
        "remote_ip_prefix": None,
        "remote_group": remote_group,
    }


def _rules(group: CatalogueSecurityGroup, groups: Entries[CatalogueSecurityGroup]) -> Iterator[EnforcedRule]:
    written = {rule["direction"] for rule in group["rules"]}
    if "egress" not in written:
        yield from (_rule("egress", ethertype) for ethertype in ETHERTYPES)
    if "ingress" not in written and group["name"] == DEFAULT_GROUP:
        yield from (_rule("ingress", ethertype, group["id"]) for ethertype in ETHERTYPES)
    for rule in group["rules"]:
        protocol = _protocol(rule)
        remote = groups.find(rule["remote_group"]) if rule["remote_group"] is not None else None
        yield {
            "direction": rule["direction"],
            "ethertype": rule["ethertype"],
            "protocol": ENFORCED[protocol] if protocol else None,
            "port_range_min": rule["port_range_min"],
            "port_range_max": rule["port_range_max"],
            "remote_ip_prefix": rule["remote_ip_prefix"],
            "remote_group": remote["id"] if remote else None,
        }


def enforced_groups(
    groups: Entries[CatalogueSecurityGroup], requests: Iterable[BuildRequest], records: Iterable[FleetInstance], project: str
) -> list[EnforcedGroup]:
    """The groups of these servers, and those that their rules name, each with its members of the project that the facts show."""
    by_id = {group["id"]: group for group in groups.by_key.values()}
    wanted: dict[str, None] = {}
    for request in requests:
        asked = request["instance"]["security_groups"]
        # A server that is there keeps the groups that it was made with.
        wanted.update((group["id"], None) for group in (request["existing"]["record"]["security_groups"] if request["existing"] else asked))
    rules = {key: list(_rules(by_id[key], groups)) for key in wanted if key in by_id and obstacle(by_id[key]) is None}
    named = dict.fromkeys([*rules, *(rule["remote_group"] for of_group in rules.values() for rule in of_group if rule["remote_group"])])
    members: dict[str, list[str]] = {key: [] for key in named}
    for record in records:
        for group in record["security_groups"] if record["project_id"] == project else ():
            if group["id"] in members:
                members[group["id"]] += addresses_of_members(record["ports"])
    return [{"id": key, "name": by_id[key]["name"], "rules": rules.get(key, []), "members": members[key]} for key in named]
