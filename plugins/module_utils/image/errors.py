# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What can be wrong with an image, by Nova's and Glance's class names. None of it gets better on another host."""

from __future__ import annotations

import typing as t


class ImageError(Exception):
    """A failure of one image: ImageNotFound, ImageUnacceptable, ImageChecksumMismatch, ImageDownloadFailed or NoSpaceForImage, and one sentence."""

    def __init__(self, error_class: str, message: str) -> None:
        super().__init__(message)
        self.error_class = error_class
        self.message = message

    def as_dict(self) -> dict[str, t.Any]:
        """{error_class, message, reschedule}."""
        return {"error_class": self.error_class, "message": self.message, "reschedule": False}
