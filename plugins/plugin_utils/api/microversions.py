# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What each microversion changed in the body of POST /servers, in one table, and the schema as of a version; pure.

Follows the schemas that ``nova/api/openstack/compute/servers.py: ServersController.create`` names for its ranges of versions.
"""

from __future__ import annotations

import copy
import functools
import re
import typing as t

from ansible_collections.kvmfleet.compute.plugins.plugin_utils.api.schema import BODY, HOST_NAME, NETWORK, TAG, UUID, Schema, field, list_of

OLDEST, NEWEST = "2.1", "2.104"
MINORS = range(1, 105)


class Change(t.NamedTuple):
    """A field as it is from a version on; ``schema`` None: it is gone."""

    version: str
    path: str
    schema: Schema | None
    note: str
    required: bool = False


# Tags name devices in the guest's metadata only, so nothing is checked beside them.
_TAG = field(TAG, "names the device in the guest's metadata")
_NETWORKS = field(
    {"type": ["string", "array"], "items": NETWORK, "if": {"type": "string"}, "then": {"enum": ["auto", "none"]}},
    "auto or empty: the one network that there is; none: no port",
)
_LEAF_NAME: Schema = {"type": "string", "minLength": 2, "maxLength": 63, "pattern": r"\A[a-zA-Z0-9]+[a-zA-Z0-9\-]*[a-zA-Z0-9]+\Z"}
_CERTIFICATES: Schema = {
    "type": ["array", "null"],
    "minItems": 1,
    "maxItems": 50,
    "uniqueItems": True,
    "items": {"type": "string", "minLength": 1},
}
_DESTINATION = "not together with zone:host; policy create:requested_destination"
_ONE = "one server only"

CHANGES = (
    Change("2.19", "description", {"type": ["string", "null"], "maxLength": 255, "format": "printable"}, "before: the name"),
    Change("2.32", "networks[].tag", _TAG, ""),
    Change("2.32", "block_device_mapping_v2[].tag", _TAG, ""),
    Change("2.33", "block_device_mapping_v2[].tag", None, "2.32 has it, and 2.42 and later"),
    Change("2.37", "networks", _NETWORKS, "auto, none or a list; required", required=True),
    Change("2.37", "networks[].uuid", field(UUID, NETWORK["properties"]["uuid"]["description"]), "a UUID by the schema, not by code only"),
    Change("2.42", "networks[].tag", _TAG, "again"),
    Change("2.42", "block_device_mapping_v2[].tag", _TAG, "again"),
    Change("2.52", "tags", list_of(TAG, maxItems=50), ""),
    Change("2.57", "personality", None, "put files into the user data"),
    Change("2.63", "trusted_image_certificates", field(_CERTIFICATES, "signatures are not verified here; policy create:trusted_certs"), ""),
    Change("2.67", "block_device_mapping_v2[].volume_type", {"type": ["string", "null"], "maxLength": 255}, ""),
    Change("2.74", "host", field(HOST_NAME, f"a host of the play; {_DESTINATION}"), ""),
    Change("2.74", "hypervisor_hostname", field(HOST_NAME, f"a node of the play; {_DESTINATION}"), ""),
    Change("2.90", "hostname", field(_LEAF_NAME, _ONE), ""),
    Change("2.94", "hostname", field(HOST_NAME, _ONE), "dots and underscores, 255 characters"),
)


class InvalidVersion(ValueError):
    """A version that Nova does not have; ``error_class`` and ``http_status`` are Nova's."""

    def __init__(self, rule: str, error_class: str = "InvalidAPIVersionString", http_status: int = 400) -> None:
        super().__init__(rule)
        self.rule, self.error_class, self.http_status = rule, error_class, http_status


def _minor(version: str) -> int:
    return int(version.partition(".")[2])


def parse(version: t.Any) -> int:
    """The minor number of ``2.N``; ``latest`` is the newest (``nova/api/openstack/wsgi.py: Request.set_api_version_request``)."""
    if not isinstance(version, str):
        # YAML reads 2.90 as the number 2.9: what was meant can't be told any more.
        raise InvalidVersion(f'must be text in quotes, such as "{NEWEST}"')
    if version == "latest":
        return MINORS[-1]
    if not re.fullmatch(r"(0|[1-9][0-9]*)\.(0|[1-9][0-9]*)", version, re.ASCII):
        raise InvalidVersion(f"must be 2.N, from {OLDEST} to {NEWEST}, or latest")
    if not version.startswith("2.") or len(version) > len(NEWEST) or _minor(version) not in MINORS:
        raise InvalidVersion(f"unknown version of the API; known: {OLDEST} to {NEWEST}", "InvalidGlobalAPIVersion", 406)
    return _minor(version)


def _place(server: Schema, path: str) -> tuple[dict[str, Schema], str]:
    """The properties that a path's last part is one of, and that part."""
    *above, name = path.split(".")
    for part in above:
        server = server["properties"][part.removesuffix("[]")]["items"]
    return server["properties"], name


@functools.cache
def body_since(changes: int) -> Schema:
    """The schema of a whole body after so many changes; ``era`` has their number for a version."""
    body = copy.deepcopy(BODY)
    server = body["properties"]["server"]
    for change in CHANGES[:changes]:
        properties, name = _place(server, change.path)
        if change.schema is None:
            del properties[name]
            continue
        properties[name] = copy.deepcopy(change.schema)
        if change.required:
            server["required"].append(name)
    return body


@functools.cache
def era(minor: int) -> int:
    """How many changes a version has: versions with as many have one schema."""
    return sum(1 for change in CHANGES if _minor(change.version) <= minor)


def missing_because(path: str, minor: int) -> str | None:
    """Why 2.``minor`` lacks a field that another version has; ``path`` without indexes. None for a field that no version has."""
    changes = [change for change in CHANGES if change.path == path]
    coming = next((change for change in changes if _minor(change.version) > minor and change.schema), None)
    gone = next((change for change in reversed(changes) if _minor(change.version) <= minor and change.schema is None), None)
    rules = [f"gone since {gone.version}: {gone.note}"] if gone and not coming else []
    rules += [f"came {'back ' if gone else ''}with {coming.version}, and this request is checked as of 2.{minor}"] if coming else []
    return "; ".join(rules) or None
