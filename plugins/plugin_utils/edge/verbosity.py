# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How much of a result is shown: of a large fleet it is megabytes, which nobody reads on a screen."""

from __future__ import annotations

import typing as t

# From -vvv on all is shown.
WHOLE = 3


def brief(result: dict[str, t.Any], verbosity: int) -> None:
    """Have -v and -vv show only that the task was done, and what it was given nowhere: another task's result has that."""
    if verbosity < WHOLE:
        result["_ansible_verbose_override"] = True
        result.pop("invocation", None)
