# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is committed on a host: usage per resource class from every domain, foreign or not, running or not; pure.

Stands for ``nova/compute/resource_tracker.py: _update_usage_from_instances``, with the domains themselves as the ledger. A flavor is counted as the
scheduler counts it.
"""

from __future__ import annotations

import typing as t

from ansible_collections.kvmfleet.compute.plugins.module_utils.capacity import basic_resources, inventories, requested_resources, shortage
from ansible_collections.kvmfleet.compute.plugins.module_utils.shapes import Domain, HostResources, Instance, Record

GIB = 2**30


def resources(instance: t.Union[Instance, Record]) -> t.Dict[str, int]:
    """The amount of each resource class that a server of ours takes; a flavor with an amount that is no number counts without its extra specs."""
    flavor, is_bfv = instance["flavor"], instance["image"] is None
    try:
        return requested_resources(flavor, is_bfv)
    except ValueError:
        return basic_resources(flavor, is_bfv)


def domain_resources(domain: Domain) -> t.Dict[str, int]:
    """What one domain commits. Ours: what its flavor asks for. Foreign: CPUs, memory and the virtual sizes of its disks on the instances' file system."""
    record = domain["record"]
    if record is not None:
        return resources(record)
    return {"VCPU": domain["vcpus"], "MEMORY_MB": domain["memory_mb"], "DISK_GB": -(-domain.get("disk_bytes", 0) // GIB)}


def used(domains: t.Iterable[Domain]) -> t.Dict[str, int]:
    """The sum over all domains per resource class."""
    total = {"VCPU": 0, "MEMORY_MB": 0, "DISK_GB": 0}
    for domain in domains:
        for name, amount in domain_resources(domain).items():
            total[name] = total.get(name, 0) + amount
    return total


def shortages(host: HostResources, committed: t.Dict[str, int], instance: Instance) -> t.List[str]:
    """Why a server doesn't fit beside what is committed; empty if it does. Classes that only the operator's facts name are the scheduler's to count."""
    asked = resources(instance)
    reasons = [shortage(name, inventory, committed.get(name, 0), asked.get(name, 0)) for name, inventory in inventories(dict(host)).items()]
    return [str(reason) for reason in reasons if reason]
