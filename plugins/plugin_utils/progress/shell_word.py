# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A host's path in a command for its shell; pure."""

from __future__ import annotations

import shlex

HOME = "~/"


def shell_word(path: str) -> str:
    """The path as one word; a home folder stays that of whoever logs in there, as it is for modules."""
    return HOME + shlex.quote(path[len(HOME) :]) if path.startswith(HOME) and path != HOME else shlex.quote(path)
