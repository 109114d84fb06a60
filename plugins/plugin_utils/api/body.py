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
from collections.abc import Iterable, Iterator, Mapping, Sequence

from ansible_collections.kvmfleet.compute.plugins.plugin_utils.api import microversions, schema
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.api.problems import SECRET_FIELDS, Findings
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.api.server_body import Asked, Body, DeviceBody, NetworkBody, ServerBody
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.fleet import target
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.schema import formats
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.schema.fault import Fault, join
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.schema.shape_check import TYPE_WORDS
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.schema.suggestion import nearest
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.schema.words import Schema
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.shapes import Target

# schema/libraries.py tells; an action fails with that before it comes here.
with contextlib.suppress(ImportError):
    import jsonschema

BAD_REQUEST, BAD_DEVICE = "HTTPBadRequest", "InvalidBDMFormat"


class _Error(t.Protocol):
    """What is read of an error of jsonschema's."""

    validator: str
    validator_value: t.Any
    instance: t.Any
    schema: Schema
    absolute_path: Sequence[str | int]
    message: str


class _Validator(t.Protocol):
    """What is used of a validator of jsonschema's."""

    def is_valid(self, instance: object) -> bool: ...
    def iter_errors(self, instance: object) -> Iterator[_Error]: ...
    def evolve(self, *, schema: Schema) -> _Validator: ...


@functools.cache
def _validator(era: int) -> _Validator:
    checker = jsonschema.FormatChecker(formats=())
    for name, (predicate, _rule) in formats.FORMATS.items():
        checker.checks(name, raises=ValueError)(predicate)
    made: t.Any = jsonschema.Draft202012Validator
    validator: _Validator = made(microversions.body_since(era), format_checker=checker)
    return validator


@functools.cache
def _validators_of_parts(era: int) -> dict[str, _Validator]:
    """The fields of a server, and the hints, each with a validator of its own."""
    whole = _validator(era)
    document = microversions.body_since(era)["properties"]
    parts: dict[str, Schema] = {**document["server"]["properties"], **{key: document[key] for key in schema.HINT_KEYS}}
    return {name: whole.evolve(schema=part) for name, part in parts.items()}


# (era, part, its value as text) that fit. Requests of one run are alike, and jsonschema is slow; secrets and what is different in each are left out.
_fitting: set[tuple[int, str, str]] = set()
MOST_REMEMBERED, LONGEST_REMEMBERED = 20_000, 300
FORGOTTEN = ("name", *SECRET_FIELDS)
ANY_IP = "192.0.2.1"


def _fits(body: Mapping[str, object], era: int) -> bool:
    """True if each part of a body is right by itself, and none missing or too much: just what the schema of the whole says, in less time."""
    server = body.get("server")
    required: list[str] = microversions.body_since(era)["properties"]["server"]["required"]
    if not isinstance(server, dict) or any(name not in server for name in required):
        return False
    if any(key != "server" and key not in schema.HINT_KEYS for key in body) or any(key in server for key in schema.HINT_KEYS):
        return False
    return all(_part_fits(name, value, era) for part in (server, body) for name, value in part.items() if value is not server)


def _is_ip(value: object) -> bool:
    return isinstance(value, str) and formats.is_ip(value)


def _alike(networks: object) -> object:
    """Networks with one and the same address for each that is right: to the schema they are the same."""
    if not isinstance(networks, list):
        return networks
    return [{**item, "fixed_ip": ANY_IP} if isinstance(item, dict) and _is_ip(item.get("fixed_ip")) else item for item in networks]


def _part_fits(name: str, value: object, era: int) -> bool:
    if name == "networks":
        value = _alike(value)
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


def _path(parts: Iterable[str | int]) -> str:
    text = ""
    for part in parts:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else str(part)
    return text


def _unknown(error: _Error, minor: int) -> Iterator[Fault]:
    """Keys that the schema does not have, each with why not; paths below the mapping that they are in."""
    known: dict[str, Schema] = error.schema.get("properties", {})
    at = list(error.absolute_path)
    # As the table of versions has it: below the server, without indexes.
    above = "".join("[]" if isinstance(part, int) else f".{part}" for part in at[1:]).removeprefix(".")
    patterns: dict[str, Schema] | None = error.schema.get("patternProperties")
    keys: dict[str, t.Any] = error.instance
    for key in keys:
        if patterns:
            if not any(re.search(pattern, key) for pattern in patterns):
                yield Fault(key, key, "keys are 1 to 255 of letters, digits, - _ : . and space")
        elif key not in known:
            rule = schema.NEVER.get(key)
            if at[:1] == ["server"]:
                rule = rule or microversions.missing_because(f"{above}.{key}".removeprefix("."), minor)
            yield Fault(key, key, rule or _suggestion(key, known))


