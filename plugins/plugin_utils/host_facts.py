# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Have a host's facts, or the aggregates, the shape of docs/data.md? They may come from a file that was written by hand; pure."""

from __future__ import annotations

import typing as t

NUMBERS = ("vcpus", "memory_mb", "disk_gb")
LEDGERS = ("used", "reserved", "allocation_ratio")
# What each item of a list must have.
LISTS = {"instances": ("uuid", "vm_state"), "images": ("digest", "digests", "disk_format", "virtual_size"), "pci_pools": ("count",), "numa_cells": ("id",)}


def _is_number(value: t.Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def problem(facts: dict[str, t.Any]) -> str | None:
    """The first thing that is wrong, as ``path: rule``."""
    for name in NUMBERS:
        if not _is_number(facts.get(name)):
            return f"{name}: must be a number, not {facts.get(name)!r}"
    for name in LEDGERS:
        ledger = facts.get(name) or {}
        if not isinstance(ledger, dict):
            return f"{name}: must be a mapping of numbers"
        for resource_class, value in ledger.items():
            if not _is_number(value):
                return f"{name}.{resource_class}: must be a number, not {value!r}"
    for name, needed in LISTS.items():
        items = facts.get(name) or []
        if not isinstance(items, list):
            return f"{name}: must be a list"
        for index, item in enumerate(items):
            missing = [key for key in needed if not isinstance(item, dict) or key not in item]
            if missing:
                return f"{name}[{index}].{missing[0]}: is required"
    networks = facts.get("networks")
    if networks is not None and not (isinstance(networks, dict) and all(isinstance(networks.get(kind), list) for kind in ("bridges", "libvirt"))):
        return "networks: must be a mapping with the lists bridges and libvirt"
    return None


def aggregates_problem(aggregates: t.Any) -> str | None:
    """The first thing that is wrong with compute_aggregates, as ``path: rule``."""
    if not isinstance(aggregates, dict):
        return "compute_aggregates: must be a mapping of aggregates by name"
    for name, aggregate in aggregates.items():
        if not isinstance(aggregate, dict):
            return f"compute_aggregates.{name}: must be a mapping with hosts and metadata"
        if not isinstance(aggregate.get("hosts") or [], list):
            return f"compute_aggregates.{name}.hosts: must be a list of host names, not {aggregate['hosts']!r}"
        if not isinstance(aggregate.get("metadata") or {}, dict):
            return f"compute_aggregates.{name}.metadata: must be a mapping"
    return None
