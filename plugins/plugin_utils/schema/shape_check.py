# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A document against a schema: every fault at once, each with path, value and rule in plain English; pure.

One value has one fault: a value of the wrong type is not also too short, and what is inside an unknown key is not looked at.
"""

from __future__ import annotations

import contextlib
import functools
import typing as t
from collections.abc import Callable, Iterator

from ansible_collections.kvmfleet.compute.plugins.plugin_utils.schema.fault import Fault
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.schema.fits import TYPES, fits
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.schema.formats import FORMATS
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.schema.suggestion import nearest, suggestion

# schema/libraries.py tells; an action fails with that before it comes here.
with contextlib.suppress(ImportError):
    import jsonschema

if t.TYPE_CHECKING:
    from jsonschema.exceptions import ValidationError
    from jsonschema.protocols import Validator

    from ansible_collections.kvmfleet.compute.plugins.plugin_utils.schema.words import Schema

TYPE_WORDS = {
    "object": "a mapping",
    "array": "a list",
    "string": "text",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "null": "null",
}
# The first of these that a value breaks is its fault.
_RANK = ("type", "enum", "minLength", "maxLength", "format")


class _Descends(t.Protocol):
    def descend(self, instance: t.Any, schema: Schema, path: str, schema_path: str) -> Iterator[ValidationError]: ...


def _properties(validator: _Descends, properties: dict[str, Schema], instance: object, schema: Schema) -> Iterator[ValidationError]:
    """As in JSON Schema, but a null is as good as nothing."""
    if isinstance(instance, dict):
        for name, part in properties.items():
            if instance.get(name) is not None:
                yield from validator.descend(instance[name], part, path=name, schema_path=name)


def _required(validator: _Descends, required: list[str], instance: t.Any, schema: Schema) -> Iterator[ValidationError]:
    """As in JSON Schema, with the path of what is missing."""
    for name in required if isinstance(instance, dict) else ():
        if instance.get(name) is None:
            yield jsonschema.ValidationError("is required", validator="required", path=[name], instance=None)


def _additional(validator: _Descends, others: Schema | bool, instance: t.Any, schema: Schema) -> Iterator[ValidationError]:
    """As in JSON Schema, with the path of each key."""
    known = schema.get("properties", {})
    for name in instance if isinstance(instance, dict) else ():
        if name in known:
            continue
        if isinstance(others, dict):
            yield from validator.descend(instance[name], others, path=name, schema_path=name)
        elif not others:
            below = next((key for key, part in known.items() if name in part.get("items", {}).get("properties", {})), None)
            message = f"unknown key; it belongs into {below}" if below else f"unknown key{suggestion(name, known)}"
            yield jsonschema.ValidationError(message, validator="additionalProperties", path=[name], instance=name)


@functools.cache
def _validator() -> type[Validator]:
    base = jsonschema.Draft202012Validator
    types = base.TYPE_CHECKER.redefine_many({name: (lambda _checker, value, test=test: test(value)) for name, test in TYPES.items()})
    keywords = {"properties": _properties, "required": _required, "additionalProperties": _additional}
    extend: Callable[..., type[Validator]] = jsonschema.validators.extend
    return extend(base, keywords, type_checker=types)


@functools.cache
def _formats() -> jsonschema.FormatChecker:
    checker = jsonschema.FormatChecker(formats=())
    for name, (predicate, _words) in FORMATS.items():
        checker.checks(name, raises=ValueError)(predicate)
    return checker


def type_words(names: str | list[str]) -> str:
    """The types of a schema in words; null is not worth a word beside others."""
    kinds = [names] if isinstance(names, str) else names
    return " or ".join(TYPE_WORDS[kind] for kind in kinds if kind != "null" or len(kinds) == 1)


def _rule(error: ValidationError) -> str:
    keyword = str(error.validator)
    wanted: t.Any = error.validator_value
    if keyword == "type":
        return f"must be {type_words(wanted)}"
    if keyword == "enum":
        near = nearest(error.instance, wanted)
        return f"must be one of {', '.join(wanted)}" + (f"; did you mean {near}?" if near else "")
    if keyword == "format":
        return f"must be {FORMATS[wanted][1]}"
    rules = {
        "minLength": "must not be empty" if wanted == 1 else f"must have at least {wanted} characters",
        "maxLength": f"must have at most {wanted} characters",
        "minimum": "must not be negative" if wanted == 0 else f"must be at least {wanted}",
        "maximum": f"must be at most {wanted}",
        "minItems": f"must have at least {wanted} entries",
        "maxItems": f"must have at most {wanted} entries",
    }
    return rules.get(keyword, error.message)


def _rank(error: ValidationError) -> int:
    return _RANK.index(str(error.validator)) if error.validator in _RANK else len(_RANK)


def _path(error: ValidationError) -> str:
    """``subnets[0].cidr``; a key that looks like a number stays a key."""
    text = ""
    for part in error.absolute_path:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else str(part)
    return text


def faults(schema: Schema, document: t.Any) -> Iterator[Fault]:
    """Every fault of a document in the order of its schema, one for each value; paths start below the document."""
    if not fits(schema, document):
        yield from explained(schema, document)


def explained(schema: Schema, document: t.Any) -> Iterator[Fault]:
    """The same without the short way of a document that fits: what jsonschema finds."""
    first: dict[tuple[str | int, ...], ValidationError] = {}
    for error in _validator()(schema, format_checker=_formats()).iter_errors(document):
        path = tuple(error.absolute_path)
        if path not in first or _rank(error) < _rank(first[path]):
            first[path] = error
    for error in first.values():
        yield Fault(_path(error), error.instance, _rule(error))
