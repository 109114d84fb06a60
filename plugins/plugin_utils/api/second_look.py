# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A request that breaks the schema, without what breaks it: so that the rest of it is checked in the same run; pure."""

from __future__ import annotations

import typing as t
from collections.abc import Collection, Iterable, Iterator

from ansible_collections.kvmfleet.compute.plugins.plugin_utils.api.schema import HINT_KEYS
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.api.server_body import Body
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.schema.fault import Fault

# What stands for a field that a body must have, and that nothing is said about.
STAND_INS: dict[str, str] = {"name": "?", "flavorRef": "", "networks": "none"}
# What can't be judged without another field.
NEEDS = {"imageRef": ("block_device_mapping", "block_device_mapping_v2"), "min_count": ("max_count",), "hostname": ("min_count", "max_count")}


def _is_at(path: str, field: str) -> bool:
    return path == field or path.startswith((f"{field}.", f"{field}["))


def fitting(given: dict[str, t.Any], faults: Iterable[Fault]) -> tuple[Body, set[str]] | None:
    """(the body without the fields that have a fault, those fields); None if there is no server in it."""
    server = given.get("server")
    if not isinstance(server, dict):
        return None
    paths = [fault.path for fault in faults]
    left_out = {field for field in (*server, *STAND_INS, *HINT_KEYS) if any(_is_at(path, field) for path in paths)}
    kept: t.Any = {field: value for field, value in server.items() if field not in left_out}
    kept.update({field: value for field, value in STAND_INS.items() if field in left_out})
    whole: t.Any = {"server": kept, **{key: given[key] for key in HINT_KEYS if key in given and key not in left_out}}
    body: Body = whole
    return body, left_out


def of_the_rest(faults: Iterable[Fault], left_out: Collection[str]) -> Iterator[Fault]:
    """The faults that what was left out has no part in."""
    for fault in faults:
        fields = [field for field in left_out if _is_at(fault.path, field)]
        needed = [other for field, others in NEEDS.items() if _is_at(fault.path, field) for other in others]
        if not fields and not set(needed).intersection(left_out):
            yield fault
