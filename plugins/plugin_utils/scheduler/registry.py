# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Finds filters and weighers: one class in one file each, so that adding one touches no other file. A user's own is named by its dotted path."""

from __future__ import annotations

import functools
import importlib
import inspect
import pkgutil
import typing as t

from ansible_collections.kvmfleet.compute.plugins.plugin_utils.scheduler import filters, weighers
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.scheduler.config import Config
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.scheduler.expression import ExpressionFilter, ExpressionWeigher
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.scheduler.filters.base import Filter
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.scheduler.weighers.base import Weigher
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.schema.suggestion import suggestion

# Filters of older Novas, and what stands for them.
_BEFORE = "capacity is counted before the filters, with compute_*_allocation_ratio"
GONE = {
    **dict.fromkeys(("RamFilter", "CoreFilter", "DiskFilter", "AggregateRamFilter", "AggregateCoreFilter", "AggregateDiskFilter", "ExactRamFilter"), _BEFORE),
    "AvailabilityZoneFilter": "the zone is checked before the filters",
    "RetryFilter": "a host that refused is not asked again",
}


class UnknownFilter(ValueError):
    """An unknown name in enabled_filters or weight_classes."""


def _classes(package: t.Any, base: type) -> dict[str, type]:
    found: dict[str, type] = {}
    for module_info in pkgutil.iter_modules(package.__path__):
        module = importlib.import_module(f"{package.__name__}.{module_info.name}")
        for name, item in inspect.getmembers(module, inspect.isclass):
            # Not the base classes.
            if issubclass(item, base) and item.__module__ == module.__name__ != base.__module__:
                found[name] = item
    return found


@functools.cache
def all_filters() -> dict[str, type[Filter]]:
    """The collection's filters by name."""
    return t.cast("dict[str, type[Filter]]", _classes(filters, Filter))


@functools.cache
def all_weighers() -> dict[str, type[Weigher]]:
    """The collection's weighers by name."""
    return t.cast("dict[str, type[Weigher]]", _classes(weighers, Weigher))


def _named(name: t.Any, known: dict[str, type], base: type, kind: str) -> type:
    if not isinstance(name, str):
        raise UnknownFilter(f"{kind} {name!r}: must be a name or a mapping with expression")
    short = name.rsplit(".", 1)[-1]
    if short in known and ("." not in name or name.startswith("nova.")):
        return known[short]
    if short in GONE:
        raise UnknownFilter(f"{kind} {name} was removed, as in Nova: {GONE[short]}")
    if "." not in name:
        raise UnknownFilter(f"{kind} {name} is unknown{suggestion(name, sorted(known))}")
    module, _dot, attribute = name.rpartition(".")
    try:
        found = getattr(importlib.import_module(module), attribute)
    except (ImportError, AttributeError) as error:
        raise UnknownFilter(f"{kind} {name}: {error}") from error
    if not (isinstance(found, type) and issubclass(found, base)):
        raise UnknownFilter(f"{kind} {name}: is not a subclass of {base.__module__}.{base.__name__}")
    return found


def make_filter(item: str | dict[str, t.Any], config: Config, group_hosts: dict[str, set[str]]) -> Filter:
    """The filter with Nova's name or a dotted path, or of an expression; UnknownFilter if there is none."""
    if isinstance(item, dict):
        return ExpressionFilter(item, config, group_hosts)
    return t.cast("type[Filter]", _named(item, all_filters(), Filter, "filter"))(config, group_hosts)


def make_weighers(config: Config) -> list[Weigher]:
    """Those of weight_classes, all of the collection's for ``all_weighers``, in the order of their names."""
    made: list[Weigher] = []
    for item in config.filter("weight_classes"):
        if isinstance(item, dict):
            made.append(ExpressionWeigher(item, config))
        elif isinstance(item, str) and item.rsplit(".", 1)[-1] == "all_weighers":
            made.extend(weigher(config) for weigher in all_weighers().values())
        else:
            made.append(t.cast("type[Weigher]", _named(item, all_weighers(), Weigher, "weigher"))(config))
    return sorted(made, key=lambda weigher: weigher.name)
