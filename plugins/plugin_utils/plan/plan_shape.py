# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The shape of a plan's file, which may have been written by anybody: what is taken over from it is checked here; pure.

What is only compared with what there is now needs no shape.
"""

from __future__ import annotations

from ansible_collections.kvmfleet.compute.plugins.plugin_utils.plan.digest import digest_of
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.plan.make import VERSION
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.schema import shape_check
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.schema.sentence import sentence
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.schema.words import (
    BOOLEAN,
    NOT_EMPTY,
    NUMBER,
    TEXT,
    Schema,
    by_name,
    field,
    list_of,
    mapping,
    of_format,
    open_mapping,
    whole,
)

# More than this is no amount of anything that a host has.
MOST = 10**15
_AMOUNT: Schema = field(NUMBER, minimum=-MOST, maximum=MOST)
_PORT: Schema = open_mapping(
    {
        "id": of_format("uuid"),
        "mac_address": of_format("mac"),
        "fixed_ips": list_of(open_mapping({"ip_address": of_format("ip")}, required=("ip_address",))),
    },
    required=("id", "mac_address", "fixed_ips"),
)
_INSTANCE: Schema = open_mapping(
    {
        "uuid": of_format("uuid"),
        "display_name": NOT_EMPTY,
        "reservation_id": of_format("name"),
        "ports": list_of(_PORT),
    },
    required=("uuid", "display_name", "reservation_id", "ports"),
)
_RESOURCE: Schema = mapping(
    {"total": _AMOUNT, "reserved": _AMOUNT, "allocation_ratio": _AMOUNT, "used": _AMOUNT}, required=("total", "reserved", "allocation_ratio", "used")
)
_PLAN: Schema = mapping(
    {
        "version": whole(least=VERSION, most=VERSION),
        "collection_version": TEXT,
        "created_at": NOT_EMPTY,
        "fleet": {"type": ["string", "null"]},
        "project": NOT_EMPTY,
        "salt": NOT_EMPTY,
        "requests": list_of({}, minItems=1),
        "hosts": by_name(mapping({"uuid": TEXT, "resources": by_name(_RESOURCE)}, required=("uuid", "resources"))),
        "servers": list_of(
            mapping(
                {"request_index": whole(), "host": NOT_EMPTY, "node": NOT_EMPTY, "is_new": BOOLEAN, "instance": _INSTANCE},
                required=("request_index", "host", "node", "is_new", "instance"),
            ),
            minItems=1,
        ),
        "digest": NOT_EMPTY,
    },
    required=("version", "collection_version", "created_at", "project", "salt", "requests", "hosts", "servers", "digest"),
)


def faults_of_plan(document: object) -> str:
    """What is wrong with the content of a plan's file, as a sentence; empty if it is a plan."""
    if not isinstance(document, dict):
        return "must be a plan, as kvmfleet.compute.plan writes it"
    version: object = document.get("version")
    if version != VERSION or isinstance(version, bool):
        made = document.get("collection_version")
        by = f" (made by kvmfleet.compute {made})" if isinstance(made, str) else ""
        return f"version: {version!r}: must be {VERSION}, which this collection reads{by}; plan again"
    wrong = sentence(shape_check.faults(_PLAN, document))
    if not wrong and document["digest"] != digest_of(document):
        wrong = f"digest: is not that of the plan, which was changed or cut after {document['created_at']}; plan again"
    return wrong
