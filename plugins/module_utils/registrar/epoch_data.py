# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Epochs in data that came from a file or a task; pure."""

from __future__ import annotations

import typing as t

from ansible_collections.kvmfleet.compute.plugins.module_utils.shapes import Epoch, EpochOffer

T = t.TypeVar("T")


def read_epoch(given: object) -> Epoch:
    """The epoch; ValueError if it is none."""
    fields = mapping(given, "an epoch")
    return {
        "number": field(fields, "number", int),
        "id": field(fields, "id", str),
        "fleet": field(fields, "fleet", str),
        "store": field(fields, "store", str),
        "registrar": field(fields, "registrar", str),
        "is_carried": field(fields, "is_carried", bool),
        "hosts": _names(field(fields, "hosts", list)),
        "replaces": [_names(names) for names in field(fields, "replaces", list)],
    }


def read_offer(given: object) -> EpochOffer:
    """The offer; ValueError if it is none."""
    fields = mapping(given, "an offer")
    expected = None if fields.get("expected") is None else field(fields, "expected", str)
    return {"epoch": read_epoch(fields.get("epoch")), "expected": expected}


def mapping(given: object, what: str) -> t.Dict[str, object]:
    """The fields of a mapping; ValueError if it is none."""
    if not isinstance(given, dict):
        raise ValueError(f"{what} is a mapping")
    fields: t.Dict[str, object] = given
    return fields


def field(fields: t.Dict[str, object], key: str, kind: t.Type[T]) -> T:
    """A field of this type; ValueError if it is none."""
    value = fields.get(key)
    # True is a number for Python.
    if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
        raise ValueError(f"{key} is not there or no {kind.__name__}")
    return value


def _names(given: object) -> t.List[str]:
    names: t.List[object] = given if isinstance(given, list) else [None]
    if not all(isinstance(name, str) for name in names):
        raise ValueError("hosts and replaces have names of hosts")
    return [str(name) for name in names]
