# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A document made whole: what is left out gets the default of its schema, and what is to be text becomes text; pure."""

from __future__ import annotations

import typing as t

if t.TYPE_CHECKING:
    from ansible_collections.kvmfleet.compute.plugins.plugin_utils.schema.words import Schema


def whole(schema: Schema, value: object) -> t.Any:
    """A copy of a value that fits the schema, with every default; a key without default stays out."""
    if value is None:
        value = schema.get("default")
    if isinstance(value, dict):
        return _mapping(schema, value)
    if isinstance(value, list):
        item: Schema = schema.get("items", {})
        return [whole(item, one) for one in value]
    kinds: str | list[str] = schema.get("type", [])
    is_text = "string" in kinds and kinds != "string"
    return str(value) if is_text and isinstance(value, (int, float)) else value


def _mapping(schema: Schema, given: dict[str, object]) -> dict[str, object]:
    known: dict[str, Schema] = schema.get("properties", {})
    others: Schema | bool = schema.get("additionalProperties", True)
    other = others if isinstance(others, dict) else {}
    found: dict[str, object] = {key: whole(item, given.get(key)) for key, item in known.items() if given.get(key) is not None or "default" in item}
    found.update({key: whole(other, value) for key, value in given.items() if key not in known})
    return found
