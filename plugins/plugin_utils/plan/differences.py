# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where two pieces of plain data differ: pure."""

from __future__ import annotations

import typing as t
from collections.abc import Iterator

from ansible_collections.kvmfleet.compute.plugins.plugin_utils.schema.fault import join


class Difference(t.NamedTuple):
    """One value that is another one now."""

    path: str  # networks[0].name; empty: the whole
    was: object  # None: nothing
    now: object  # None: nothing


def differences(was: object, now: object, path: str = "") -> Iterator[Difference]:
    """The smallest values that differ, in the order of what is there now; a null is as good as nothing, a list of another length is one value."""
    if isinstance(was, dict) and isinstance(now, dict):
        for key in dict.fromkeys((*now, *was)):
            yield from differences(was.get(key), now.get(key), join(path, str(key)))
    elif isinstance(was, list) and isinstance(now, list) and len(was) == len(now):
        for index, (one, other) in enumerate(zip(was, now, strict=True)):
            yield from differences(one, other, f"{path}[{index}]")
    elif was != now or isinstance(was, bool) != isinstance(now, bool):
        yield Difference(path, was, now)
