"""docs/schemas: JSON schemas for editors, made of the schemas that validation uses.

They are draft-07, which every editor understands, and only point the way: they refuse nothing that validation accepts, and validation has the last word.
"""

from __future__ import annotations

import json
import pathlib
import typing as t

import jsonschema

from ansible_collections.kvmfleet.compute.plugins.plugin_utils.api import aliases, microversions
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.api.policy import PREFIXES
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.api.schema import HINT_KEYS
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.fleet.facts_shape import FLEET_FILE, HOST_FACTS, HOST_VARIABLES
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.scheduler.options import OPTIONS
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.schema import catalogue
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.schema.formats import FORMATS
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.schema.words import NOT_EMPTY, Schema, by_name, field, list_of, mapping, open_mapping

FOLDER = pathlib.Path(__file__).resolve().parents[2] / "docs" / "schemas"
DRAFT = "http://json-schema.org/draft-07/schema#"
AT = "https://raw.githubusercontent.com/kvmfleet/compute/main/docs/schemas/"
# What an expression can say of a format; the rest is left to validation. An editor has no other formats.
PATTERNS = {
    "uuid": r"^[0-9a-fA-Furnid{}:-]{32,}$",
    "ip": r"^[0-9a-fA-F:.]+$",
    "ipv4": r"^[0-9.]+$",
    "ipv6": r"^[0-9a-fA-F:.]+$",
    "cidr": r"^[0-9a-fA-F:./]+$",
    "prefix": r"^[0-9a-fA-F:./]+$",
    "checksum": r"^sha(256|512):.",
    "interface": r"^[^\s/:]{1,15}$",
    "trait": r"^[A-Z0-9_]{1,255}$",
    "base64": r"^[A-Za-z0-9+/=\s]*$",
}
BOUNDS = {"count": {"minimum": 1}, "size": {"minimum": 1, "maximum": 0x7FFFFFFF}}
TEMPLATE: Schema = {"$ref": "#/definitions/template"}
A_TEMPLATE: Schema = {"type": "string", "pattern": r"\{[{%]", "patternErrorMessage": "neither a value that fits nor a template"}
NOTES = ("description", "default")


class Editor:
    """Schemas of the collection in an editor's words."""

    def __init__(self, *, nulls: bool, templates: bool) -> None:
        self._nulls, self._templates = nulls, templates  # a null is a key that is left out; a value may be a template

    def schema(self, given: Schema, *, optional: bool = False) -> Schema:
        """One schema with all that is in it."""
        made = self._inside(given)
        for keyword in ("type", "enum", "minimum", "maximum", "minLength", "maxLength", "minItems", "maxItems", "uniqueItems"):
            if keyword in given:
                made[keyword] = given[keyword]
        if "pattern" in given:
            made["pattern"] = given["pattern"].replace(r"\A", "^").replace(r"\Z", "$")
        rules = [given["description"]] if "description" in given else []
        if "format" in given:
            made.update(self._format(given["format"]))
            rules.append(FORMATS[given["format"]][1])
        if rules:
            made["description"] = "; ".join(rules)
        # Some defaults are words for what is decided later.
        if given.get("default") is not None and jsonschema.Draft202012Validator(given).is_valid(given["default"]):
            made["default"] = given["default"]
        return self._or_template(self._or_null(made) if optional and self._nulls else made)

    def _inside(self, given: Schema) -> Schema:
        made: Schema = {}
        if "properties" in given:
            required = given.get("required", [])
            made["properties"] = {name: self.schema(item, optional=name not in required) for name, item in given["properties"].items()}
        if given.get("required"):
            made["required"] = given["required"]
        for keyword in ("items", "additionalProperties", "if", "then"):
            if keyword in given:
                made[keyword] = self.schema(given[keyword]) if isinstance(given[keyword], dict) else given[keyword]
        if "patternProperties" in given:
            made["patternProperties"] = {pattern: self.schema(item) for pattern, item in given["patternProperties"].items()}
        return made

    @staticmethod
    def _format(name: str) -> Schema:
        if name not in PATTERNS:
            return dict(BOUNDS.get(name, {}))
        return {"pattern": PATTERNS[name], "patternErrorMessage": f"must be {FORMATS[name][1]}"}

    @staticmethod
    def _or_null(made: Schema) -> Schema:
        kinds = [made["type"]] if isinstance(made.get("type"), str) else made.get("type", ["null"])
        if "null" in kinds:
            return made
        return {**made, "type": [*kinds, "null"], **({"enum": [*made["enum"], None]} if "enum" in made else {})}

    def _or_template(self, made: Schema) -> Schema:
        takes_any_text = "type" not in made or ("string" in made["type"] and not {"pattern", "enum", "maxLength", "then"} & {*made})
        if not self._templates or takes_any_text:
            return made
        notes = {name: made.pop(name) for name in NOTES if name in made}
        return {"anyOf": [made, TEMPLATE], **notes}


