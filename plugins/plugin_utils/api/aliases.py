# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The friendly names beside Nova's: ``flavor``, ``image``, ``networks[].name``, ``scheduler_hints``, ``user_data_text``; pure.

A request becomes a whole body of POST /servers; an alias together with its field is an error, never a silent mix.
"""

from __future__ import annotations

import typing as t

from ansible_collections.kvmfleet.compute.plugins.plugin_utils.api.body import user_data_of
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.api.catalogue import Catalogue, derived_id
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.api.schema import HINT_KEYS
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.schema import formats
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.schema.fault import Fault

FIELDS = {
    "flavor": "flavorRef",
    "image": "imageRef",
    "user_data_text": "user_data",
    "networks[].name": "networks[].uuid",
    "scheduler_hints": HINT_KEYS[0],
}


class Aliased(t.NamedTuple):
    """A request by Nova's names, and how to name its fields as they are written."""

    body: dict[str, t.Any]  # of POST /servers, not checked yet
    aliases: dict[str, str]  # the alias' path, by Nova's
    written: dict[str, object]  # the value as written, by Nova's path
    clashes: list[Fault]  # an alias together with its field


def _reference(catalogue: Catalogue | None, kind: str, singular: str, value: object) -> object:
    """The id that stands for a name; an unknown name gets the id that it would have, so that the look-up fails by that name."""
    if not isinstance(value, (str, int)) or isinstance(value, bool):
        return value
    known = catalogue.id_of(kind, value) if catalogue else None
    return known or (str(value) if kind == "flavors" else derived_id(singular, str(value)))


def to_body(request: dict[str, t.Any], catalogue: Catalogue | None) -> Aliased:
    """A request as a body of POST /servers."""
    whole = isinstance(request.get("server"), dict)
    server = dict(request["server"]) if whole else dict(request)
    body: dict[str, t.Any] = {key: value for key, value in request.items() if key != "server"} if whole else {}
    aliases: dict[str, str] = {}
    written: dict[str, object] = {}
    clashes: list[Fault] = []

    def rename(alias: str, field: str, value: object) -> None:
        aliases[field], written[field] = alias, server.pop(alias)
        if field in server:
            clashes.append(Fault(alias, written[field], f"must not be given together with {field}"))
        else:
            server[field] = value

    for key in (*HINT_KEYS, "scheduler_hints"):
        if not whole and key in server:
            body[key] = server.pop(key)
    if "scheduler_hints" in body:
        if any(key in body for key in HINT_KEYS):
            clashes.append(Fault("scheduler_hints", None, f"must not be given together with {HINT_KEYS[0]}"))
            body.pop("scheduler_hints")
        else:
            body[HINT_KEYS[0]] = body.pop("scheduler_hints")
            aliases[HINT_KEYS[0]] = "scheduler_hints"
    for alias in ("flavor", "image"):
        if alias in server:
            rename(alias, FIELDS[alias], _reference(catalogue, f"{alias}s", alias, server[alias]))
    if "user_data_text" in server:
        encoded = user_data_of(server)
        rename("user_data_text", FIELDS["user_data_text"], encoded if encoded is not None else server["user_data_text"])
    if isinstance(server.get("networks"), list):
        server["networks"] = [_network(item, f"networks[{index}]", catalogue, aliases, written, clashes) for index, item in enumerate(server["networks"])]
        if not whole:
            server["networks"] = [_port(item, f"networks[{index}].port", catalogue, written) for index, item in enumerate(server["networks"])]
    if "block_device_mapping" in server and "block_device_mapping_v2" not in server:
        # It becomes a mapping of today, whose faults are then those of this field.
        aliases["block_device_mapping_v2"] = "block_device_mapping"
    _group(body, catalogue, written, is_nova_s=whole)
    # What is missing in a request with our names is missing by our name.
    aliases.update({FIELDS[alias]: alias for alias in ("flavor", "image") if not whole and FIELDS[alias] not in server})
    body["server"] = server
    return Aliased(body, aliases, written, clashes)


def _network(item: object, path: str, catalogue: Catalogue | None, aliases: dict[str, str], written: dict[str, object], clashes: list[Fault]) -> object:
    if not isinstance(item, dict) or "name" not in item:
        return item
    network = dict(item)
    name = network.pop("name")
    if "uuid" in network:
        clashes.append(Fault(f"{path}.name", name, "must not be given together with uuid"))
        return network
    aliases[f"{path}.uuid"], written[f"{path}.uuid"] = f"{path}.name", name
    network["uuid"] = _reference(catalogue, "networks", "network", name)
    return network


def _port(item: object, path: str, catalogue: Catalogue | None, written: dict[str, object]) -> object:
    """A network with its port by the id, which may be given by its name."""
    port = item.get("port") if isinstance(item, dict) else None
    if not isinstance(item, dict) or not isinstance(port, str) or formats.is_uuid(port):
        return item
    written[path] = port
    return dict(item, port=_reference(catalogue, "ports", "port", port))


def _group(body: dict[str, t.Any], catalogue: Catalogue | None, written: dict[str, object], *, is_nova_s: bool) -> None:
    """A server group by its name. Nova's hint takes a UUID, so that in a body of Nova's only a name that the catalogue has stands for one."""
    hints = body.get(HINT_KEYS[0])
    if not isinstance(hints, dict) or not isinstance(hints.get("group"), str) or catalogue is None:
        return
    name = hints["group"]
    if catalogue.server_groups.find(name) or not (is_nova_s or formats.is_uuid(name)):
        written[f"{HINT_KEYS[0]}.group"] = name
        body[HINT_KEYS[0]] = dict(hints, group=_reference(catalogue, "server_groups", "server_group", name))
