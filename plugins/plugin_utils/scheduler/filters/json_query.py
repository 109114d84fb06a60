# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""JsonFilter: a query over the host's attributes (Nova: ``json_filter``)."""

from __future__ import annotations

import json
import operator
import typing as t

from ansible_collections.kvmfleet.compute.plugins.plugin_utils.scheduler.filters.base import HostFilter
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.scheduler.host_state import HostState
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.scheduler.request import Request

COMPARE: dict[str, t.Callable[[t.Any, t.Any], bool]] = {"=": operator.eq, "<": operator.lt, ">": operator.gt, "<=": operator.le, ">=": operator.ge}


def _attribute(name: str, host: HostState) -> t.Any:
    first, *rest = name.split(".")
    found = getattr(host, first, None)
    for key in rest:
        found = found.get(key) if found is not None else None
    return found


def evaluate(query: t.Any, host: HostState) -> t.Any:
    """The value of a query for a host; KeyError for an operator that there is not."""
    if not query:
        return True
    command, arguments = query[0], []
    for argument in query[1:]:
        if isinstance(argument, list):
            value = evaluate(argument, host)
        elif isinstance(argument, str):
            value = _attribute(argument[1:], host) if argument.startswith("$") else argument or None
        else:
            value = argument
        if value is not None:
            arguments.append(value)
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
        query = request.hints.get("query")
        if not query:
            return None
        answer = evaluate(json.loads(query) if isinstance(query, str) else query, host)
        passed = any(answer) if isinstance(answer, list) else answer
        return None if passed else f"does not fulfil {json.dumps(query) if not isinstance(query, str) else query}"
