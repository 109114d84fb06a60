# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What can go wrong on a host with a server, an image or the hypervisor, by Nova's and Glance's class names: one family.

``reschedule`` follows ``nova/compute/manager.py: _do_build_and_run_instance``: a refused claim or a hypervisor's failure may be tried on another
host, bad input and image or network errors may not. ``unknown`` says that the work may have taken effect all the same, so that nobody else may try.
"""

from __future__ import annotations

import traceback
import typing as t

from ansible_collections.kvmfleet.compute.plugins.module_utils.shapes import Error


class KvmfleetError(Exception):
    """Nova's error class, one sentence, whether another host may do better, and whether the outcome is unknown (then no other host may try)."""

    def __init__(self, error_class: str, message: str, reschedule: bool = False, unknown: bool = False) -> None:
        super().__init__(message)
        self.error_class = error_class
        self.message = message
        self.reschedule = reschedule and not unknown
        self.unknown = unknown

    def as_dict(self) -> Error:
        """The error as an outcome carries it."""
        return {"error_class": self.error_class, "message": self.message, "reschedule": self.reschedule}


class ServerError(KvmfleetError):
    """A failure of one server."""


class ImageError(KvmfleetError):
    """A failure of one image (ImageNotFound, ImageUnacceptable, ImageChecksumMismatch, ImageDownloadFailed, NoSpaceForImage): no other host does better."""

    def __init__(self, error_class: str, message: str) -> None:
        super().__init__(error_class, message, reschedule=False)


class HypervisorError(KvmfleetError):
    """Libvirt refused, with its own message and its VIR_ERR_* number as ``code``; or it is ``lost``: it went away or does not answer.

    What a call did that was ``sent`` to a lost one is unknown; what was not sent has changed nothing.
    """

    def __init__(self, message: str, code: t.Optional[int] = None, lost: bool = False, sent: bool = True) -> None:
        super().__init__("LibvirtError", message, unknown=lost)
        self.code = code
        self.sent = sent


def unexpected(error: BaseException) -> Error:
    """The error of what nobody expected, with its traceback."""
    text = "".join(traceback.format_exception(type(error), error, error.__traceback__))
    return {"error_class": type(error).__name__, "message": f"unexpected {type(error).__name__}: {error}", "reschedule": False, "exception": text}
