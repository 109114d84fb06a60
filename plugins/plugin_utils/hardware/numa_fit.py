# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a guest with NUMA cells fits into a host's, and what it takes there; pure.

Follows ``nova/virt/hardware.py``: ``numa_fit_instance_to_host`` and ``numa_usage_from_instance_numa``.
"""

from __future__ import annotations

import dataclasses
import itertools

from ansible_collections.kvmfleet.compute.plugins.module_utils.reason import Reason
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.hardware import numa_pinning, pci_pools
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.hardware.constraints import PAGE_SIZES
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.hardware.numa_cells import Guest, GuestCell, HostCell, Pages

# (CPU, memory) allocation ratios of the host: how far shared CPUs and their memory may be overcommitted.
Ratios = tuple[float, float]


class PinningError(ValueError):
    """CPUs that are not the cell's or have another guest already."""


def fit(
    host: list[HostCell],
    guest: Guest,
    ratios: Ratios | None = None,
    pools: list[pci_pools.Pool] | None = None,
    requests: list[pci_pools.PciRequest] | None = None,
    pack: bool = False,
) -> tuple[Guest | None, Reason | None]:
    """(the guest on the first host cells that take it, with its devices near enough, else None; why not). Writes into the guest's cells.

    1. A host with more cells than the guest offers them in an order of preference: near the devices, with room, or packed.
    2. Each choice of host cells, in that order, is tried cell by cell: memory and pages, then CPUs, their pinning, and what may be overcommitted.
    3. What fitted or was refused is remembered by the two cells' numbers, and not tried again. A cell that fitted keeps what was written into it.
    4. Where all cells fit the devices must be near enough; if they are not the next choice is tried.
    5. If no choice does: the devices are the reason if any choice got so far, else what each pair of cells was refused for.
    """
    if len(host) < len(guest.cells):
        return None, _reason(f"{len(host)} NUMA cells on the host, {len(guest.cells)} requested", len(host), len(guest.cells))
    if len(host) > len(guest.cells):
        host = _by_preference(host, guest, pools or [], bool(requests), pack)
    refused: dict[tuple[int, int], Reason] = {}
    fitted: set[tuple[int, int]] = set()
    devices: Reason | None = None
    for chosen in itertools.permutations(host, len(guest.cells)):
        for index, (cell, asked) in enumerate(zip(chosen, guest.cells, strict=True)):
            # A cell that was fitted bears the number of its host cell from then on. Nova remembers what fitted by these numbers, so it may take one cell
            # for another, and a pinning for another cell's, which ends in PinningError; its answers come about in the same way only.
            pair = (cell.id, asked.id)
            if pair in refused:
                break
            if pair in fitted:
                asked.id = cell.id
                continue
            why = _refusal(cell, asked, ratios, 1 if guest.isolate_emulator and index == 0 else 0)
            if why:
                refused[pair] = why
                break
            fitted.add(pair)
        else:
            devices = pci_pools.shortage(pools or [], requests or [], [cell.id for cell in guest.cells], host)
            if not devices:
                return guest, None
    if devices:
        return None, _reason(str(devices), devices.left, devices.asked)
    nearest = min(refused.values(), key=lambda why: float("inf") if why.lacking is None else why.lacking)
    return None, _reason("; ".join(dict.fromkeys(map(str, refused.values()))), nearest.left, nearest.asked)


def _reason(text: str, left: float | None, asked: float | None) -> Reason:
    return Reason("NUMA cells", text, left, asked)


def _in(cell: HostCell, what: str, left: float, asked: int, unit: str = "") -> Reason:
    return Reason(f"cell {cell.id}", f"{left:.12g}{unit} {what}, {asked}{unit} requested", left, asked)


def _by_preference(host: list[HostCell], guest: Guest, pools: list[pci_pools.Pool], wants_devices: bool, pack: bool) -> list[HostCell]:
    """The emptiest cells first (the fullest with ``pack``), and before that those with PCI devices if the guest wants any, last if not."""
    host = sorted(host, key=lambda cell: cell.free_memory_mb, reverse=not pack)
    if guest.cells[0].is_pinned:
        host = sorted(host, key=lambda cell: len(cell.free_pcpus), reverse=not pack)
    else:
        host = sorted(host, key=lambda cell: cell.cpu_usage, reverse=pack)
    devices: dict[int | None, int] = {}
    for pool in pools:
        devices[pool["numa_node"]] = devices.get(pool["numa_node"], 0) + pool["count"]
    return sorted(host, key=lambda cell: devices.get(cell.id, 0), reverse=wants_devices)


def _fits_pages(pages: Pages, memory_mb: int, of_total: bool = False) -> bool:
    memory_kb = memory_mb * 1024
    return memory_kb <= (pages.total * pages.size_kb if of_total else pages.free_kb) and memory_kb % pages.size_kb == 0


