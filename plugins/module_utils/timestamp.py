# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A point in time as a record keeps it: ISO 8601, UTC, to the second; pure."""

from __future__ import annotations

import datetime
import typing as t

_FORM = "%Y-%m-%dT%H:%M:%SZ"


def timestamp(seconds: float) -> str:
    """The text of a Unix time in s."""
    return datetime.datetime.fromtimestamp(int(seconds), datetime.timezone.utc).strftime(_FORM)


def unix_time(text: t.Optional[str]) -> t.Optional[float]:
    """The Unix time in s of such a text; None if it is none."""
    try:
        return datetime.datetime.strptime(text or "", _FORM).replace(tzinfo=datetime.timezone.utc).timestamp()
    except ValueError:
        return None
