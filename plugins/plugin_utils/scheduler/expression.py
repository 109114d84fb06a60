# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A filter or weigher in one line: a Jinja expression over host and request, compiled once and run in Jinja's sandbox; pure.

Expressions are the operator's: they come from the options, never from a request.
"""

from __future__ import annotations

import typing as t

from jinja2 import StrictUndefined, TemplateError, UndefinedError
from jinja2.sandbox import ImmutableSandboxedEnvironment

from ansible_collections.kvmfleet.compute.plugins.plugin_utils.scheduler.config import Config
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.scheduler.filters.base import HostFilter
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.scheduler.host_state import HostState
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.scheduler.request import Request
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.scheduler.weighers.base import HostWeigher

_ENVIRONMENT = ImmutableSandboxedEnvironment(undefined=StrictUndefined)
NUMBERS = ("free_ram_mb", "free_disk_mb", "vcpus_used", "vcpus_total", "total_usable_ram_mb", "total_usable_disk_gb", "num_instances", "num_io_ops")


class ExpressionError(ValueError):
    """An expression, or what is given with it, that can't be used; the message says which and why."""


class Expression:
    """``item``: {expression, name, …}."""

    def __init__(self, item: dict[str, t.Any], kind: str, more: tuple[str, ...] = ()) -> None:
        text = item.get("expression")
        unknown = sorted(set(item) - {"expression", "name", *more})
        if unknown or not isinstance(text, str) or not text.strip():
            raise ExpressionError(f"{kind} {item}: must be a name or a mapping with expression and, if wanted, {', '.join(('name', *more))}")
        self.name = str(item.get("name") or text)
        self._kind = kind
        try:
            self._run = _ENVIRONMENT.compile_expression(text, undefined_to_none=False)
        except TemplateError as error:
            raise ExpressionError(f"{kind} {self.name}: {error}") from error

    def value(self, host: HostState, request: Request) -> t.Any:
        """What it gives for a host. LookupError if the host lacks a fact, ExpressionError for anything else that goes wrong."""
        try:
            found = self._run(host=host_view(host), request=request_view(request, host))
            if isinstance(found, StrictUndefined):
                bool(found)
            return found
        except UndefinedError as error:
            raise LookupError(str(error)) from error
        except (TemplateError, TypeError, ValueError, ArithmeticError) as error:
            raise ExpressionError(f"{self._kind} {self.name}: host {host.host}: {error}") from error


def host_view(host: HostState) -> dict[str, t.Any]:
    """What an expression sees of a host: plain data."""
    return {
        "name": host.host,
        "node": host.nodename,
        "facts": host.facts.get("facts") or {},
        "traits": sorted(host.traits),
        "metrics": host.metrics,
        "stats": host.stats,
        "aggregates": [aggregate["name"] for aggregate in host.aggregates],
        "metadata": {key: sorted(values) for key, values in host.metadata().items()},
        "hypervisor_version": host.hypervisor_version,
        "failed_builds": host.failed_builds,
        **{name: getattr(host, name) for name in NUMBERS},
    }


def request_view(request: Request, host: HostState) -> dict[str, t.Any]:
    """What an expression sees of the request: plain data."""
    return {
        "flavor": request.flavor,
        "image": {"id": request.image_id, "properties": request.image_properties},
        "scheduler_hints": request.hints,
        "project_id": request.project_id,
        "availability_zone": request.zone,
        "number": request.number,
        "resources": request.resources_on(host.host),
    }


class ExpressionFilter(HostFilter):
    """Passes the hosts for which the expression is true; one without a fact that it names does not pass."""

    def __init__(self, item: dict[str, t.Any], config: Config, group_hosts: dict[str, set[str]]) -> None:
        super().__init__(config, group_hosts)
        self._expression = Expression(item, "filter")
        self.name = self._expression.name

    def reason(self, host: HostState, request: Request) -> str | None:
        try:
            return None if self._expression.value(host, request) else "the expression is not true for this host"
        except LookupError as error:
            return str(error)


class ExpressionWeigher(HostWeigher):
    """The expression's number is the raw weight; ``multiplier`` is 1.0 if it is not given."""

    def __init__(self, item: dict[str, t.Any], config: Config) -> None:
        super().__init__(config)
        self._expression = Expression(item, "weigher", ("multiplier",))
        self.name = self._expression.name
        try:
            self._multiplier = float(item.get("multiplier", 1.0))
        except (TypeError, ValueError) as error:
            raise ExpressionError(f"weigher {self.name}: multiplier {item.get('multiplier')!r} is not a number") from error

    def multiplier(self, host: HostState) -> float:
        return self._multiplier

    def raw(self, host: HostState, request: Request) -> float:
        try:
            found = self._expression.value(host, request)
        except LookupError as error:
            raise ExpressionError(f"weigher {self.name}: host {host.host}: {error}; give it a default") from error
        if isinstance(found, (int, float)):
            return float(found)
        raise ExpressionError(f"weigher {self.name}: host {host.host}: {found!r} is not a number")
