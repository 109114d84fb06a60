# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The operators of extra specs (``nova/scheduler/filters/extra_specs_ops.py``); pure."""

from __future__ import annotations

import operator
import typing as t

NUMERIC: dict[str, t.Callable[[t.Any, t.Any], bool]] = {
    # Nova's plain = asks for at least.
    "=": operator.ge,
    "==": operator.eq,
    "!=": operator.ne,
    ">=": operator.ge,
    "<=": operator.le,
}
TEXT: dict[str, t.Callable[[t.Any, t.Any], bool]] = {
    "s==": operator.eq,
    "s!=": operator.ne,
    "s<": operator.lt,
    "s<=": operator.le,
    "s>": operator.gt,
    "s>=": operator.ge,
}


def match(value: str, wanted: str) -> bool:
    """True if a host's value fulfils an extra spec; ValueError if a number is compared with something else."""
    operation, *words = wanted.split() or [""]
    if operation == "<or>":
        if not words:
            raise ValueError(f"{wanted!r}: <or> needs a value")
        return value in words[::2]
    if operation not in NUMERIC and operation not in TEXT and operation not in ("<in>", "<all-in>"):
        return value == wanted
    if not words:
        return False
    if operation == "<in>":
        return words[0] in value
    if operation == "<all-in>":
        return all(word in value for word in words)
    if operation in NUMERIC:
        return NUMERIC[operation](float(value), float(words[0]))
    return TEXT[operation](value, words[0])
