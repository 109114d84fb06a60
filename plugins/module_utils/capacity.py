# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Capacity per resource class, as Placement counts it; shared by the scheduler and by the claim on the host.

Follows placement's ``Inventory.capacity`` and ``_check_capacity_exceeded`` and Nova's ``resources_for_limits`` from
``nova/scheduler/utils.py`` (``ResourceRequest``).
"""

from __future__ import annotations

import re
import typing as t

from ansible_collections.kvmfleet.compute.plugins.module_utils.reason import Reason

if t.TYPE_CHECKING:
    from ansible_collections.kvmfleet.compute.plugins.module_utils.shapes import Flavor, Inventory

DEFAULT_RATIO = {"VCPU": 4.0}
# resources:X, resources1:X (``ResourceRequest.XS_KEYPAT``)
_RESOURCES = re.compile(r"resources([a-zA-Z0-9_-]{1,64})?:(.+)\Z")


def inventories(host: t.Mapping[str, t.Any]) -> dict[str, Inventory]:
    """By resource class, the whole inventory of a host's facts."""
    reserved: dict[str, int] = host.get("reserved") or {}
    ratios: dict[str, float] = host.get("allocation_ratio") or {}
    extras: dict[str, Inventory] = host.get("inventory") or {}
    totals: dict[str, int | None] = {"VCPU": host["vcpus"], "MEMORY_MB": host["memory_mb"], "DISK_GB": host["disk_gb"], "PCPU": host.get("pcpus")}
    result: dict[str, Inventory] = {}
    for name, total in totals.items():
        if total:
            result[name] = _inventory(total, reserved.get(name, 0), ratios.get(name, DEFAULT_RATIO.get(name, 1.0)))
    for name, extra in extras.items():
        known = result.get(name) or _inventory(0, 0, 1.0)
        result[name] = {**known, "max_unit": extra.get("total", known["total"]), **extra}
    return result


def _inventory(total: int, reserved: int, ratio: float) -> Inventory:
    return {"total": total, "reserved": reserved, "allocation_ratio": ratio, "min_unit": 1, "max_unit": total, "step_size": 1}


def shortage(name: str, inventory: Inventory | None, used: int, requested: int) -> Reason | None:
    """Why ``requested`` units of a class don't fit; None if they do."""
    if not requested:
        return None
    if inventory is None or not inventory["total"]:
        return Reason(name, f"the host has none, {requested} requested", 0, requested)
    capacity = int((inventory["total"] - inventory["reserved"]) * inventory["allocation_ratio"])
    left = capacity - used
    if requested > left:
        of = f"({inventory['total']} - {inventory['reserved']} reserved) × {inventory['allocation_ratio']} - {used} used"
        return Reason(name, f"{left} left of {of}, {requested} requested", left, requested)
    if requested < inventory["min_unit"]:
        return Reason(name, f"{requested} requested, at least {inventory['min_unit']} for one server")
    if requested > inventory["max_unit"]:
        return Reason(name, f"{requested} requested, at most {inventory['max_unit']} for one server", inventory["max_unit"], requested)
    if requested % inventory["step_size"]:
        return Reason(name, f"{requested} requested, not a multiple of {inventory['step_size']}")
    return None


def basic_resources(flavor: Flavor, is_bfv: bool = False) -> dict[str, int]:
    """VCPU, MEMORY_MB and DISK_GB of a flavor, before extra specs: disk is root (0 if booted from a volume) + ephemeral + swap rounded up."""
    swap_gb = -(-int(flavor.get("swap") or 0) // 1024)
    disk = (0 if is_bfv else int(flavor.get("root_gb") or 0)) + int(flavor.get("ephemeral_gb") or 0) + swap_gb
    return {"VCPU": int(flavor["vcpus"]), "MEMORY_MB": int(flavor["memory_mb"]), "DISK_GB": disk}


def requested_resources(flavor: Flavor, is_bfv: bool = False, pinned: int = 0, overhead: int = 0) -> dict[str, int]:
    """The amount of each resource class that a server of a flavor takes; classes of which it takes none are left out.

    ``pinned`` of the CPUs are PCPU, with ``overhead`` more for the emulator; ``resources:X`` of the flavor overrides both. ValueError if that is no number.
    """
    basic = basic_resources(flavor, is_bfv)
    requested: dict[str, int] = {"VCPU": basic["VCPU"] - pinned, "PCPU": pinned + overhead} if pinned else {}
    granular: dict[str, int] = {}
    for key, value in (flavor.get("extra_specs") or {}).items():
        match = _RESOURCES.match(key)
        if match and match.group(1):
            # A numbered group asks beside the others; a host here is one provider, so they add up.
            granular[match.group(2)] = granular.get(match.group(2), 0) + int(value)
        elif match:
            requested[match.group(2)] = int(value)
    for name, amount in granular.items():
        requested[name] = requested.get(name, 0) + amount
    if "PCPU" in requested:
        # Who names dedicated CPUs means no others.
        requested.setdefault("VCPU", 0)
    return {name: amount for name, amount in {**basic, **requested}.items() if amount}
