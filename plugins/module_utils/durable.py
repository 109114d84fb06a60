# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What must last through a power cut."""

from __future__ import annotations

import os


def sync_file(path: str) -> None:
    """The content of a file, or what was made in a folder or removed from it, lasts through a power cut."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
