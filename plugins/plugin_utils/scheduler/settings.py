# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The scheduler's settings before there is anything to place: every fault of options, filters and weighers at once; pure."""

from __future__ import annotations

import typing as t
from collections.abc import Callable, Iterator

from ansible_collections.kvmfleet.compute.plugins.plugin_utils.scheduler.config import Config
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.scheduler.expression import ExpressionError
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.scheduler.options import OPTIONS
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.scheduler.registry import UnknownFilter, make_filter, make_weighers
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.schema.fault import Fault
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.schema.shape_check import faults as shape_faults

ERROR_CLASS = "InvalidVariable"


def faults(options: object, filters: object, weighers: object) -> Iterator[Fault]:
    """Paths begin with the name of the variable; None is one that is not set."""
    if options is not None:
        yield from (fault.below("compute_scheduler_options")._replace(error_class=ERROR_CLASS) for fault in shape_faults(OPTIONS, options))
    yield from _each("compute_scheduler_filters", filters, lambda item: make_filter(item, Config(), {}))
    yield from _each("compute_scheduler_weighers", weighers, lambda item: make_weighers(Config({"filter_scheduler": {"weight_classes": [item]}})))


def _each(variable: str, items: object, make: Callable[[t.Any], object]) -> Iterator[Fault]:
    for index, item in enumerate(items if isinstance(items, list) else ()):
        try:
            make(item)
        except (UnknownFilter, ExpressionError) as error:
            yield Fault(f"{variable}[{index}]", item, str(error), ERROR_CLASS)
