# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""NUMA cells of a host and of a guest (``nova/objects/numa.py`` and ``instance_numa.py``); pure."""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.kvmfleet.compute.plugins.module_utils.shapes import Flavor, NumaCell
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.hardware import constraints

Data = dict[str, t.Any]
PINNED = ("dedicated", "mixed")


class Pages(t.NamedTuple):
    """The pages of one size in a cell."""

    size_kb: int
    total: int
    used: int = 0
    reserved: int = 0

    @property
    def free_kb(self) -> int:
        """What no guest has and nobody reserved."""
        return (self.total - self.used - self.reserved) * self.size_kb


@dataclasses.dataclass(slots=True)
class HostCell:
    """``cpuset`` is for shared CPUs, ``pcpuset`` for dedicated ones. Never changed in place: consumption makes another."""

    id: int
    cpuset: set[int]
    pcpuset: set[int]
    memory_mb: int
    siblings: list[set[int]]
    pages: list[Pages]
    socket: int | None = None
    cpu_usage: int = 0
    memory_usage_mb: int = 0
    pinned: set[int] = dataclasses.field(default_factory=set)

    @property
    def free_pcpus(self) -> set[int]:
        """The dedicated CPUs that no guest has."""
        return self.pcpuset - self.pinned

    @property
    def free_memory_mb(self) -> int:
        """Below 0 if the cell is overcommitted."""
        return self.memory_mb - self.memory_usage_mb


@dataclasses.dataclass(slots=True)
class GuestCell:
    """A guest's cell; fitting it writes into it: the host cell's ``id``, the page size that was found, the pinning and the CPU for the emulator."""

    id: int
    cpuset: set[int]
    pcpuset: set[int]
    memory_mb: int
    pagesize: int | None
    cpu_policy: str | None
    thread_policy: str | None
    pinning: dict[int, int] = dataclasses.field(default_factory=dict)
    reserved: set[int] = dataclasses.field(default_factory=set)

    @property
    def is_pinned(self) -> bool:
        """True if it has CPUs of its own, so that nothing of it may be overcommitted."""
        return self.cpu_policy in PINNED

    @property
    def is_shared(self) -> bool:
        """True if it has CPUs that it shares with others."""
        return self.cpu_policy != "dedicated"


@dataclasses.dataclass(slots=True)
class Guest:
    """The cells of one guest; ``isolate_emulator``: the first cell needs one CPU more, for QEMU's own threads."""

    cells: list[GuestCell]
    isolate_emulator: bool = False

    def copy(self) -> Guest:
        """One that can be fitted without a trace here."""
        return Guest([dataclasses.replace(cell, pinning=dict(cell.pinning)) for cell in self.cells], self.isolate_emulator)


def host_cells(facts: list[NumaCell]) -> list[HostCell]:
    """From ``numa_cells`` of a host's facts."""
    return [_host_cell(cell) for cell in facts]


def _host_cell(cell: NumaCell) -> HostCell:
    cpuset, pcpuset = set(cell.get("cpuset") or []), set(cell.get("pcpuset") or [])
    siblings = cell.get("siblings")
    return HostCell(
        id=cell["id"],
        cpuset=cpuset,
        pcpuset=pcpuset,
        memory_mb=cell["memory_mb"],
        siblings=[{cpu} for cpu in sorted(cpuset | pcpuset)] if siblings is None else [set(core) for core in siblings],
        pages=[_pages(page) for page in cell.get("mempages") or []],
        socket=cell.get("socket"),
        cpu_usage=cell.get("cpu_usage") or 0,
        memory_usage_mb=cell.get("memory_usage_mb") or 0,
        pinned=set(cell.get("pinned_cpus") or []),
    )


def _pages(page: dict[str, int]) -> Pages:
    if page["size_kb"] < 1:
        raise ValueError(f"pages of {page['size_kb']} kB in a NUMA cell of the host")
    return Pages(page["size_kb"], page["total"], page.get("used") or 0, page.get("reserved") or 0)


def guest(flavor: Flavor, properties: Data) -> Guest | None:
    """The cells that a flavor and an image ask for; None if they ask for none; constraints.ConstraintError if they contradict each other."""
    found = constraints.numa(flavor, properties)
    if found is None:
        return None
    cells = [
        GuestCell(
            id=cell["id"],
            cpuset=set(cell["cpus"]) - set(cell["pinned"]),
            pcpuset=set(cell["pinned"]),
            memory_mb=cell["memory_mb"],
            pagesize=None if cell["pagesize"] is None else int(cell["pagesize"]),
            cpu_policy=found["cpu_policy"],
            thread_policy=found["thread_policy"],
        )
        for cell in found["cells"]
    ]
    return Guest(cells, found["emulator_policy"] == "isolate")
