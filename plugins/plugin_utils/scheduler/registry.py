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
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.scheduler.filters.base import Filter
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.scheduler.weighers.base import Weigher


class UnknownFilter(ValueError):
    """A name in enabled_filters that is no filter."""


def _classes(package: t.Any, base: type) -> dict[str, type]:
    found: dict[str, type] = {}
    for module_info in pkgutil.iter_modules(package.__path__):
        module = importlib.import_module(f"{package.__name__}.{module_info.name}")
        for name, item in inspect.getmembers(module, inspect.isclass):
            if issubclass(item, base) and item is not base and item.__module__ == module.__name__:
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


def filter_class(name: str) -> type[Filter]:
    """The filter with Nova's name or a dotted path; UnknownFilter where there is none."""
    short = name.rsplit(".", 1)[-1]
    if short in all_filters() and ("." not in name or name.startswith("nova.")):
        return all_filters()[short]
    if "." in name:
        module, _dot, attribute = name.rpartition(".")
        try:
            found = getattr(importlib.import_module(module), attribute)
        except (ImportError, AttributeError) as error:
            raise UnknownFilter(f"filter {name}: {error}") from error
        if isinstance(found, type) and issubclass(found, Filter):
            return found
        raise UnknownFilter(f"filter {name}: is not a subclass of {Filter.__module__}.Filter")
    raise UnknownFilter(f"filter {name} is unknown; known: {', '.join(sorted(all_filters()))}")
