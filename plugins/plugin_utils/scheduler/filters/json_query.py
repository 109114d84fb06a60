# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""JsonFilter: a query over the host's attributes (Nova: ``json_filter``)."""

from __future__ import annotations

import json
import operator
import typing as t
from collections.abc import Mapping

from ansible_collections.kvmfleet.compute.plugins.plugin_utils.scheduler.filters.base import HostFilter
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.scheduler.host_state import HostState
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.scheduler.request import Request

COMPARE: dict[str, t.Callable[[t.Any, t.Any], bool]] = {"=": operator.eq, "<": operator.lt, ">": operator.gt, "<=": operator.le, ">=": operator.ge}


def _attribute(name: str, host: HostState) -> object:
    first, *rest = name.split(".")
    value: object = getattr(host, first, None)
    for key in rest:
        if value is None:
            return None
        if not isinstance(value, Mapping):
            raise AttributeError(f"{name}: {key} is asked of a {type(value).__name__}")
        value = value.get(key)
    return value


def _argument(given: object, host: HostState) -> object:
    if isinstance(given, list):
        return evaluate(given, host)
    if isinstance(given, str):
        return _attribute(given[1:], host) if given.startswith("$") else given or None
    return given


def evaluate(query: object, host: HostState) -> object:
    """The value of a query for a host; KeyError for an unknown operator."""
    if not query:
        return True
    if not isinstance(query, list):
        raise TypeError(f"a query must be a list, not {query!r}")
    command, *given = query
    arguments = [value for value in (_argument(item, host) for item in given) if value is not None]
    if command == "not":
        return [not argument for argument in arguments]
    if command == "or":
        return any(arguments)
    if command == "and":
        return all(arguments)
    if command == "in":
        return len(arguments) > 1 and arguments[0] in arguments[1:]
    compare = COMPARE[command]
    # All of them are compared, as in Nova, so that what can't be compared is told wherever it stands.
    answers = [compare(arguments[0], other) for other in arguments[1:]]
    return bool(answers) and all(answers)


class JsonFilter(HostFilter):
    """The hint query is a JSON list: an operator and its arguments; $name is an attribute of the host."""

    def reason(self, host: HostState, request: Request) -> str | None:
        query: object = request.hints.get("query")
        if not query:
            return None
        text = query if isinstance(query, str) else json.dumps(query)
        answer = evaluate(json.loads(text), host)
        passed = any(answer) if isinstance(answer, list) else answer
        return None if passed else f"the host does not fulfil {text}"
