# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What hosts enforce of the security groups that servers of a run are in; pure.

1. A direction that a group has no rule for has what Neutron gives a new group: all may go out, and into the group ``default`` what comes from the group.
2. As in Neutron each project has groups of its own: a catalogue's group means another one in each project, with its servers only.
3. Libvirt's network filters know few protocols by name and none by number. A rule with another one is refused for every server that would have it.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Collection, Iterable, Iterator

from ansible_collections.kvmfleet.compute.plugins.module_utils.network.filters.names import group_key
from ansible_collections.kvmfleet.compute.plugins.module_utils.network.filters.services import IN_SETS, MOST_PORTS, WITH_PORTS, ports_of
from ansible_collections.kvmfleet.compute.plugins.module_utils.network.members import named_groups
from ansible_collections.kvmfleet.compute.plugins.module_utils.shapes import FilterRule, GroupRules
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.api.catalogue_entries import Entries
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.port_security import is_secured
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.schema.formats import PROTOCOLS
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.shapes import (
    BuildRequest,
    CatalogueSecurityGroup,
    FleetHost,
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
        why = _obstacle_of_members(rule, name) if rule["remote_group"] is not None and name else None
        if why:
            return f"its rule {number} can't be enforced: {why}; without a protocol it lets all of them through"
    return None


def _obstacle_of_members(rule: SecurityGroupRule, name: str) -> str | None:
    """Each port is an entry of an IP set for each member."""
    if name not in IN_SETS:
        return f"IP sets don't know ports of {name}, by which a rule with a remote_group is kept"
    ports = len(ports_of(rule["port_range_min"], rule["port_range_max"]))
    if name in WITH_PORTS and ports > MOST_PORTS:
        return f"with a remote_group a rule of {name} has at most {MOST_PORTS} ports, not {ports}"
    return None


def _protocol(rule: SecurityGroupRule) -> str | None:
    """The number of a rule's protocol, as text; None for any."""
    written = str(rule["protocol"]) if rule["protocol"] is not None else ANY[0]
    return None if written in ANY else PROTOCOLS.get(written, written)


def _rule(direction: str, ethertype: str, remote_group: str | None = None) -> FilterRule:
    return {
        "direction": direction,
        "ethertype": ethertype,
        "protocol": None,
        "port_range_min": None,
        "port_range_max": None,
        "remote": None,
        "remote_group": remote_group,
    }


def _rules(group: CatalogueSecurityGroup, groups: Entries[CatalogueSecurityGroup]) -> Iterator[FilterRule]:
    written = {rule["direction"] for rule in group["rules"]}
    if "egress" not in written:
        yield from (_rule("egress", ethertype) for ethertype in ETHERTYPES)
    if "ingress" not in written and group["name"] == DEFAULT_GROUP:
        yield from (_rule("ingress", ethertype, group["id"]) for ethertype in ETHERTYPES)
    for rule in group["rules"]:
        protocol = _protocol(rule)
        remote = groups.find(rule["remote_group"]) if rule["remote_group"] is not None else None
        prefix = rule["remote_ip_prefix"]
        yield {
            "direction": rule["direction"],
            "ethertype": rule["ethertype"],
            "protocol": ENFORCED[protocol] if protocol else None,
            "port_range_min": rule["port_range_min"],
            "port_range_max": rule["port_range_max"],
            "remote": [str(ipaddress.ip_network(prefix, strict=False))] if prefix is not None else None,
            "remote_group": remote["id"] if remote else None,
        }


def rules_of(groups: Entries[CatalogueSecurityGroup], keys: Iterable[str]) -> list[GroupRules]:
    """The groups of the catalogue among these, by id; those that can't be enforced are left out."""
    by_id = {group["id"]: group for group in groups.by_key.values()}
    found = (by_id[key] for key in dict.fromkeys(keys) if key in by_id)
    return [{"id": group["id"], "name": group["name"], "rules": list(_rules(group, groups))} for group in found if obstacle(group) is None]


def _is_filtered(request: BuildRequest) -> bool:
    existing = request["existing"]
    if existing:
        # A host may leave it out.
        return any(port.get("port_security_enabled") for port in existing["record"]["ports"])
    return any(is_secured(wanted["port"], wanted["network"]) for wanted in request["networks"])


def groups_of(requests: Iterable[BuildRequest]) -> list[str]:
    """The groups that count for a port of these servers, by id: a server that is there keeps those that it was made with."""
    wanted: dict[str, None] = {}
    for request in filter(_is_filtered, requests):
        existing = request["existing"]
        wanted.update((group["id"], None) for group in (existing["record"] if existing else request["instance"])["security_groups"])
    return list(wanted)


def member_groups(rules: Collection[GroupRules], hosts: Iterable[FleetHost | None], project: str) -> list[str]:
    """The groups, by key, that hosts have to know the members of anew: these and those that their rules name. None, if no rule here or on a host names one."""
    own = {group_key(group["id"], project) for group in rules}
    named = {key for group in rules for key in named_groups(group["rules"], project)}
    # A host may leave out either, with facts from before that.
    wanted = {key for host in hosts if host and "networks" in host for key in host["networks"].get("wanted_groups") or []}
    return sorted(own | named) if named or own & wanted else []
