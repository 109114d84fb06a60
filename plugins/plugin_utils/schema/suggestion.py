# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a misspelt name may have meant; pure."""

from __future__ import annotations

import difflib
import functools
from collections.abc import Iterable

from ansible_collections.kvmfleet.compute.plugins.plugin_utils.lines import named

# More names than this tell a reader nothing.
MOST_KNOWN = 50


def nearest(name: object, known: Iterable[str]) -> str | None:
    """The known name that is most like the given one, whatever the case; None if none is."""
    return _nearest(str(name).lower(), tuple(known))


def _are_near(one: int, other: int) -> bool:
    """True if names of these lengths may be slips of each other: cidr is none of id."""
    return abs(one - other) < min(one, other)


# Many requests of a run may share a slip, and to compare names takes time.
@functools.lru_cache(maxsize=256)
def _nearest(name: str, known: tuple[str, ...]) -> str | None:
    by_lower = {item.lower(): item for item in known}
    near = difflib.get_close_matches(name, [item for item in by_lower if _are_near(len(item), len(name))], 1)
    return by_lower[near[0]] if near else None


def suggestion(name: object, known: Iterable[str]) -> str:
    """``; did you mean x?`` or, if nothing is near, ``; known: a, b``, to stand behind a rule."""
    names = list(known)
    near = nearest(name, names)
    if near is not None:
        return f"; did you mean {near}?"
    return f"; known: {named(names, MOST_KNOWN) or 'none'}"
