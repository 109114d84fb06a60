# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Does a document fit a schema? A schema made into one function, for documents that are large or asked often; pure.

It says yes or no, and ``shape_check.py`` says why not, with jsonschema. A keyword that it does not know is an error when the function is made, so that the
two can't drift apart unseen; a property test holds them together.
"""

from __future__ import annotations

import functools
import math
import typing as t
from collections.abc import Callable

from ansible_collections.kvmfleet.compute.plugins.plugin_utils.schema.formats import FORMATS

Fits = Callable[[t.Any], bool]


def is_whole(value: object) -> bool:
    """True for a whole number; true and 1.0 are none."""
    return isinstance(value, int) and not isinstance(value, bool)


def is_number(value: object) -> bool:
    """True for a number; true, NaN and infinity are none."""
    return is_whole(value) or (isinstance(value, float) and math.isfinite(value))


TYPES: dict[str, Callable[[object], bool]] = {
    "object": lambda value: isinstance(value, dict),
    "array": lambda value: isinstance(value, list),
    "string": lambda value: isinstance(value, str),
    "integer": is_whole,
    "number": is_number,
    "boolean": lambda value: isinstance(value, bool),
    "null": lambda value: value is None,
}
# They check nothing.
NOTES = {"description", "default", "title"}


def _type(names: t.Any) -> Fits:
    tests = [TYPES[name] for name in ([names] if isinstance(names, str) else names)]
    return tests[0] if len(tests) == 1 else lambda value: any(test(value) for test in tests)


def _enum(values: list[str]) -> Fits:
    return lambda value: isinstance(value, str) and value in values


def _format(name: str) -> Fits:
    return FORMATS[name][0]


def _length(name: str, limit: int) -> Fits:
    kind = str if name.endswith("Length") else list
    if name.startswith("min"):
        return lambda value: not isinstance(value, kind) or len(value) >= limit
    return lambda value: not isinstance(value, kind) or len(value) <= limit


def _minimum(limit: float) -> Fits:
    return lambda value: not is_number(value) or value >= limit


def _maximum(limit: float) -> Fits:
    return lambda value: not is_number(value) or value <= limit


def _items(schema: t.Any) -> Fits:
    item = _made(schema)
    return lambda value: not isinstance(value, list) or all(map(item, value))


def _keys(schema: dict[str, t.Any]) -> Fits:
    """``properties``, ``required`` and ``additionalProperties`` in one walk."""
    known = {name: _made(item) for name, item in schema.get("properties", {}).items()}
    required = schema.get("required", [])
    others = schema.get("additionalProperties", True)
    other: Fits = _made(others) if isinstance(others, dict) else (lambda value: bool(others))

    def fit(value: t.Any) -> bool:
        if not isinstance(value, dict):
            return True
        for name in required:
            if value.get(name) is None:
                return False
        for name, item in value.items():
            test = known.get(name)
            if test is None:
                if not other(item):
                    return False
            elif item is not None and not test(item):
                return False
        return True

    return fit


_MAKERS: dict[str, Callable[[t.Any], Fits]] = {
    "type": _type,
    "enum": _enum,
    "format": _format,
    "minimum": _minimum,
    "maximum": _maximum,
    "items": _items,
    **{name: functools.partial(_length, name) for name in ("minLength", "maxLength", "minItems", "maxItems")},
}
_OF_KEYS = ("properties", "required", "additionalProperties")


def _made(schema: dict[str, t.Any]) -> Fits:
    tests = [_MAKERS[keyword](value) for keyword, value in schema.items() if keyword not in NOTES and keyword not in _OF_KEYS]
    if any(keyword in schema for keyword in _OF_KEYS):
        tests.append(_keys(schema))
    if len(tests) == 1:
        return tests[0]
    if len(tests) == 2:
        # By far the most frequent.
        first, second = tests
        return lambda value: first(value) and second(value)
    return lambda value: all(test(value) for test in tests)


_known: dict[int, tuple[dict[str, t.Any], Fits]] = {}


def fits(schema: dict[str, t.Any], document: object) -> bool:
    """True if the document has no fault; schemas are constants, made once."""
    known = _known.get(id(schema))
    if known is None or known[0] is not schema:
        known = _known[id(schema)] = (schema, _made(schema))
    return known[1](document)
