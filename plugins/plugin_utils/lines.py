# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sentences as lines that no output format of Ansible breaks at 80 columns; pure."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence

# Characters of a line: output formats indent and quote it.
WIDTH = 68
# Names in a sentence.
MOST_NAMES = 3


def wrapped(text: str) -> list[str]:
    """The lines of a text; what goes on in the next line is indented."""
    margin = " " * (len(text) - len(text.lstrip(" ")) + 4)
    return textwrap.wrap(text, WIDTH, subsequent_indent=margin, break_on_hyphens=False) or [""]


def named(names: Sequence[str], most: int = MOST_NAMES) -> str:
    """The first names, and how many more there are; nothing of none."""
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more
