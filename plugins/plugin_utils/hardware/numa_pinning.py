# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which host CPUs a guest's cell is pinned to, as its thread policy wants them (``nova/virt/hardware.py: _pack_instance_onto_cores``); pure."""

from __future__ import annotations

import itertools

from ansible_collections.kvmfleet.compute.plugins.module_utils.reason import Reason
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.hardware.numa_cells import GuestCell, HostCell

Cores = list[set[int]]
# {guest CPU: host CPU} or None, CPUs for the emulator, and why not if there is too little of either.
Found = tuple[dict[int, int] | None, set[int], Reason]
PINNING = "pinning"


def _pairs(threads: int, cores: Cores, vcpus: set[int]) -> dict[int, int] | None:
    """{guest CPU: host CPU}, ``threads`` of them on each core; None if there are too few."""
    if threads * len(cores) < len(vcpus):
        return None
    usable = itertools.chain.from_iterable(sorted(core)[:threads] for core in cores)
    return dict(zip(sorted(vcpus), usable, strict=False))


def _overhead(cores: Cores, pairs: dict[int, int] | None, number: int, whole_cores: bool = False) -> set[int]:
    """CPUs for the emulator beside the guest's; with ``whole_cores`` on none of the guest's cores."""
    if not pairs or not number:
        return set()
    taken = set(pairs.values())
    left = (() if whole_cores and core & taken else sorted(core - taken) for core in cores)
    return set(list(itertools.chain.from_iterable(left))[:number])


def pin(host: HostCell, guest: GuestCell, overhead: int) -> Reason | None:
    """Pin the guest's cell to the host's; why that is impossible."""
    free = host.free_pcpus
    cores = [core & free for core in host.siblings]
    if not cores:
        raise ValueError(f"cell {host.id} of the host lists no cores")
    threads_per_core = max(len(core) for core in host.siblings) or 1
    if guest.thread_policy == "isolate":
        pairs, reserved, why = _isolate(host, guest, cores, threads_per_core, overhead)
    else:
        pairs, reserved, why = _pack(guest, cores, threads_per_core, overhead)
    if pairs is None or (overhead and not reserved):
        return why._replace(by=f"cell {host.id}")
    guest.pinning.update(pairs)
    guest.id, guest.reserved = host.id, reserved
    return None


def _wanted(guest: GuestCell, overhead: int) -> str:
    return f"{len(guest.pcpuset)} CPUs" + (f" and {overhead} for the emulator" if overhead else "")


def _isolate(host: HostCell, guest: GuestCell, cores: Cores, threads_per_core: int, overhead: int) -> Found:
    """One guest CPU on each core, and nothing else on it."""
    whole = [core for core in cores if len(core) >= threads_per_core]
    # Where CPUs are set apart for pinning, the siblings could not be kept free; only hosts that set none apart do that.
    if threads_per_core != 1 and host.pcpuset != host.cpuset:
        return None, set(), Reason(PINNING, f"cores have {threads_per_core} threads, policy isolate needs cores with one")
    pairs = _pairs(1, whole, guest.pcpuset) if whole else None
    reserved = _overhead([core for core in cores if core], pairs, overhead, whole_cores=True)
    text = f"{len(whole)} cores free, policy isolate needs one for each of {_wanted(guest, overhead)}"
    return pairs or None, reserved, Reason(PINNING, text, len(whole), len(guest.pcpuset) + overhead)


def _pack(guest: GuestCell, cores: Cores, threads_per_core: int, overhead: int) -> Found:
    """As many threads of a core as can be, down to two (policy require) or one; without a policy at last any CPU that is free."""
    require = guest.thread_policy == "require"
    if require and threads_per_core <= 1:
        return None, set(), Reason(PINNING, "cores have one thread, policy require needs siblings")
    some = [core for core in cores if core]
    pairs: dict[int, int] | None = None
    reserved: set[int] = set()
    for threads in range(max(map(len, cores)), 1 if require else 0, -1):
        pairs = _pairs(threads, [core for core in cores if len(core) >= threads], guest.pcpuset)
        reserved = _overhead(some, pairs, overhead)
        if pairs is not None and (reserved or not overhead):
            break
    if not require and not pairs:
        single = [{cpu} for core in some for cpu in sorted(core)]
        pairs = _pairs(1, single, guest.pcpuset)
        reserved = _overhead(single, pairs, overhead)
    free = sum(len(core) for core in cores)
    text = f"{free} dedicated CPUs free, {_wanted(guest, overhead)} requested" + (" with siblings" if require else "")
    return pairs, reserved, Reason(PINNING, text, free, len(guest.pcpuset) + overhead)
