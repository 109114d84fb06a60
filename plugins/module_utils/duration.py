# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A time span as people write it; pure."""

from __future__ import annotations

import re

_SPAN = re.compile(r"\s*([0-9]{1,12})\s*([smhdw]?)\s*\Z", re.ASCII)
_UNITS = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86400, "w": 7 * 86400}
MOST_S = 10 * 366 * 86400


def seconds_of(text: str) -> int:
    """The seconds of such as ``90``, ``30m``, ``2h``, ``3d`` or ``1w``; ValueError for anything else, and for none or more than ten years."""
    found = _SPAN.match(text)
    seconds = int(found.group(1)) * _UNITS[found.group(2)] if found else 0
    if not 1 <= seconds <= MOST_S:
        raise ValueError(f"{text!r} must be a number of seconds from 1, or a number with s, m, h, d or w, such as 2h or 3d, of ten years at most")
    return seconds
