# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From Ansible's tagged and lazy containers to plain data, once, at the edge."""

from __future__ import annotations

import typing as t
from collections.abc import Collection, Mapping, Sequence, Set

# Python refuses to write much larger ones as text, which every message does; YAML reads them where they are hexadecimal.
MOST_BITS = 1024

# Values that are plain already, by their exact type.
LEAVES = frozenset({str, bool, float, type(None)})


class NotPlain(ValueError):
    """A value that has no JSON type; the message names its path."""

    def __init__(self, rule: str, path: str = "") -> None:
        super().__init__(f"{path.removeprefix('.') or 'value'}: {rule}")
        self.rule, self.path = rule, path

    def below(self, step: str) -> NotPlain:
        """The same, seen from one level up."""
        return NotPlain(self.rule, step + self.path)


def plain(value: object, path: str = "") -> t.Any:
    """``value``, which stands at ``path``, rebuilt from dict, list, str, bool, int, float and None only; NotPlain for anything else."""
    try:
        return _plain(value)
    except NotPlain as error:
        raise error.below(path) from None


def _plain(value: object) -> t.Any:
    # A fleet's facts are millions of values: what is a leaf already costs one look.
    kind = type(value)
    if kind in LEAVES:
        return value
    if isinstance(value, str):
        return str(value)
    if isinstance(value, int):
        if value.bit_length() > MOST_BITS:
            raise NotPlain(f"a number of {value.bit_length()} bits is too large")
        return int(value)
    if isinstance(value, float):
        return float(value)
    if isinstance(value, (dict, Mapping)):
        return _plain_mapping(value)
    if isinstance(value, (list, Sequence, Set)) and not isinstance(value, (bytes, bytearray)):
        return _plain_list(value)
    raise NotPlain(f"a {kind.__name__} is not plain data (text, number, true/false, list or mapping)")


def _plain_mapping(value: Mapping[object, object]) -> dict[str, object]:
    found: dict[str, object] = {}
    for key, item in value.items():
        try:
            found[str(key)] = item if type(item) in LEAVES else _plain(item)
        except NotPlain as error:
            raise error.below(f".{key}") from None
    return found


def _plain_list(value: Collection[object]) -> list[object]:
    found: list[object] = []
    for item in value:
        try:
            found.append(item if type(item) in LEAVES else _plain(item))
        except NotPlain as error:
            raise error.below(f"[{len(found)}]") from None
    return found
