# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The variables of a role against its argument spec, those of all hosts at once; pure.

Ansible's own check runs on each host, says what is wrong once for each, and takes what a survey gives where nothing was answered for a value.
"""

from __future__ import annotations

import math
import re
import typing as t
from collections.abc import Callable, Iterator, Mapping, Sequence

from ansible_collections.kvmfleet.compute.plugins.plugin_utils.lines import named
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.schema import answers
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.schema.fault import Fault
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.schema.suggestion import nearest

ERROR_CLASS = "InvalidVariable"
# What an empty text in them would take is more than what was meant.
NEVER_EMPTY = frozenset({"compute_project", "reap_project", "reap_owner", "reap_job", "reap_tags", "reap_older_than"})
# As the filter ``bool`` of Ansible takes them, which the roles use.
TRUTHS = frozenset({"true", "yes", "on", "1", "false", "no", "off", "0"})


class Option(t.TypedDict, total=False):
    """An option of an argument spec, as far as it is checked."""

    type: str
    elements: str
    choices: list[str]
    required: bool
    no_log: bool


class Held(t.NamedTuple):
    """A value, and the hosts that have it."""

    value: object  # plain
    hosts: tuple[str, ...]  # none if it is that of all


def faults(options: Mapping[str, Option], values: Mapping[str, Sequence[Held]]) -> Iterator[Fault]:
    """Every fault in the order of the spec; ``values`` by the names of those variables that are set, an unset one has none."""
    for name, option in options.items():
        held = values.get(name, ())
        if option.get("required") and not any(not answers.is_unset(item.value) for item in held):
            yield Fault(name, None, "is required", ERROR_CLASS)
            continue
        for item in held:
            rule = _rule(name, option, item.value)
            if rule:
                path = f"{name} ({_named(item.hosts)})" if item.hosts else name
                yield Fault(path, _shown(option, item.value), rule, ERROR_CLASS)


def _named(hosts: Sequence[str]) -> str:
    return f"host{'s' if len(hosts) > 1 else ''} {named(hosts)}"


def _shown(option: Option, value: object) -> object:
    return "<hidden>" if option.get("no_log") else value


def _rule(name: str, option: Option, value: object) -> str | None:
    """What a value breaks; None for one that will do, and for what is as if it were not set."""
    if name in NEVER_EMPTY and (value in (None, [], {}) or (isinstance(value, str) and not value.strip())):
        return "must not be empty; leave it out " + ("for the project default" if name == "compute_project" else "to take servers of any")
    if value is None or value == "":
        return None
    if option.get("choices"):
        return _choice(option["choices"], value)
    try:
        return _CHECKS.get(option.get("type", "str"), _text)(name, option, value)
    except answers.WrongAnswer as error:
        return str(error).removeprefix(f"{name} ")


def _choice(choices: Sequence[str], value: object) -> str | None:
    if isinstance(value, bool):
        # YAML reads a word such as off as false.
        meant = [word for word in choices if word in (("yes", "on") if value else ("no", "off"))]
        return f"must be one of {', '.join(choices)}" + (f"; in YAML {meant[0]} needs quotes" if meant else "")
    if value in choices:
        return None
    near = nearest(value, choices)
    return f"must be one of {', '.join(choices)}" + (f"; did you mean {near}?" if near else "")


def _whole(_name: str, _option: Option, value: object) -> str | None:
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value) and value == int(value)
    is_text = isinstance(value, str) and re.fullmatch(r"\s*[+-]?[0-9]{1,18}\s*", value)
    if not is_number and not is_text:
        return "must be a whole number"
    return _not_negative(value)


def _number(_name: str, _option: Option, value: object) -> str | None:
    if isinstance(value, str) and re.fullmatch(r"\s*[+-]?[0-9]*\.?[0-9]+([eE][+-]?[0-9]{1,2})?\s*", value):
        return _not_negative(value)
    if isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value):
        return _not_negative(value)
    return "must be a number" + ("; it has a point and no comma" if isinstance(value, str) and re.fullmatch(r"\s*[0-9]+,[0-9]+\s*", value) else "")


def _not_negative(value: t.Any) -> str | None:
    return "must not be negative" if float(value) < 0 else None


def _truth(_name: str, _option: Option, value: object) -> str | None:
    is_text = isinstance(value, str) and value.strip().lower() in TRUTHS
    return None if isinstance(value, bool) or value in (0, 1) or is_text else "must be true or false"


def _text(_name: str, _option: Option, value: object) -> str | None:
    if isinstance(value, bool):
        return "must be text; in YAML a word such as yes, no, on and off needs quotes"
    return None if isinstance(value, (str, int, float)) else "must be text"


def _list(name: str, option: Option, value: object) -> str | None:
    found = answers.items(name, value)
    if not isinstance(found, list):
        return "must be a list"
    element: Option = {"type": option.get("elements", "raw")}
    rules = ((index, _rule("", element, item)) for index, item in enumerate(found))
    return next((f"entry {index} of it {rule}" for index, rule in rules if rule), None)


def _mapping(name: str, _option: Option, value: object) -> str | None:
    return None if isinstance(answers.mapping(name, value), dict) else "must be a mapping"


def _anything(_name: str, _option: Option, _value: object) -> None:
    return None


_CHECKS: dict[str, Callable[[str, Option, object], str | None]] = {
    "int": _whole,
    "float": _number,
    "bool": _truth,
    "str": _text,
    "path": _text,
    "list": _list,
    "dict": _mapping,
    "raw": _anything,
}
