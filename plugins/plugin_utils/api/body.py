# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A request against the schema, and what Nova's controller checks in code; no catalogue, no fleet.

Follows ``nova/api/openstack/compute/servers.py: ServersController.create`` and ``nova/block_device.py: BlockDeviceDict.from_api``.
"""

from __future__ import annotations

import base64
import contextlib
import functools
import re
import typing as t
import uuid

from ansible_collections.kvmfleet.compute.plugins.plugin_utils.api import microversions, schema
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.api.problems import SECRET_FIELDS, ServerProblems
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.fleet import target
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.schema import formats
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.schema.suggestion import nearest

# schema/libraries.py tells; an action fails with that before it comes here.
with contextlib.suppress(ImportError):
    import jsonschema

TYPES = {"object": "a mapping", "array": "a list", "string": "text", "integer": "a whole number", "boolean": "true or false", "null": "null"}


@functools.cache
def _validator(era: int) -> t.Any:
    checker = jsonschema.FormatChecker(formats=())
    for name, (predicate, _rule) in formats.FORMATS.items():
        checker.checks(name, raises=ValueError)(predicate)
    return jsonschema.Draft202012Validator(microversions.body_since(era), format_checker=checker)


@functools.cache
def _validators_of_parts(era: int) -> dict[str, t.Any]:
    """The fields of a server, and the hints, each with a validator of its own."""
    whole = _validator(era)
    parts = {**whole.schema["properties"]["server"]["properties"], **{key: whole.schema["properties"][key] for key in schema.HINT_KEYS}}
    return {name: whole.evolve(schema=part) for name, part in parts.items()}


# (era, part, its value as text) that fit. Requests of one run are alike, and jsonschema is slow; secrets and what is different in each are left out.
_fitting: set[tuple[int, str, str]] = set()
MOST_REMEMBERED, LONGEST_REMEMBERED = 20_000, 300
FORGOTTEN = ("name", *SECRET_FIELDS)


def _fits(body: dict[str, t.Any], era: int) -> bool:
    """Is each part of a body right by itself, and none missing or too much? Just what the schema of the whole says, in less time."""
    server = body.get("server")
    if not isinstance(server, dict) or any(name not in server for name in _validator(era).schema["properties"]["server"]["required"]):
        return False
    if any(key != "server" and key not in schema.HINT_KEYS for key in body) or any(key in server for key in schema.HINT_KEYS):
        return False
    return all(_part_fits(name, value, era) for part in (server, body) for name, value in part.items() if value is not server)


def _part_fits(name: str, value: t.Any, era: int) -> bool:
    known = (era, name, repr(value)) if name not in FORGOTTEN else None
    if known in _fitting:
        return True
    validator = _validators_of_parts(era).get(name)
    if validator is None or not validator.is_valid(value):
        return False
    if known and len(known[2]) <= LONGEST_REMEMBERED:
        if len(_fitting) >= MOST_REMEMBERED:
            _fitting.clear()
        _fitting.add(known)
    return True


def _path(parts: t.Iterable[t.Any]) -> str:
    text = ""
    for part in parts:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else str(part)
    return text


def _unknown(error: t.Any, minor: int) -> list[tuple[str, t.Any, str]]:
    known = error.schema.get("properties", {})
    at = list(error.absolute_path)
    # As the table of versions has it: below the server, without indexes.
    above = "".join("[]" if isinstance(part, int) else f".{part}" for part in at[1:]).removeprefix(".")
    patterns = error.schema.get("patternProperties")
    found = []
    for key in error.instance:
        if patterns:
            if not any(re.search(pattern, key) for pattern in patterns):
                found.append((key, key, "keys are 1 to 255 of letters, digits, - _ : . and space"))
        elif key not in known:
            rule = schema.NEVER.get(key)
            if at[:1] == ["server"]:
                rule = rule or microversions.missing_because(f"{above}.{key}".removeprefix("."), minor)
            found.append((key, key, rule or _suggestion(key, known)))
    return found


def _suggestion(key: str, known: t.Iterable[str]) -> str:
    near = nearest(key, known)
    return "unknown field" + (f"; did you mean {near}?" if near else "")


def _rule(error: t.Any) -> str:
    keyword, wanted = error.validator, error.validator_value
    if keyword == "type":
        kinds = [wanted] if isinstance(wanted, str) else wanted
        return "must be " + " or ".join(TYPES[kind] for kind in kinds)
    if keyword == "enum":
        return "must be one of " + ", ".join(map(str, wanted))
    if keyword == "format":
        fault = formats.base64_fault(error.instance) if wanted == "base64" else None
        return f"must be {formats.FORMATS[wanted][1]}" + (f"; {fault}" if fault else "")
    rules = {
        "minLength": f"must not be shorter than {wanted}",
        "maxLength": f"must not be longer than {wanted}",
        "minItems": f"must have at least {wanted} items",
        "maxItems": f"must have at most {wanted} items",
        "uniqueItems": "must not have an item twice",
        "pattern": f"must match {wanted}",
    }
    return rules.get(keyword, error.message.splitlines()[0])


def check_schema(body: dict[str, t.Any], problems: ServerProblems, minor: int = microversions.MINORS[-1]) -> None:
    """Every breach of the schema as of microversion 2.``minor``, each with its own path below the server."""
    era = microversions.era(minor)
    if _fits(body, era):
        return
    for error in sorted(_validator(era).iter_errors(body), key=lambda item: (list(map(str, item.absolute_path)), str(item.validator))):
        parts = list(error.absolute_path)
        base = parts[1:] if parts[:1] == ["server"] else parts
        if error.validator == "required":
            missing = [name for name in error.validator_value if name not in error.instance]
            for name in missing:
                if f"{name!r} is a required property" in error.message:
                    problems.add(_path([*base, name]), None, "is required")
        elif error.validator == "additionalProperties":
            for key, value, rule in _unknown(error, minor):
                problems.add(_path([*base, key]), value, rule)
        else:
            problems.add(_path(base), error.instance, _rule(error))


def check_block_device(bdm: dict[str, t.Any], path: str, has_image: bool, problems: ServerProblems) -> None:
    """The rules of ``BlockDeviceDict.from_api`` for one block_device_mapping_v2 item."""
    bad = functools.partial(problems.add, error_class="InvalidBDMFormat")
    if "virtual_name" in bdm:
        bad(f"{path}.virtual_name", bdm["virtual_name"], "is a field of the legacy mapping only")
    if bdm.get("no_device"):
        return
    source, destination, volume_type = bdm.get("source_type"), bdm.get("destination_type"), bdm.get("volume_type")
    if source is None:
        bad(f"{path}.source_type", None, "is required: volume, image, snapshot or blank")
        return
    if source == "blank" and bdm.get("uuid"):
        bad(f"{path}.uuid", bdm["uuid"], "a blank device has no uuid")
    if source != "blank" and not bdm.get("uuid"):
        bad(f"{path}.uuid", None, f"is required for a device with source_type {source}")
    if source == "image" and destination == "local" and not (has_image and _boot_index(bdm) == 0):
        bad(path, source, "an image on a local disk is the root disk only: boot_index 0, together with imageRef")
    if isinstance(bdm.get("volume_size"), float):
        # 1.0 is a whole number to the schema.
        bad(f"{path}.volume_size", bdm["volume_size"], "must be a whole number of GB")
    if volume_type and destination == "local":
        bad(f"{path}.volume_type", volume_type, "must not be given with destination_type local")
    elif volume_type and source == "volume":
        bad(f"{path}.volume_type", volume_type, "must not be given with source_type volume")


def _boot_index(bdm: dict[str, t.Any]) -> int | None:
    index = bdm.get("boot_index", -1)
    return None if index is None else int(index)


def _check_networks(networks: t.Any, problems: ServerProblems) -> None:
    if not isinstance(networks, list):
        return
    ports: dict[uuid.UUID, int] = {}
    for index, network in enumerate(networks):
        path = f"networks[{index}]"
        if network.get("port"):
            if network.get("fixed_ip"):
                problems.add(f"{path}.fixed_ip", network["fixed_ip"], "cannot be used together with port", "HTTPBadRequest")
            # One id may be written in more than one way.
            first = ports.setdefault(uuid.UUID(network["port"]), index)
            if first != index:
                problems.add(f"{path}.port", network["port"], f"is that of networks[{first}] already", "HTTPBadRequest")
        elif not network.get("uuid"):
            problems.add(path, None, "needs uuid (or name) or port", "HTTPBadRequest")
        elif not formats.is_uuid(network["uuid"]):
            # Before 2.37 no rule of the schema.
            problems.add(f"{path}.uuid", network["uuid"], "must be a UUID", "HTTPBadRequest")


def check_controller(body: dict[str, t.Any], problems: ServerProblems) -> dict[str, t.Any]:
    """What the controller checks and hands on, of a body that fits the schema: {min_count, max_count, zone, forced_host, forced_node, hints, name}."""
    server = body["server"]
    name = server["name"].strip()
    least = int(server.get("min_count", 1))
    most = int(server.get("max_count", least))
    if least > most:
        problems.add("min_count", server.get("min_count"), f"must not be greater than max_count {most}", "HTTPBadRequest")
    wanted = target.parse(None)
    try:
        wanted = target.parse(server.get("availability_zone"))
    except target.InvalidTarget as error:
        problems.add("availability_zone", server.get("availability_zone"), str(error), "InvalidInput")
    for field in ("host", "hypervisor_hostname"):
        if server.get(field) and target.is_forced(wanted):
            problems.add(field, server[field], "must not be given together with a host or node in availability_zone", "HTTPBadRequest")
    legacy, mapping = server.get("block_device_mapping"), server.get("block_device_mapping_v2")
    if legacy and mapping:
        problems.add("block_device_mapping", len(legacy), "must not be given together with block_device_mapping_v2", "HTTPBadRequest")
    for index, bdm in enumerate(mapping or []):
        check_block_device(bdm, f"block_device_mapping_v2[{index}]", bool(server.get("imageRef")), problems)
    if not server.get("imageRef") and not legacy and not mapping:
        problems.add("imageRef", server.get("imageRef"), "is required, unless a block device is there to boot from", "HTTPBadRequest")
    _check_networks(server.get("networks"), problems)
    hints = body.get(schema.HINT_KEYS[0]) or body.get(schema.HINT_KEYS[1]) or {}
    return {
        "name": name,
        "min_count": least,
        "max_count": most,
        "zone": wanted["zone"],
        "forced_host": wanted["host"],
        "forced_node": wanted["node"],
        "hints": {key: value for key, value in hints.items() if not key.startswith("_nova")},
    }


def user_data_of(server: dict[str, t.Any]) -> str | None:
    """The user data of a request as base64 without line breaks, whichever way it was given."""
    if isinstance(server.get("user_data_text"), str):
        return base64.b64encode(server["user_data_text"].encode()).decode()
    if isinstance(server.get("user_data"), str):
        return "".join(server["user_data"].split()) or None
    return None
