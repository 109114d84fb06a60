"""docs/fields.md: every field of a request, made of the schema and the table of microversions."""

from __future__ import annotations

import json
import pathlib
import typing as t

from ansible_collections.kvmfleet.compute.plugins.plugin_utils.api import aliases, microversions
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.api.schema import BOOLEAN, HINT_KEYS
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.schema import formats
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.schema.shape_check import TYPE_WORDS

PATH = pathlib.Path(__file__).resolve().parents[2] / "docs" / "fields.md"
HEAD = f"""# Every field of a request

`make docs-fields` writes this page from the schema (`plugins/plugin_utils/api/schema.py`) and the table of microversions (`microversions.py` beside it).

Requests are checked as of `compute_api_microversion` ({microversions.OLDEST} to {microversions.NEWEST}, the default). A field stands here as its last
version has it; a field that came later, or is gone by then, is an error that says so. A name that is not here is an error. \\* is required.
"""
Schema = dict[str, t.Any]


def _fields(schema: Schema, path: str = "") -> t.Iterator[tuple[str, Schema, bool]]:
    """(path, schema, required) of the fields of a mapping, and of those inside it."""
    for name, field in schema.get("properties", {}).items():
        here = f"{path}{name}"
        yield here, field, name in schema.get("required", [])
        yield from _fields(field, f"{here}.")
        yield from _fields(field.get("items", {}), f"{here}[].")


def _of_version(minor: int) -> dict[str, tuple[Schema, bool]]:
    body = microversions.body_since(microversions.era(minor))["properties"]
    hints = {HINT_KEYS[0]: body[HINT_KEYS[0]]}
    rows = [*_fields(body["server"]), *_fields({"properties": hints})]
    return {path: (schema, required) for path, schema, required in rows}


def _type(schema: Schema) -> str:
    kinds = schema.get("type", [])
    words = [TYPE_WORDS[kind] for kind in ([kinds] if isinstance(kinds, str) else kinds)]
    return " or ".join(words) or "anything"


def _limits(schema: Schema) -> str:
    if schema.get("enum") == BOOLEAN["enum"]:
        return "as text: " + ", ".join(value for value in BOOLEAN["enum"] if isinstance(value, str))
    found = []
    if "enum" in schema or ("then" in schema and "enum" in schema["then"]):
        found.append("one of " + ", ".join(schema.get("enum") or schema["then"]["enum"]))
    for low, high, unit in (("minLength", "maxLength", "characters"), ("minItems", "maxItems", "items")):
        if high in schema:
            found.append(f"{schema.get(low, 0)} to {schema[high]} {unit}")
        elif low in schema and "format" not in schema:
            found.append("not empty")
    form = schema.get("format") or schema.get("then", {}).get("format")
    if form:
        found.append(formats.FORMATS[form][1] + (", or empty" if "then" in schema else ""))
    elif "pattern" in schema:
        found.append(f"`{schema['pattern']}`")
    if schema.get("uniqueItems"):
        found.append("none twice")
    for pattern, value in schema.get("patternProperties", {}).items():
        found.append(f"keys `{pattern}`, values {_type(value)} of {_limits(value)}")
    items = schema.get("items", {})
    if items and "properties" not in items:
        found.append(f"each {_type(items)}" + (f": {_limits(items)}" if _limits(items) else ""))
    return "; ".join(found)


def _versions(present: list[int]) -> str:
    """The ranges of versions that have a field."""
    ranges: list[list[int]] = []
    for minor in present:
        if ranges and ranges[-1][1] == minor - 1:
            ranges[-1][1] = minor
        else:
            ranges.append([minor, minor])
    last = microversions.MINORS[-1]
    words = [f"from 2.{a}" if b == last else f"2.{a}" if a == b else f"2.{a} to 2.{b}" for a, b in ranges]
    return "all" if ranges == [[microversions.MINORS[0], last]] else ", ".join(words)


def _row(*cells: str) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |\n"


def _heading(*names: str) -> str:
    return "\n" + _row(*names) + _row(*["---"] * len(names))


def text() -> str:
    """The page."""
    fields: dict[str, tuple[Schema, bool]] = {}
    present: dict[str, list[int]] = {}
    for minor in microversions.MINORS:
        for path, field in _of_version(minor).items():
            fields[path] = field
            present.setdefault(path, []).append(minor)
    page = HEAD + _heading("field", "type", "limits", "default", "versions", "rule")
    for path, (schema, required) in sorted(fields.items(), key=lambda item: (item[0].startswith(HINT_KEYS[0]), item[0].lower())):
        default = json.dumps(schema["default"]) if "default" in schema else ""
        page += _row(f"`{path}`{' *' if required else ''}", _type(schema), _limits(schema), default, _versions(present[path]), schema.get("description", ""))
    page += f"\n`{HINT_KEYS[1]}` is another name of `{HINT_KEYS[0]}`; other hints are free. A whole body is `server` and the hints; without `server` the\n"
    page += "fields of the server stand at the top.\n\n## Friendly names\n\nBeside its field a friendly name is an error.\n" + _heading("name", "stands for")
    for alias, path in aliases.FIELDS.items():
        page += _row(f"`{alias}`", f"`{path}`")
    page += "\n## What each microversion changed\n" + _heading("version", "field", "change")
    for change in microversions.CHANGES:
        what = "gone" if change.schema is None else "new" if not _existed(change) else "changed"
        page += _row(change.version, f"`{change.path}`", what + (f": {change.note}" if change.note else ""))
    return page


def _existed(change: microversions.Change) -> bool:
    return change.path in _of_version(microversions.parse(change.version) - 1)


if __name__ == "__main__":
    PATH.write_text(text(), encoding="utf-8")
