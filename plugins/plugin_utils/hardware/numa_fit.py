# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Does a guest with NUMA cells fit into a host's, and what does it take there; pure.

Follows ``nova/virt/hardware.py``: ``numa_fit_instance_to_host`` and ``numa_usage_from_instance_numa``.
"""

from __future__ import annotations

import dataclasses
import itertools

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
) -> tuple[Guest | None, str]:
    """(the guest on the first host cells that take it, with its devices near enough, else None; why not). Writes into the guest's cells."""
    if len(host) < len(guest.cells):
        return None, f"{len(host)} NUMA cells, {len(guest.cells)} asked"
    if len(host) > len(guest.cells):
        host = _by_preference(host, guest, pools or [], bool(requests), pack)
    refused: dict[tuple[int, int], str] = {}
    fitted: set[tuple[int, int]] = set()
    devices = ""
    for chosen in itertools.permutations(host, len(guest.cells)):
        for index, (cell, asked) in enumerate(zip(chosen, guest.cells, strict=True)):
            # A cell that was fitted bears the number of its host cell from then on. Nova remembers what fitted by these numbers, so it may take one cell
            # for another, and a pinning for another cell's, which ends in PinningError; its answers can only be had in the same way.
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
                return guest, ""
    reasons = dict.fromkeys(f"cell {pair[0]}: {why}" for pair, why in refused.items())
    return None, devices or "; ".join(reasons)


def _by_preference(host: list[HostCell], guest: Guest, pools: list[pci_pools.Pool], wants_devices: bool, pack: bool) -> list[HostCell]:
    """The emptiest cells first (the fullest with ``pack``), and before that those with PCI devices where some are wanted, last where not."""
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


def _page_size_refusal(cell: HostCell, asked: GuestCell) -> str | None:
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
    return f"{free or 'no pages of that size'} free, {asked.memory_mb} MB asked"


def _memory_refusal(cell: HostCell, asked: GuestCell) -> str | None:
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
    return None if fits else f"{free} MB of memory, {asked.memory_mb} MB asked"


def _refusal(cell: HostCell, asked: GuestCell, ratios: Ratios | None, overhead: int) -> str | None:
    """Fit one cell into another; why it can't be, with the numbers."""
    why = _memory_refusal(cell, asked)
    if why:
        return why
    dedicated = len(asked.pcpuset) + overhead
    if asked.is_pinned and dedicated > len(cell.pcpuset):
        return f"{len(cell.pcpuset)} dedicated CPUs, {dedicated} asked"
    if asked.is_shared and len(asked.cpuset) > len(cell.cpuset):
        return f"{len(cell.cpuset)} shared CPUs, {len(asked.cpuset)} asked"
    if asked.is_pinned:
        if dedicated > len(cell.free_pcpus):
            return f"{len(cell.free_pcpus)} dedicated CPUs are free, {dedicated} asked"
        why = numa_pinning.pin(cell, asked, overhead)
        if why:
            return why
    if asked.is_shared and ratios:
        cpus, memory_mb = len(cell.cpuset) * ratios[0], cell.memory_mb * ratios[1]
        if cell.cpu_usage + len(asked.cpuset) > cpus:
            return f"{cpus - cell.cpu_usage:g} shared CPUs are left, {len(asked.cpuset)} asked"
        if cell.memory_usage_mb + asked.memory_mb > memory_mb:
            return f"{memory_mb - cell.memory_usage_mb:g} MB are left, {asked.memory_mb} MB asked"
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
        raise PinningError(f"CPUs {sorted(cpus - cell.pcpuset)} are none of the dedicated CPUs of the host's cell {cell.id}")
    if cpus & cell.pinned:
        raise PinningError(f"CPUs {sorted(cpus & cell.pinned)} of the host's cell {cell.id} are pinned already")
    return cpus
