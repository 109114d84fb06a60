# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The numbers of a host that a placement rests on, and which of them have changed so that it can't be kept; pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping

from ansible_collections.kvmfleet.compute.plugins.module_utils.capacity import inventories, requested_resources
from ansible_collections.kvmfleet.compute.plugins.module_utils.shapes import Instance
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.shapes import FleetHost, PlannedResource

# Who asks for dedicated CPUs gets PCPU or VCPU, as the host has them: the scheduler's filters say that in the end.
_CPUS = ("VCPU", "PCPU")
_NOTHING: PlannedResource = {"total": 0, "reserved": 0, "allocation_ratio": 1.0, "used": 0}


def resources_of(host: FleetHost) -> dict[str, PlannedResource]:
    """What a host has of each resource class, by its facts."""
    used = host.get("used") or {}
    return {
        name: {
            "total": inventory["total"],
            "reserved": inventory["reserved"],
            "allocation_ratio": inventory["allocation_ratio"],
            "used": used.get(name, 0),
        }
        for name, inventory in inventories(host).items()
    }


def free(resource: PlannedResource) -> int:
    """Units that are left."""
    return int((resource["total"] - resource["reserved"]) * resource["allocation_ratio"]) - resource["used"]


def needed(instances: Iterable[Instance]) -> Counter[str]:
    """What servers take together, by resource class."""
    amounts: Counter[str] = Counter()
    for instance in instances:
        wanted = requested_resources(instance["flavor"], instance["image"] is None)
        properties = instance["image"]["properties"] if instance["image"] else {}
        pinned = instance["flavor"]["extra_specs"].get("hw:cpu_policy") or properties.get("hw_cpu_policy")
        amounts.update({name: amount for name, amount in wanted.items() if not (pinned and name in _CPUS)})
    return amounts


def short(was: Mapping[str, PlannedResource], now: Mapping[str, PlannedResource], need: Mapping[str, int]) -> Iterator[str]:
    """A sentence for each resource class of which there is too little now: ``free memory_mb 2048 -> 512 (used 0 -> 1536), the plan needs 1024``."""
    for name, amount in sorted(need.items()):
        then, there = was.get(name, _NOTHING), now.get(name, _NOTHING)
        if amount <= free(there):
            continue
        pairs = (
            ("total", then["total"], there["total"]),
            ("reserved", then["reserved"], there["reserved"]),
            ("allocation_ratio", then["allocation_ratio"], there["allocation_ratio"]),
            ("used", then["used"], there["used"]),
        )
        why = ", ".join(f"{what} {before:g} -> {after:g}" for what, before, after in pairs if before != after)
        yield f"free {name.lower()} {free(then)} -> {free(there)}" + (f" ({why})" if why else "") + f", the plan needs {amount}"
