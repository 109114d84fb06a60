# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is committed on a host: usage per resource class from every domain, foreign or not, running or not; pure.

Stands for ``nova/compute/resource_tracker.py: _update_usage_from_instances``, with the domains themselves as the ledger.
"""

from __future__ import annotations

import typing as t

from ansible_collections.kvmfleet.compute.plugins.module_utils.capacity import basic_resources, inventories, shortage

if t.TYPE_CHECKING:
    from ansible_collections.kvmfleet.compute.plugins.module_utils.shapes import Flavor

GIB = 2**30


def domain_resources(domain: dict[str, t.Any]) -> dict[str, int]:
    """VCPU, MEMORY_MB and DISK_GB that one domain commits.

    Ours: disk by the record's flavor. Foreign: the virtual sizes (``disk_bytes``) of its disks on the instances' file system.
    """
    record = domain.get("record")
    if record and record.get("flavor"):
        disk_gb = basic_resources(record["flavor"])["DISK_GB"]
    else:
        disk_gb = -(-int(domain.get("disk_bytes") or 0) // GIB)
    return {"VCPU": domain["vcpus"], "MEMORY_MB": domain["memory_mb"], "DISK_GB": disk_gb}


def used(domains: t.Iterable[dict[str, t.Any]]) -> dict[str, int]:
    """The sum over all domains per resource class."""
    total = {"VCPU": 0, "MEMORY_MB": 0, "DISK_GB": 0}
    for domain in domains:
        for name, amount in domain_resources(domain).items():
            total[name] += amount
    return total


def shortages(host: dict[str, t.Any], flavor: Flavor) -> list[str]:
    """Why a flavor doesn't fit on a host {vcpus, memory_mb, disk_gb, reserved, allocation_ratio, used}; empty where it does."""
    inventory = inventories(host)
    found = []
    for name, amount in basic_resources(flavor).items():
        why = shortage(name, inventory.get(name), host["used"].get(name, 0), amount)
        if why:
            found.append(str(why))
    return found
