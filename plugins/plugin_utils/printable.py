# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A text of others on a screen; pure."""

from __future__ import annotations


def printable(text: str) -> str:
    """The text, without what would move or hide the text around it."""
    return "".join(character if character.isprintable() else "?" for character in text)
