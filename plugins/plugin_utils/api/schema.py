# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The JSON schema of POST /servers as of Nova's newest microversion (2.94 … 2.104).

Follows ``nova/api/openstack/compute/schemas/servers.py: create_v294``. Patterns end at the very end: where Nova's ``$`` lets one line break
pass in names, this one does not.
"""

from __future__ import annotations

import typing as t

Schema = dict[str, t.Any]

TRUE = [True, "True", "TRUE", "true", "1", "ON", "On", "on", "YES", "Yes", "yes"]
FALSE = [False, "False", "FALSE", "false", "0", "OFF", "Off", "off", "NO", "No", "no"]

BOOLEAN: Schema = {"type": ["boolean", "string"], "enum": [*TRUE, *FALSE]}
NAME: Schema = {"type": "string", "minLength": 1, "maxLength": 255, "format": "name"}
UUID: Schema = {"type": "string", "format": "uuid"}
COUNT: Schema = {"type": ["integer", "string"], "minLength": 1, "pattern": r"\A[0-9]+\Z", "format": "count"}
HOST_NAME: Schema = {"type": "string", "minLength": 1, "maxLength": 255, "pattern": r"\A[a-zA-Z0-9\-._]*\Z"}
TAG: Schema = {"type": "string", "minLength": 1, "maxLength": 60, "pattern": r"\A[^,/]*\Z"}

METADATA: Schema = {
    "type": "object",
    "additionalProperties": False,
    "patternProperties": {r"^[a-zA-Z0-9\-_:. ]{1,255}$": {"type": "string", "maxLength": 255}},
}

NETWORK: Schema = {
    "type": "object",
    "properties": {
        "uuid": UUID,
        "port": {"type": ["string", "null"], "format": "uuid"},
        "fixed_ip": {"type": "string", "format": "ip"},
        "tag": TAG,
    },
    "additionalProperties": False,
}

LEGACY_BLOCK_DEVICE: dict[str, Schema] = {
    "virtual_name": {"type": "string", "maxLength": 255},
    "volume_id": UUID,
    "snapshot_id": UUID,
    "volume_size": {"type": ["integer", "string"], "minLength": 1, "pattern": r"\A[0-9]+\Z", "format": "size"},
    "device_name": {"type": "string", "minLength": 1, "maxLength": 255, "pattern": r"^[a-zA-Z0-9._\-/]*$"},
    "delete_on_termination": BOOLEAN,
    "no_device": {},
    "connection_info": {"type": "string", "maxLength": 16777215},
}

BLOCK_DEVICE: dict[str, Schema] = {
    **LEGACY_BLOCK_DEVICE,
    "source_type": {"type": "string", "enum": ["volume", "image", "snapshot", "blank"]},
    "uuid": {"type": "string", "minLength": 1, "maxLength": 255, "pattern": r"^[a-zA-Z0-9._\-]*$"},
    "image_id": UUID,
    "destination_type": {"type": "string", "enum": ["local", "volume"]},
    "guest_format": {"type": "string", "maxLength": 255},
    "device_type": {"type": "string", "maxLength": 255},
    "disk_bus": {"type": "string", "maxLength": 255},
    "boot_index": {"type": ["integer", "string", "null"], "pattern": r"^-?[0-9]+$"},
    "tag": TAG,
    "volume_type": {"type": ["string", "null"], "maxLength": 255},
}


def _list_of(item: Schema, **limits: t.Any) -> Schema:
    return {"type": "array", "items": item, **limits}


def _object(properties: dict[str, Schema], **more: t.Any) -> Schema:
    return {"type": "object", "properties": properties, "additionalProperties": False, **more}


SERVER: Schema = _object(
    {
        "name": NAME,
        "flavorRef": {"type": ["string", "integer"], "minLength": 1},
        "imageRef": {"type": "string", "if": {"minLength": 1}, "then": {"format": "uuid"}},
        "networks": {"type": ["string", "array"], "if": {"type": "string"}, "then": {"enum": ["auto", "none"]}, "else": {"items": NETWORK}},
        "min_count": COUNT,
        "max_count": COUNT,
        "return_reservation_id": BOOLEAN,
        "key_name": NAME,
        "user_data": {"type": "string", "maxLength": 65535, "format": "base64"},
        "metadata": METADATA,
        "tags": _list_of(TAG, maxItems=50),
        "description": {"type": ["string", "null"], "maxLength": 255, "format": "printable"},
        "availability_zone": NAME,
        "host": HOST_NAME,
        "hypervisor_hostname": HOST_NAME,
        "hostname": HOST_NAME,
        "security_groups": _list_of(_object({"name": NAME})),
        "config_drive": BOOLEAN,
        "adminPass": {"type": "string"},
        "accessIPv4": {"type": "string", "format": "ipv4"},
        "accessIPv6": {"type": "string", "format": "ipv6"},
        "OS-DCF:diskConfig": {"type": "string", "enum": ["AUTO", "MANUAL"]},
        "trusted_image_certificates": {
            "type": ["array", "null"],
            "minItems": 1,
            "maxItems": 50,
            "uniqueItems": True,
            "items": {"type": "string", "minLength": 1},
        },
        "block_device_mapping": _list_of(_object(LEGACY_BLOCK_DEVICE)),
        "block_device_mapping_v2": _list_of(_object(BLOCK_DEVICE)),
    },
    required=["name", "flavorRef", "networks"],
)

_ONE_OR_MORE_UUIDS: Schema = {"type": ["string", "array"], "format": "uuid", "items": UUID}

HINTS: Schema = {
    "type": "object",
    "properties": {
        "group": _ONE_OR_MORE_UUIDS,
        "different_host": _ONE_OR_MORE_UUIDS,
        "same_host": {"type": ["string", "array"], "items": UUID},
        "query": {"type": ["string", "object"]},
        "target_cell": NAME,
        "different_cell": {"type": ["string", "array"], "items": {"type": "string"}},
        "build_near_host_ip": {"type": "string", "format": "ip"},
        "cidr": {"type": "string", "pattern": r"^/[0-9a-f.:]+$"},
    },
    "additionalProperties": True,
}

HINT_KEYS = ("os:scheduler_hints", "OS-SCH-HNT:scheduler_hints")

BODY: Schema = _object({"server": SERVER, **dict.fromkeys(HINT_KEYS, HINTS)}, required=["server"])

# Fields of older microversions that the newest has no more, with the reason.
DROPPED = {
    "personality": "gone since 2.57: put files into the user data",
    "injected_files": "not a field of the API: put files into the user data",
    "adminPassword": "not a field of the API: it is adminPass",
}
