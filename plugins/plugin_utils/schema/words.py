# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Schemas as data: the small words that schema documents are written in; pure.

A schema is JSON Schema 2020-12 in the keywords that ``fits.py`` knows. A key whose value is null counts as left out. ``description`` is a rule that
is in code, or the meaning; ``default`` is what stands for a key that is left out. Pages of docs/ are made from both.
"""

from __future__ import annotations

import typing as t

Schema = dict[str, t.Any]

TEXT: Schema = {"type": "string"}
NOT_EMPTY: Schema = {"type": "string", "minLength": 1}
BOOLEAN: Schema = {"type": "boolean"}
NUMBER: Schema = {"type": "number"}
# What people write without quotes where text is meant; it becomes text.
SCALAR: Schema = {"type": ["string", "number", "boolean"]}


def field(schema: Schema, description: str = "", **more: t.Any) -> Schema:
    """A field: its type, what is to be known of it, and keywords such as ``default``."""
    return {**schema, **more, **({"description": description} if description else {})}


def whole(description: str = "", least: int = 0, most: int = 0x7FFFFFFF, **more: t.Any) -> Schema:
    """A whole number from ``least`` to ``most``."""
    return field({"type": "integer", "minimum": least, "maximum": most}, description, **more)


def one_of(*values: str, description: str = "", **more: t.Any) -> Schema:
    """One of these words."""
    return field({"type": "string", "enum": list(values)}, description, **more)


def of_format(name: str, description: str = "", **more: t.Any) -> Schema:
    """Text of a format of ``formats.py``."""
    return field({"type": "string", "format": name}, description, **more)


def list_of(item: Schema, description: str = "", **more: t.Any) -> Schema:
    """A list of one kind of item."""
    return field({"type": "array", "items": item}, description, **more)


def mapping(properties: dict[str, Schema], description: str = "", required: tuple[str, ...] = (), **more: t.Any) -> Schema:
    """A mapping with these keys and no other."""
    return field({"type": "object", "properties": properties, "required": list(required), "additionalProperties": False}, description, **more)


def by_name(item: Schema, description: str = "", **more: t.Any) -> Schema:
    """A mapping from names of the user's own to one kind of value."""
    return field({"type": "object", "additionalProperties": item}, description, **more)


def open_mapping(properties: dict[str, Schema], description: str = "", required: tuple[str, ...] = (), **more: t.Any) -> Schema:
    """A mapping with these keys, and others that nobody looks at."""
    return field({"type": "object", "properties": properties, "required": list(required)}, description, **more)
