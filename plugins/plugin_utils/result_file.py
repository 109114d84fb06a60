# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The whole result of a run as a JSON file on the controller, written by the plugin itself: a task of its own would wait for a module to start."""

from __future__ import annotations

import json
import os
import tempfile
import typing as t


class ResultFileError(OSError):
    """It can't be written; the message names the path."""


def write(path: str, report: list[dict[str, t.Any]]) -> None:
    """{version, servers}, mode 0644, replaced atomically."""
    try:
        descriptor, temporary = tempfile.mkstemp(dir=os.path.dirname(os.path.abspath(path)), prefix=".kvmfleet-")
        try:
            with os.fdopen(descriptor, "w", encoding="utf-8") as file:
                json.dump({"version": 1, "servers": report}, file, indent=4)
                file.write("\n")
            os.chmod(temporary, 0o644)
            os.replace(temporary, path)
        except BaseException:
            os.unlink(temporary)
            raise
    except OSError as error:
        raise ResultFileError(f"result_file {path}: {error.strerror}") from None
