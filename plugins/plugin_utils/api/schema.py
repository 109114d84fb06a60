# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The JSON schema of POST /servers as of microversion 2.1; ``microversions.py`` says what later ones changed.

Follows ``nova/api/openstack/compute/schemas/servers.py: create``. Patterns end at the very end: while Nova's ``$`` lets one line break
pass in names, this one does not. ``description`` and ``default`` are what docs/fields.md says beside limits; they check nothing.
"""

from __future__ import annotations

import typing as t

Schema = dict[str, t.Any]

TRUE = [True, "True", "TRUE", "true", "1", "ON", "On", "on", "YES", "Yes", "yes"]
FALSE = [False, "False", "FALSE", "false", "0", "OFF", "Off", "off", "NO", "No", "no"]

BOOLEAN: Schema = {"type": ["boolean", "string"], "enum": [*TRUE, *FALSE]}
NAME: Schema = {"type": "string", "minLength": 1, "maxLength": 255, "format": "name"}
UUID: Schema = {"type": "string", "format": "uuid"}
IP: Schema = {"type": "string", "format": "ip"}
COUNT: Schema = {"type": ["integer", "string"], "minLength": 1, "pattern": r"\A[0-9]+\Z", "format": "count"}
HOST_NAME: Schema = {"type": "string", "minLength": 1, "maxLength": 255, "pattern": r"\A[a-zA-Z0-9\-._]*\Z"}
TAG: Schema = {"type": "string", "minLength": 1, "maxLength": 60, "pattern": r"\A[^,/]*\Z"}
TEXT: Schema = {"type": "string", "maxLength": 255}


def field(schema: Schema, rule: str = "", **more: t.Any) -> Schema:
    """A field of a type, with the rule that is in code; ``default``: what Nova takes if it is left out."""
    return {**schema, **more, **({"description": rule} if rule else {})}


def list_of(item: Schema, rule: str = "", **limits: t.Any) -> Schema:
    """A list."""
    return field({"type": "array", "items": item}, rule, **limits)


def mapping(properties: dict[str, Schema], **more: t.Any) -> Schema:
    """A mapping with these keys and no other."""
    return {"type": "object", "properties": properties, "additionalProperties": False, **more}


METADATA: Schema = {
    "type": "object",
    "additionalProperties": False,
    "patternProperties": {r"^[a-zA-Z0-9\-_:. ]{1,255}$": TEXT},
}

NETWORK: Schema = mapping(
    {
        "uuid": field({"type": "string"}, "a network of the catalogue with a subnet; not looked at if port is given"),
        "port": field(
            {"type": ["string", "null"], "format": "uuid"},
            "a free port of the catalogue, or its name where the body is not Nova's; once, for one server; not with fixed_ip",
        ),
        "fixed_ip": field(IP, "free, in a subnet of the network; for one server only"),
    }
)

LEGACY_BLOCK_DEVICE: dict[str, Schema] = {
    "virtual_name": field(TEXT, "of the legacy mapping only: ephemeralN or swap is a blank local disk"),
    "volume_id": field(UUID, "there is no volume service here"),
    "snapshot_id": field(UUID, "there is no volume service here"),
    "volume_size": field({"type": ["integer", "string"], "minLength": 1, "pattern": r"\A[0-9]+\Z", "format": "size"}, "required for a new volume"),
    "device_name": field(
        {"type": "string", "minLength": 1, "maxLength": 255, "pattern": r"^[a-zA-Z0-9._\-/]*$"}, "counts for the root disk only, as in Nova: vda, sda, hda …"
    ),
    "delete_on_termination": field(BOOLEAN, default=False),
    "no_device": field({}, "true: the device is left out"),
    "connection_info": {"type": "string", "maxLength": 16777215},
}

BLOCK_DEVICE: dict[str, Schema] = {
    **LEGACY_BLOCK_DEVICE,
    "source_type": field({"type": "string", "enum": ["volume", "image", "snapshot", "blank"]}, "required, unless no_device is true"),
    "uuid": field({"type": "string", "minLength": 1, "maxLength": 255, "pattern": r"^[a-zA-Z0-9._\-]*$"}, "of what source_type says; none for blank"),
    "image_id": UUID,
    "destination_type": field({"type": "string", "enum": ["local", "volume"]}, "there is no volume service here: local; for an image the root disk only"),
    "guest_format": field(TEXT, "swap: the swap disk, of the flavor's size at most; one at most; any other is ext4"),
    "device_type": field(TEXT, "disk, or cdrom on a bus that has CD-ROMs", default="disk"),
    "disk_bus": field(TEXT, "virtio, scsi, sata, usb or ide; of Nova's others fdc is refused, and the rest count for nothing", default="hw_disk_bus"),
    "boot_index": field(
        # Nova has no limit: a much longer text is no number for Python.
        {"type": ["integer", "string", "null"], "maxLength": 255, "pattern": r"^-?[0-9]+$"},
        "0 boots; not negative: 0, 1, 2 … without a gap",
        default=-1,
    ),
}

PERSONALITY: Schema = list_of(
    mapping({"path": {"type": "string"}, "contents": {"type": "string", "format": "base64"}}), "not built here: put files into the user data"
)

SERVER: Schema = mapping(
    {
        "name": field(NAME, "stripped; more than one server: name-1, name-2 …"),
        "flavorRef": field({"type": ["string", "integer"], "minLength": 1}, "a flavor of the catalogue that is not disabled; of a URL the last part"),
        "imageRef": field(
            {"type": "string", "if": {"minLength": 1}, "then": {"format": "uuid"}}, "an active image of the catalogue; required unless a device boots"
        ),
        "networks": list_of(NETWORK, "left out or empty: the one network that there is", default=[]),
        "min_count": field(COUNT, "not greater than max_count", default=1),
        "max_count": field(COUNT, "quotas make it smaller, down to min_count", default="min_count"),
        "return_reservation_id": field(BOOLEAN, "no effect: the result has both", default=False),
        "key_name": field(NAME, "a key pair of the catalogue"),
        "user_data": {"type": "string", "maxLength": 65535, "format": "base64"},
        "metadata": field(METADATA, "quota metadata_items (128)", default={}),
        "availability_zone": field(NAME, "zone, zone:host, zone::node or zone:host:node; policy create:forced_host"),
        "security_groups": list_of(mapping({"name": field(NAME, "name or id; one of several with one name by its id")}), default=["default"]),
        "config_drive": field(BOOLEAN, "every guest here has one"),
        "adminPass": field({"type": "string"}, "never shown; generated if a password file is named"),
        "accessIPv4": {"type": "string", "format": "ipv4"},
        "accessIPv6": {"type": "string", "format": "ipv6"},
        "OS-DCF:diskConfig": field({"type": "string", "enum": ["AUTO", "MANUAL"]}, "AUTO: unless the image disables it"),
        "block_device_mapping": list_of(mapping(LEGACY_BLOCK_DEVICE), "converted to block_device_mapping_v2; not beside it", default=[]),
        "block_device_mapping_v2": list_of(mapping(BLOCK_DEVICE), "at most 3 local disks", default=[]),
        "personality": PERSONALITY,
    },
    required=["name", "flavorRef"],
)

_ONE_OR_MORE_UUIDS: Schema = {"type": ["string", "array"], "format": "uuid", "items": UUID}

HINTS: Schema = {
    "type": "object",
    "properties": {
        "group": field(_ONE_OR_MORE_UUIDS, "a server group of the catalogue; quota server_group_members"),
        "different_host": field(_ONE_OR_MORE_UUIDS, "DifferentHostFilter"),
        "same_host": field({"type": ["string", "array"], "items": UUID}, "SameHostFilter"),
        "query": field({"type": ["string", "object"]}, "JsonFilter"),
        "target_cell": field(NAME, "no effect: there are no cells"),
        "different_cell": field({"type": ["string", "array"], "items": {"type": "string"}}, "no effect: there are no cells"),
        "build_near_host_ip": field(IP, "SimpleCIDRAffinityFilter"),
        "cidr": field({"type": "string", "pattern": r"^/[0-9a-f.:]+$"}, "SimpleCIDRAffinityFilter"),
    },
    "additionalProperties": True,
}

HINT_KEYS = ("os:scheduler_hints", "OS-SCH-HNT:scheduler_hints")

BODY: Schema = mapping({"server": SERVER, **dict.fromkeys(HINT_KEYS, HINTS)}, required=["server"])

# Fields that people expect and that no microversion has.
NEVER = {
    "injected_files": "not a field of the API: put files into the user data",
    "adminPassword": "not a field of the API: it is adminPass",
}
