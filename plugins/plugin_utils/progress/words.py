# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Words of the lines that tell how far a host is; pure."""

from __future__ import annotations

from collections.abc import Sequence

from ansible_collections.kvmfleet.compute.plugins.plugin_utils.printable import printable

MOST_NAMES = 3  # in one line; more of them are counted


def servers(names: Sequence[str]) -> str:
    """These servers, by name if they are few."""
    if len(names) > MOST_NAMES:
        return f"{len(names)} servers"
    *first, last = map(printable, names)
    return f"{', '.join(first)} and {last}" if first else last


def size(of_bytes: float) -> str:
    """Bytes in a unit that leaves few digits."""
    for unit, factor in (("GB", 10**9), ("MB", 10**6)):
        if of_bytes >= 10 * factor:
            return f"{of_bytes / factor:.0f} {unit}"
        if of_bytes >= factor:
            return f"{of_bytes / factor:.1f} {unit}"
    return f"{of_bytes / 1000:.0f} kB"


def span(seconds: float) -> str:
    """A time that is left, in s."""
    if seconds < 90:
        return f"{max(1, round(seconds))} s"
    return f"{round(seconds / 60)} min" if seconds < 5400 else f"{round(seconds / 3600)} h"
