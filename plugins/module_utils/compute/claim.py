# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The claim: may this server be defined on this host now? Pure; the caller holds the host's lock and brings fresh domains.

Follows ``nova/compute/claims.py`` and ``manager.py: _validate_instance_group_policy`` (the late affinity check).
"""

from __future__ import annotations

import typing as t

from ansible_collections.kvmfleet.compute.plugins.module_utils.compute.committed import shortages, used
from ansible_collections.kvmfleet.compute.plugins.module_utils.errors import ServerError


def _check_identity(instance: dict[str, t.Any], domains: list[dict[str, t.Any]]) -> None:
    for domain in domains:
        record = domain.get("record") or {}
        if domain["uuid"] == instance["uuid"]:
            raise ServerError("InstanceExists", f"a domain with the server's uuid {instance['uuid']} exists on the host: {domain['name']}")
        if domain["name"] == instance["domain_name"]:
            raise ServerError("InstanceExists", f"a domain named {domain['name']} exists on the host")
        if record and (record.get("project_id"), record.get("display_name")) == (instance["project_id"], instance["display_name"]):
            raise ServerError(
                "InstanceExists", f"the name {instance['display_name']} is taken in project {instance['project_id']} by {record['uuid']} on the host"
            )


def _check_addresses(instance: dict[str, t.Any], domains: list[dict[str, t.Any]]) -> None:
    macs = {port["mac_address"].lower() for port in instance.get("ports") or []}
    addresses = {(port["network_id"], ip["ip_address"]) for port in instance.get("ports") or [] for ip in port.get("fixed_ips") or []}
    for domain in domains:
        taken = macs.intersection(interface["mac_address"] for interface in domain["interfaces"])
        if taken:
            raise ServerError("MacAddressInUse", f"MAC address {sorted(taken)[0]} is in use by domain {domain['name']}")
        for port in (domain.get("record") or {}).get("ports") or []:
            for ip in port.get("fixed_ips") or []:
                if (port["network_id"], ip["ip_address"]) in addresses:
                    raise ServerError("FixedIpAlreadyInUse", f"fixed IP {ip['ip_address']} is in use by domain {domain['name']}")


def _check_group(instance: dict[str, t.Any], domains: list[dict[str, t.Any]], group_hosts: list[str], host: str) -> None:
    group = instance.get("group")
    if not group:
        return
    members = [
        record["display_name"]
        for record in (domain.get("record") for domain in domains)
        if record and (record.get("group") or {}).get("id") == group["id"] and record["uuid"] != instance["uuid"]
    ]
    if group["policy"] == "anti-affinity":
        most = int((group.get("rules") or {}).get("max_server_per_host") or 1)
        if len(members) >= most:
            raise ServerError(
                "GroupAffinityViolation",
                f"anti-affinity group {group['name']} allows {most} per host, {len(members)} here: {', '.join(sorted(members))}",
                reschedule=True,
            )
    elif group["policy"] == "affinity" and group_hosts and host not in group_hosts:
        raise ServerError("GroupAffinityViolation", f"affinity group {group['name']} lives on {', '.join(group_hosts)}, not here", reschedule=True)


def check(instance: dict[str, t.Any], host: dict[str, t.Any], domains: list[dict[str, t.Any]]) -> None:
    """Refuse (ServerError) a placed instance that the host can't take.

    ``host``: {name, vcpus, memory_mb, disk_gb, reserved, allocation_ratio}; ``domains``: as ``Hypervisor.domains()`` gives them. A lack of
    capacity or a broken group policy may be rescheduled; a name or an address that is taken may not.
    """
    _check_identity(instance, domains)
    _check_addresses(instance, domains)
    _check_group(instance, domains, instance.get("group_hosts") or [], host["name"])
    lacking = shortages(dict(host, used=used(domains)), instance["flavor"])
    if lacking:
        raise ServerError("ComputeResourcesUnavailable", "; ".join(lacking), reschedule=True)
