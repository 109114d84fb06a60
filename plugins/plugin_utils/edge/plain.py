# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From Ansible's tagged and lazy containers to plain data, once, at the edge."""

from __future__ import annotations

import typing as t
from collections.abc import Mapping, Sequence, Set

# Python refuses to write much larger ones as text, which every message does; YAML reads them where they are hexadecimal.
MOST_BITS = 1024


class NotPlain(ValueError):
    """A value that has no JSON type; the message names its path."""


def plain(value: t.Any, path: str = "") -> t.Any:
    """``value`` rebuilt from dict, list, str, bool, int, float and None only; raises NotPlain for anything else."""
    if value is None or isinstance(value, bool):
        return None if value is None else bool(value)
    if isinstance(value, str):
        return str(value)
    if isinstance(value, int):
        if value.bit_length() > MOST_BITS:
            raise NotPlain(f"{path or 'value'}: a number of {value.bit_length()} bits is too large")
        return int(value)
    if isinstance(value, float):
        return float(value)
    if isinstance(value, Mapping):
        return {str(key): plain(item, f"{path}.{key}" if path else str(key)) for key, item in value.items()}
    if isinstance(value, (Sequence, Set)) and not isinstance(value, (bytes, bytearray)):
        return [plain(item, f"{path}[{index}]") for index, item in enumerate(value)]
    raise NotPlain(f"{path or 'value'}: a {type(value).__name__} is not plain data (text, number, true/false, list or mapping)")