def servers() -> Schema:
    """Of a file of requests."""
    body = microversions.body_since(microversions.era(microversions.MINORS[-1]))["properties"]
    server: Schema = {**body["server"], "properties": dict(body["server"]["properties"])}
    fields: dict[str, Schema] = server["properties"]
    hints: Schema = {**body[HINT_KEYS[0]], "properties": dict(body[HINT_KEYS[0]]["properties"])}
    # Where a body has an id, a request may have a name.
    name: Schema = {"type": ["string", "integer"], "minLength": 1}
    network: Schema = {**fields["networks"]["items"], "properties": {**fields["networks"]["items"]["properties"]}}
    network["properties"]["port"] = field({"type": ["string", "null"]}, network["properties"]["port"]["description"])
    network["properties"]["name"] = field(name, "id or name of a network; in place of uuid")
    fields["networks"] = {**fields["networks"], "items": network}
    hints["properties"]["group"] = field({"type": ["string", "array"]}, "id or name of a server group; quota server_group_members")
    fields["flavor"] = field(name, "id or name of a flavor; in place of flavorRef")
    fields["image"] = field(name, "id or name of an image; in place of imageRef")
    fields["user_data_text"] = field({"type": "string"}, "plain text, such as a cloud-init file; in place of user_data")
    editor = Editor(nulls=False, templates=True)
    of_hints = {key: editor.schema(field(hints, "hints for the scheduler")) for key in (*HINT_KEYS, "scheduler_hints")}
    whole = _with_one_name(editor, server)
    flat: Schema = {**whole, "properties": {**whole["properties"], **of_hints}}
    request: Schema = {
        "type": "object",
        "if": {"required": ["server"]},
        "then": {"properties": {"server": whole, **of_hints}, "additionalProperties": False},
        "else": flat,
    }
    requests: Schema = {"type": "array", "minItems": 1, "items": {"$ref": "#/definitions/request"}}
    return {
        **_head("servers.json", "A file of requests: compute_servers_file", "Fields of POST /servers as of its newest microversion; docs/fields.md."),
        "type": ["array", "object"],
        **{keyword: requests[keyword] for keyword in ("minItems", "items")},
        "properties": {"compute_servers": {"anyOf": [requests, TEMPLATE], "description": "the requests"}},
        "required": ["compute_servers"],
        "definitions": {"request": request, "template": A_TEMPLATE},
    }


def _with_one_name(editor: Editor, server: Schema) -> Schema:
    """A server whose required fields have one of their two names; two names of one field are refused by validation with a clearer sentence."""
    friendly = {field: alias for alias, field in aliases.FIELDS.items()}
    made: Schema = editor.schema({**server, "required": [name for name in server["required"] if name not in friendly]})
    made = made["anyOf"][0]
    made["allOf"] = [{"anyOf": [{"required": [friendly[name]]}, {"required": [name]}]} for name in server["required"] if name in friendly]
    return made


def variables() -> Schema:
    """Of a file of inventory variables with the catalogue in it."""
    known = {
        **{f"compute_{kind}": by_name(entry) for kind, entry in catalogue.ENTRIES.items()},
        "compute_aggregates": catalogue.AGGREGATES,
        "compute_quotas": catalogue.QUOTAS,
        "compute_policy": {**catalogue.POLICY, "patternProperties": {f"^({'|'.join(PREFIXES)})": list_of(NOT_EMPTY)}},
        "compute_scheduler_options": OPTIONS,
        **{name: schema for name, schema in HOST_VARIABLES.items() if name.startswith("compute_")},
    }
    editor = Editor(nulls=True, templates=True)
    made = {name: editor.schema({"description": f"docs/catalogue.md has {name}", **schema}, optional=True) for name, schema in known.items()}
    for kind in catalogue.ENTRIES:
        entries = made[f"compute_{kind}"]["anyOf"][0]
        # An entry without attributes, such as a security group without rules; of others the required ones are missing.
        if not catalogue.ENTRIES[kind]["required"]:
            entries["additionalProperties"]["anyOf"].append({"type": "null"})
    return {
        **_head("catalogue.json", "Inventory variables of kvmfleet.compute", "Other variables may stand beside them; docs/catalogue.md."),
        "type": "object",
        "properties": made,
        "definitions": {"template": A_TEMPLATE},
    }


def fleet() -> Schema:
    """Of a fleet file."""
    result = open_mapping({"host": field(HOST_FACTS, "the facts; docs/data.md, HostFacts")}, "what host_info returned; failed and msg where it has failed")
    hosts = by_name(mapping({"host_info": result, **HOST_VARIABLES}, required=("host_info",)), "by their names in the inventory")
    return {
        **_head("fleet.json", "A fleet file: compute_fleet_file", "What kvmfleet.compute.fleet writes, or what is written by hand; docs/data.md."),
        **Editor(nulls=True, templates=False).schema({**FLEET_FILE, "properties": {**FLEET_FILE["properties"], "hosts": hosts}}),
    }


def _head(name: str, title: str, description: str) -> Schema:
    return {"$schema": DRAFT, "$id": AT + name, "title": title, "description": description}


SCHEMAS: dict[str, t.Callable[[], Schema]] = {"servers.json": servers, "catalogue.json": variables, "fleet.json": fleet}


def text(name: str) -> str:
    """A file of docs/schemas."""
    return json.dumps(SCHEMAS[name](), indent=1, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    for path in SCHEMAS:
        (FOLDER / path).write_text(text(path), encoding="utf-8")
