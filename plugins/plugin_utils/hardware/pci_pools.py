# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which of a host's free PCI devices a request gets (``nova/pci/stats.py: PciDeviceStats``); pure.

A pool is a dict of properties with the number of free devices that have them, ``count``; requests are those of pci_alias.py.
"""

from __future__ import annotations

import typing as t

from ansible_collections.kvmfleet.compute.plugins.module_utils.reason import Reason
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.hardware.constraints import is_true
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.hardware.numa_cells import HostCell

Pool = dict[str, t.Any]
# Of a spec, what says where Placement finds the device, not what it is.
NOT_COMPARED = ("resource_class", "traits", "rp_uuids")


class PciRequest(t.NamedTuple):
    """``number`` devices that match any of ``specs``; ``affinity``: how near the guest's NUMA cells (legacy, preferred, required, socket)."""

    alias: str
    number: int
    specs: list[dict[str, str]]
    affinity: str


class ShortageError(ValueError):
    """A host without the devices."""

    def __init__(self, reason: Reason) -> None:
        super().__init__(str(reason))
        self.reason = reason


def pools(facts: list[Pool]) -> list[Pool]:
    """From ``pci_pools`` of a host's facts; those with fewer properties first, so that the special devices are the last to go."""
    return sorted(({"numa_node": None, **pool} for pool in facts), key=len)


def shortage(free: list[Pool], requests: list[PciRequest], cells: list[int] | None = None, host: list[HostCell] | None = None) -> Reason | None:
    """Why the host can't give what is requested; None if it can."""
    if not requests:
        return None
    try:
        take(free, requests, cells, host)
    except ShortageError as error:
        return error.reason
    return None


def take(free: list[Pool], requests: list[PciRequest], cells: list[int] | None = None, host: list[HostCell] | None = None) -> list[Pool]:
    """The pools that are left; ``cells``: the numbers of the host's NUMA cells that the guest is on. ShortageError if there are too few."""
    left = [dict(pool) for pool in free]
    for request in requests:
        wanted = request.number
        for pool in _usable(left, request, cells, host):
            if pool["count"] > wanted:
                pool["count"] -= wanted
                wanted = 0
            else:
                wanted -= pool["count"]
                left.remove(pool)
            if not wanted:
                break
    return left


def _usable(left: list[Pool], request: PciRequest, cells: list[int] | None, host: list[HostCell] | None) -> list[Pool]:
    """The pools that the request may take from, those to take from first."""
    found = [pool for pool in left if _matches(pool, request.specs)]
    _assert_enough(found, request, "")
    if cells:
        found = _near(found, request, cells, host)
        _assert_enough(found, request, f" near NUMA cells {', '.join(map(str, cells))} (policy {request.affinity})")
    # What is special must be asked for.
    for kind in ("type-PF", "vdpa"):
        if all(spec.get("dev_type") != kind for spec in request.specs):
            found = [pool for pool in found if pool.get("dev_type") != kind]
    if not any(is_true(spec.get("remote_managed")) for spec in request.specs):
        found = [pool for pool in found if not is_true(pool.get("remote_managed"))]
    for answer in ("true", "false"):
        if all(spec.get("live_migratable") == answer for spec in request.specs):
            found = [pool for pool in found if pool.get("live_migratable") == answer]
    _assert_enough(found, request, " for requests that name no special device")
    if not found:
        raise ShortageError(Reason(f"PCI {request.alias}", "no device left", 0, 1))
    return found


def _number(found: list[Pool]) -> int:
    return sum(pool["count"] for pool in found)


def _assert_enough(found: list[Pool], request: PciRequest, which: str) -> None:
    if _number(found) < request.number:
        number = _number(found)
        raise ShortageError(Reason(f"PCI {request.alias}", f"{number} devices left{which}, {request.number} requested", number, request.number))


def _matches(pool: Pool, specs: list[dict[str, str]]) -> bool:
    return any(all(_is_alike(pool.get(key), value) for key, value in spec.items() if key not in NOT_COMPARED) for spec in specs)


def _is_alike(actual: t.Any, wanted: t.Any) -> bool:
    if isinstance(actual, str) and isinstance(wanted, str):
        return actual.lower() == wanted.lower()
    return bool(actual == wanted)


def _near(found: list[Pool], request: PciRequest, cells: list[int], host: list[HostCell] | None) -> list[Pool]:
    """As near as there are enough of, but never farther than the policy allows."""
    nearest = [pool for pool in found if pool["numa_node"] in cells]
    if request.affinity == "required" or _number(nearest) >= request.number:
        return nearest
    if request.affinity == "socket":
        return _on_sockets(found, cells, host)
    # Devices without a known cell may be anywhere.
    known: list[int | None] = [*cells, None]
    near = [pool for pool in found if pool["numa_node"] in known]
    if request.affinity == "legacy" or _number(near) >= request.number:
        return near
    return sorted(found, key=lambda pool: pool["numa_node"] not in known)


def _on_sockets(found: list[Pool], cells: list[int], host: list[HostCell] | None) -> list[Pool]:
    if host is None:
        raise LookupError("policy socket for PCI devices on a host that reports no NUMA cells")
    if any(cell.socket is None for cell in host):
        return []
    sockets = {cell.socket for cell in host if cell.id in cells}
    allowed = {cell.id for cell in host if cell.socket in sockets}
    return [pool for pool in found if pool["numa_node"] in allowed]
