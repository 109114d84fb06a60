# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A document made whole: what is left out gets the default of its schema, and what is to be text becomes text; pure."""

from __future__ import annotations

import typing as t

if t.TYPE_CHECKING:
    from ansible_collections.kvmfleet.compute.plugins.plugin_utils.schema.words import Schema


def whole(schema: Schema, value: t.Any) -> t.Any:
    """A copy of a value that fits the schema, with every default; a key without default stays out."""
    if value is None:
        value = schema.get("default")
    if isinstance(value, dict):
        known, others = schema.get("properties", {}), schema.get("additionalProperties")
        found = {key: whole(item, value.get(key)) for key, item in known.items() if value.get(key) is not None or "default" in item}
        found.update({key: whole(others if isinstance(others, dict) else {}, item) for key, item in value.items() if key not in known})
        return found
    if isinstance(value, list):
        return [whole(schema.get("items", {}), item) for item in value]
    if isinstance(value, (int, float)) and isinstance(schema.get("type"), list) and "string" in schema["type"]:
        return str(value)
    return value