# What people call a field that has another name, and the fields that have a friendly one.
MEANT = {"zone": "availability_zone", "az": "availability_zone", "keypair": "key_name", "count": "min_count", "userdata": "user_data_text"}
FRIENDLY = {"flavorRef": "flavor", "imageRef": "image"}


def _suggestion(key: str, known: Iterable[str]) -> str:
    near = MEANT.get(key) or nearest(key, [FRIENDLY.get(name, name) for name in known])
    return "unknown field" + (f"; did you mean {near}?" if near else "")


def _rule(error: _Error) -> str:
    keyword, wanted = error.validator, error.validator_value
    if keyword == "type":
        kinds: list[str] = [wanted] if isinstance(wanted, str) else wanted
        return "must be " + " or ".join(TYPE_WORDS[kind] for kind in kinds)
    if keyword == "enum":
        return "must be one of " + ", ".join(map(str, wanted))
    if keyword == "format":
        fault = formats.base64_fault(error.instance) if wanted == "base64" else None
        plain = " (plain text goes into user_data_text)" if list(error.absolute_path)[-1:] == ["user_data"] else ""
        return f"must be {formats.FORMATS[wanted][1]}" + (f"; {fault}{plain}" if fault else "")
    rules = {
        "minLength": f"must not be shorter than {wanted}",
        "maxLength": f"must not be longer than {wanted}",
        "minItems": f"must have at least {wanted} items",
        "maxItems": f"must have at most {wanted} items",
        "uniqueItems": "must not have an item twice",
        "pattern": f"must match {wanted}",
    }
    return rules.get(keyword, error.message.splitlines()[0])


def check_schema(body: Mapping[str, object], minor: int = microversions.MINORS[-1]) -> Iterator[Fault]:
    """Every breach of the schema as of microversion 2.``minor``, each with its own path below the server."""
    era = microversions.era(minor)
    if _fits(body, era):
        return
    missing: set[str] = set()
    told: set[str] = set()
    for error in sorted(_validator(era).iter_errors(body), key=lambda item: (list(map(str, item.absolute_path)), item.validator != "type", item.validator)):
        parts = list(error.absolute_path)
        base = _path(parts[1:] if parts[:1] == ["server"] else parts)
        if error.validator == "required":
            # jsonschema has an error for each field, which names it in its message only.
            names: list[str] = error.validator_value
            lacks = [join(base, name) for name in names if name not in error.instance]
            yield from (Fault(path, None, "is required") for path in lacks if path not in missing)
            missing.update(lacks)
        elif error.validator == "additionalProperties":
            yield from (fault.below(base) for fault in _unknown(error, minor))
        elif base not in told:
            # A value is wrong for one reason, however many rules it breaks.
            told.add(base)
            yield Fault(base, error.instance, _rule(error))


def check_block_device(bdm: DeviceBody, has_image: bool) -> Iterator[Fault]:
    """The rules of ``BlockDeviceDict.from_api`` for one block_device_mapping_v2 item."""
    if "virtual_name" in bdm:
        yield Fault("virtual_name", bdm["virtual_name"], "is a field of the legacy mapping only", BAD_DEVICE)
    if bdm.get("no_device"):
        return
    source, destination, volume_type = bdm.get("source_type"), bdm.get("destination_type"), bdm.get("volume_type")
    if source is None:
        yield Fault("source_type", None, "is required: volume, image, snapshot or blank", BAD_DEVICE)
        return
    if source == "blank" and bdm.get("uuid"):
        yield Fault("uuid", bdm.get("uuid"), "a blank device has no uuid", BAD_DEVICE)
    if source != "blank" and not bdm.get("uuid"):
        yield Fault("uuid", None, f"is required for a device with source_type {source}", BAD_DEVICE)
    if source == "image" and destination == "local" and not (has_image and _boot_index(bdm) == 0):
        yield Fault("", source, "an image on a local disk can only be the root disk: boot_index 0, together with imageRef", BAD_DEVICE)
    if isinstance(bdm.get("volume_size"), float):
        # 1.0 is a whole number to the schema.
        yield Fault("volume_size", bdm.get("volume_size"), "must be a whole number of GB", BAD_DEVICE)
    if volume_type and destination == "local":
        yield Fault("volume_type", volume_type, "must not be given with destination_type local", BAD_DEVICE)
    elif volume_type and source == "volume":
        yield Fault("volume_type", volume_type, "must not be given with source_type volume", BAD_DEVICE)


