# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Have a host's facts, or the aggregates, the shape of docs/data.md? They may come from a file that was written by hand; pure."""

from __future__ import annotations

import typing as t

from ansible_collections.kvmfleet.compute.plugins.plugin_utils.shapes import Aggregate

NUMBERS = ("vcpus", "memory_mb", "disk_gb")
LEDGERS = ("used", "reserved", "allocation_ratio")
# What each item of a list must have.
LISTS = {"instances": ("uuid", "vm_state"), "images": ("digest", "digests", "disk_format", "virtual_size"), "pci_pools": ("count",), "numa_cells": ("id",)}


def _is_number(value: t.Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def number_problem(item: dict[str, t.Any], names: tuple[str, ...]) -> str | None:
    """The first of these that is no number, as ``name: rule``."""
    wrong = next((name for name in names if not _is_number(item.get(name))), None)
    return f"{wrong}: must be a number, not {item.get(wrong)!r}" if wrong else None


def problem(facts: dict[str, t.Any]) -> str | None:
    """The first thing that is wrong, as ``path: rule``."""
    wrong = number_problem(facts, NUMBERS)
    if wrong:
        return wrong
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


class AggregatesError(ValueError):
    """Aggregates of another shape; the message names the path and the rule."""


def listed_aggregates(aggregates: object, path: str) -> list[Aggregate]:
    """[{name, hosts, metadata}], metadata as text, of aggregates by name, which stand at ``path``."""
    if not isinstance(aggregates, dict):
        raise AggregatesError(f"{path}: must be a mapping of aggregates by name")
    listed: list[Aggregate] = []
    for name, aggregate in aggregates.items():
        if not isinstance(aggregate, dict):
            raise AggregatesError(f"{path}.{name}: must be a mapping with hosts and metadata")
        hosts, metadata = aggregate.get("hosts") or [], aggregate.get("metadata") or {}
        if not isinstance(hosts, list):
            raise AggregatesError(f"{path}.{name}.hosts: must be a list of host names, not {hosts!r}")
        if not isinstance(metadata, dict):
            raise AggregatesError(f"{path}.{name}.metadata: must be a mapping")
        listed.append({"name": name, "hosts": [str(host) for host in hosts], "metadata": {key: str(value) for key, value in metadata.items()}})
    return listed
