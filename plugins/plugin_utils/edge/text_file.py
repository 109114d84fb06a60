# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A text file on the controller, replaced whole or not at all."""

from __future__ import annotations

import os
import tempfile


def write(path: str, text: str, mode: int) -> None:
    """Put the text there with these permissions; OSError where that can't be. What is no character in it (half a surrogate pair) becomes a question mark."""
    # mkstemp makes it 0600, so that it is never readable by more than it is meant to be.
    descriptor, temporary = tempfile.mkstemp(dir=os.path.dirname(os.path.abspath(path)), prefix=".kvmfleet-")
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8", errors="replace") as file:
            file.write(text)
        os.chmod(temporary, mode)
        os.replace(temporary, path)
    except BaseException:
        os.unlink(temporary)
        raise
