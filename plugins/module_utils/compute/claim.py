# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The rules by which a host refuses a server; pure: the caller holds the host's lock and brings fresh domains.

Follows ``nova/compute/claims.py`` and ``manager.py: _validate_instance_group_policy`` (the late affinity check).
"""

from __future__ import annotations

import typing as t

from ansible_collections.kvmfleet.compute.plugins.module_utils.compute.committed import shortages, used
from ansible_collections.kvmfleet.compute.plugins.module_utils.errors import ServerError
from ansible_collections.kvmfleet.compute.plugins.module_utils.network.segment import addresses_of
from ansible_collections.kvmfleet.compute.plugins.module_utils.shapes import Domain, HostResources, Instance, Order


def _check_identity(instance: Instance, domains: t.List[Domain]) -> None:
    for domain in domains:
        record = domain["record"]
        if domain["uuid"] == instance["uuid"]:
            who = "another run has made it on this host meanwhile, and the next run finds it there" if record else "its uuid is taken on this host"
            raise ServerError("InstanceExists", f"{who} (domain {domain['name']})")
        if domain["name"] == instance["domain_name"]:
            raise ServerError("InstanceExists", f"a domain named {domain['name']} exists on the host")
        if record and (record["project_id"], record["display_name"]) == (instance["project_id"], instance["display_name"]):
            raise ServerError(
                "InstanceExists", f"the name {instance['display_name']} is taken in project {instance['project_id']} by {record['uuid']} on the host"
            )


def _check_addresses(instance: Instance, domains: t.List[Domain]) -> None:
    macs = {port["mac_address"].lower() for port in instance["ports"]}
    addresses = {address for port in instance["ports"] for address in addresses_of(port)}
    for domain in domains:
        taken = macs.intersection(interface["mac_address"] for interface in domain["interfaces"])
        if taken:
            raise ServerError("MacAddressInUse", f"MAC address {min(taken)} is in use by domain {domain['name']}")
        for port in domain["record"]["ports"] if domain["record"] else []:
            both = addresses & addresses_of(port)
            if both:
                raise ServerError("FixedIpAlreadyInUse", f"fixed IP {min(both)[1]} is in use by domain {domain['name']}")


def _members(group_id: str, domains: t.List[Domain], own: str) -> t.List[str]:
    """The names of the group's other members on this host."""
    names = []
    for domain in domains:
        record = domain["record"]
        group = record["group"] if record else None
        if record and group and group["id"] == group_id and record["uuid"] != own:
            names.append(record["display_name"])
    return sorted(names)


def _check_group(instance: Instance, domains: t.List[Domain], group_hosts: t.List[str], host: str) -> None:
    group = instance["group"]
    if not group:
        return
    if group["policy"] == "anti-affinity":
        members = _members(group["id"], domains, instance["uuid"])
        limit = int(group["rules"].get("max_server_per_host") or 1)
        if len(members) >= limit:
            raise ServerError(
                "GroupAffinityViolation",
                f"anti-affinity group {group['name']} allows {limit} per host, {len(members)} here: {', '.join(members)}",
                reschedule=True,
            )
    elif group["policy"] == "affinity" and group_hosts and host not in group_hosts:
        raise ServerError("GroupAffinityViolation", f"affinity group {group['name']} lives on {', '.join(group_hosts)}, not here", reschedule=True)


def check(order: Order, host: str, resources: HostResources, domains: t.List[Domain]) -> None:
    """ServerError if the host, by this name and with these resources, can't take a placed server beside its domains.

    A lack of capacity or a broken group policy may be rescheduled; a name or an address that is taken may not.
    """
    instance = order["instance"]
    _check_identity(instance, domains)
    _check_addresses(instance, domains)
    _check_group(instance, domains, order["group_hosts"], host)
    reasons = shortages(resources, used(domains), instance)
    if reasons:
        raise ServerError("ComputeResourcesUnavailable", "; ".join(reasons), reschedule=True)