def _page_size_refusal(cell: HostCell, asked: GuestCell) -> Reason | None:
    """Give the guest's cell pages of the size that it wants: smallest, any but the smallest, any, or just this one."""
    by_size = sorted(cell.pages, key=lambda pages: pages.size_kb, reverse=True)
    if asked.pagesize == PAGE_SIZES["small"]:
        by_size = by_size[-1:]
    elif asked.pagesize == PAGE_SIZES["large"]:
        by_size = by_size[:-1]
    elif asked.pagesize != PAGE_SIZES["any"]:
        by_size = [pages for pages in by_size if pages.size_kb == asked.pagesize][:1]
    for pages in by_size:
        if _fits_pages(pages, asked.memory_mb):
            asked.pagesize = pages.size_kb
            return None
    free = ", ".join(f"{pages.free_kb // 1024} MB in pages of {pages.size_kb} kB" for pages in by_size)
    most = max((pages.free_kb // 1024 for pages in by_size), default=0)
    return Reason(f"cell {cell.id}", f"{free or 'no pages of that size'} free, {asked.memory_mb} MB requested", most, asked.memory_mb)


def _memory_refusal(cell: HostCell, asked: GuestCell) -> Reason | None:
    if asked.pagesize:
        return _page_size_refusal(cell, asked)
    # Without pinning memory may be overcommitted, but not by a single guest.
    free = cell.free_memory_mb if asked.is_pinned else cell.memory_mb
    if cell.pages:
        smallest = min(cell.pages, key=lambda pages: pages.size_kb)
        free = (smallest.free_kb if asked.is_pinned else smallest.total * smallest.size_kb) // 1024
        fits = _fits_pages(smallest, asked.memory_mb, of_total=not asked.is_pinned)
    else:
        fits = asked.memory_mb <= free
    return None if fits else _in(cell, "of memory", free, asked.memory_mb, " MB")


def _refusal(cell: HostCell, asked: GuestCell, ratios: Ratios | None, overhead: int) -> Reason | None:
    """Fit one cell into another; why it does not fit."""
    why = _memory_refusal(cell, asked)
    if why:
        return why
    dedicated = len(asked.pcpuset) + overhead
    if asked.is_pinned and dedicated > len(cell.pcpuset):
        return _in(cell, "dedicated CPUs", len(cell.pcpuset), dedicated)
    if asked.is_shared and len(asked.cpuset) > len(cell.cpuset):
        return _in(cell, "shared CPUs", len(cell.cpuset), len(asked.cpuset))
    if asked.is_pinned:
        if dedicated > len(cell.free_pcpus):
            return _in(cell, "dedicated CPUs free", len(cell.free_pcpus), dedicated)
        why = numa_pinning.pin(cell, asked, overhead)
        if why:
            return why
    if asked.is_shared and ratios:
        cpus, memory_mb = len(cell.cpuset) * ratios[0], cell.memory_mb * ratios[1]
        if cell.cpu_usage + len(asked.cpuset) > cpus:
            return _in(cell, "shared CPUs left", cpus - cell.cpu_usage, len(asked.cpuset))
        if cell.memory_usage_mb + asked.memory_mb > memory_mb:
            return _in(cell, "of memory left", memory_mb - cell.memory_usage_mb, asked.memory_mb, " MB")
    asked.id = cell.id
    return None


def take(host: list[HostCell], guest: Guest) -> list[HostCell]:
    """The host's cells with what a fitted guest has there taken off."""
    return [_taken(cell, [asked for asked in guest.cells if asked.id == cell.id]) for cell in host]


def _taken(cell: HostCell, guests: list[GuestCell]) -> HostCell:
    for asked in guests:
        cell = dataclasses.replace(
            cell,
            pages=_pages_taken(cell, asked),
            memory_usage_mb=cell.memory_usage_mb + asked.memory_mb,
            cpu_usage=cell.cpu_usage + len(asked.cpuset),
            pinned=cell.pinned | _pinned(cell, asked) if asked.is_pinned else cell.pinned,
        )
    return cell


def _pages_taken(cell: HostCell, asked: GuestCell) -> list[Pages]:
    if not asked.pagesize and not cell.pages:
        raise LookupError(f"cell {cell.id} of the host lists no page sizes")
    size_kb = asked.pagesize or min(pages.size_kb for pages in cell.pages)
    return [pages._replace(used=max(0, pages.used + asked.memory_mb * 1024 // pages.size_kb)) if pages.size_kb == size_kb else pages for pages in cell.pages]


def _pinned(cell: HostCell, asked: GuestCell) -> set[int]:
    cpus = set(asked.pinning.values()) | asked.reserved
    if asked.thread_policy == "isolate":
        cpus = set().union(*(core for core in cell.siblings if cpus & core))
    if cpus - cell.pcpuset:
        raise PinningError(f"CPUs {sorted(cpus - cell.pcpuset)} are no dedicated CPUs of the host's cell {cell.id}")
    if cpus & cell.pinned:
        raise PinningError(f"CPUs {sorted(cpus & cell.pinned)} of the host's cell {cell.id} are pinned already")
    return cpus
