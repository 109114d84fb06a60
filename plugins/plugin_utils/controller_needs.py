# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the controller's Python must be and have, each as a sentence that names that Python; pure, and itself fit for an older one."""

from __future__ import annotations

LEAST_PYTHON = (3, 11)
LEAST_CORE = (2, 16)


def too_old(python: tuple[int, int], core: str, executable: str) -> str | None:
    """What is too old; None if nothing is. ``python``: major and minor; ``core``: ansible-core's version, such as 2.16.3."""
    if python < LEAST_PYTHON:
        return f"kvmfleet.compute needs Python {_text(LEAST_PYTHON)} or newer on the controller: ansible is run by {executable}, which is {_text(python)}"
    major, minor = core.split(".")[:2]
    if (int(major), int(minor)) < LEAST_CORE:
        return f"kvmfleet.compute needs ansible-core {_text(LEAST_CORE)} or newer: {executable} runs ansible-core {core}"
    return None


def not_installed(library: str, executable: str) -> str:
    """That a library of PyPI is missing."""
    return f"kvmfleet.compute needs {library} on the controller: pip install {library} into {executable}, which runs ansible"


def _text(version: tuple[int, int]) -> str:
    return "{}.{}".format(*version)