def _boot_index(bdm: DeviceBody) -> int | None:
    index = bdm.get("boot_index", -1)
    return None if index is None else int(index)


def _check_networks(networks: str | list[NetworkBody]) -> Iterator[Fault]:
    ports: dict[uuid.UUID, int] = {}
    for index, network in enumerate(networks if isinstance(networks, list) else []):
        path, port = f"networks[{index}]", network.get("port")
        if port:
            if network.get("fixed_ip"):
                yield Fault(f"{path}.fixed_ip", network.get("fixed_ip"), "must not be given together with port", BAD_REQUEST)
            # One id may be written in more than one way.
            first = ports.setdefault(uuid.UUID(port), index)
            if first != index:
                yield Fault(f"{path}.port", port, f"is that of networks[{first}] already", BAD_REQUEST)
        elif not network.get("uuid"):
            yield Fault(path, None, "needs uuid (or name) or port", BAD_REQUEST)
        elif not formats.is_uuid(network["uuid"]):
            # Before 2.37 no rule of the schema.
            yield Fault(f"{path}.uuid", network["uuid"], "must be a UUID", BAD_REQUEST)


def _target(server: ServerBody) -> Findings[Target]:
    """What availability_zone names, and nothing else that names a host beside it."""
    text = server.get("availability_zone")
    try:
        wanted = target.parse(text)
    except target.InvalidTarget as error:
        yield Fault("availability_zone", text, str(error), "InvalidInput")
        return target.parse(None)
    for field, value in (("host", server.get("host")), ("hypervisor_hostname", server.get("hypervisor_hostname"))):
        if value and target.is_forced(wanted):
            yield Fault(field, value, "must not be given together with a host or node in availability_zone", BAD_REQUEST)
    return wanted


def _check_devices(server: ServerBody) -> Iterator[Fault]:
    legacy, mapping = server.get("block_device_mapping"), server.get("block_device_mapping_v2")
    if legacy and mapping:
        yield Fault("block_device_mapping", len(legacy), "must not be given together with block_device_mapping_v2", BAD_REQUEST)
    for index, bdm in enumerate(mapping or []):
        yield from (fault.below(f"block_device_mapping_v2[{index}]") for fault in check_block_device(bdm, bool(server.get("imageRef"))))
    if not server.get("imageRef") and not legacy and not mapping:
        yield Fault("imageRef", server.get("imageRef"), "is required, unless a block device is there to boot from", BAD_REQUEST)


def check_controller(body: Body) -> Findings[Asked]:
    """What the controller checks and hands on, of a body that fits the schema."""
    server = body["server"]
    least = int(server.get("min_count", 1))
    most = int(server.get("max_count", least))
    if least > most:
        yield Fault("min_count", server.get("min_count"), f"must not be greater than max_count {most}", BAD_REQUEST)
        # Quotas are asked for as many as are needed at least.
        most = least
    wanted = yield from _target(server)
    yield from _check_devices(server)
    yield from _check_networks(server.get("networks", []))
    hints = body.get("os:scheduler_hints") or body.get("OS-SCH-HNT:scheduler_hints") or {}
    return Asked(server["name"].strip(), least, most, wanted, {key: value for key, value in hints.items() if not key.startswith("_nova")})


def user_data_of(server: Mapping[str, object]) -> str | None:
    """The user data of a request as base64 without line breaks, whichever way it was given."""
    text, encoded = server.get("user_data_text"), server.get("user_data")
    if isinstance(text, str):
        return base64.b64encode(text.encode()).decode()
    if isinstance(encoded, str):
        return "".join(encoded.split()) or None
    return None
