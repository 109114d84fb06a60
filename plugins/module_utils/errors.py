# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What can go wrong on a host with a server or an image, by Nova's and Glance's class names: one family.

``reschedule`` follows ``nova/compute/manager.py: _do_build_and_run_instance``: a refused claim or a hypervisor's failure may be tried on another
host, bad input and image or network errors may not.
"""

from __future__ import annotations

import typing as t


class KvmfleetError(Exception):
    """Nova's error class, one sentence, and whether another host may do better."""

    def __init__(self, error_class: str, message: str, reschedule: bool = False) -> None:
        super().__init__(message)
        self.error_class = error_class
        self.message = message
        self.reschedule = reschedule

    def as_dict(self) -> dict[str, t.Any]:
        """{error_class, message, reschedule}, as an outcome carries it."""
        return {"error_class": self.error_class, "message": self.message, "reschedule": self.reschedule}


class ServerError(KvmfleetError):
    """A failure of one server."""


class ImageError(KvmfleetError):
    """A failure of one image (ImageNotFound, ImageUnacceptable, ImageChecksumMismatch, ImageDownloadFailed, NoSpaceForImage): no other host does better."""

    def __init__(self, error_class: str, message: str) -> None:
        super().__init__(error_class, message, reschedule=False)
