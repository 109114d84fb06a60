# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The images that a host answers for: a host may answer anything."""

from __future__ import annotations

import typing as t
from collections.abc import Mapping

from ansible.errors import AnsibleActionFail

from ansible_collections.kvmfleet.compute.plugins.module_utils.shapes import ImageResult
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.schema.fits import fits
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.schema.words import BOOLEAN, NUMBER, TEXT, Schema, list_of, open_mapping

# What the controller counts on.
_ERROR: Schema = {"type": ["object", "null"], "properties": {"error_class": TEXT, "message": TEXT}, "required": ["error_class", "message"]}
_ROWS: Schema = list_of(
    open_mapping(
        {"id": TEXT, "name": TEXT, "needs_staging": BOOLEAN, "changed": BOOLEAN, "seconds": NUMBER, "error": _ERROR},
        required=("id", "needs_staging"),
    )
)


def image_rows(answer: Mapping[str, t.Any]) -> list[ImageResult]:
    """The images of an answer; AnsibleActionFail if they are none."""
    rows: list[ImageResult] = answer.get("images") or []
    if not fits(_ROWS, rows):
        raise AnsibleActionFail("the host answered with something that is no list of images")
    return [_whole(row) for row in rows]


def _whole(row: ImageResult) -> ImageResult:
    """With what may be null and was left out."""
    whole: t.Any = {"name": None, "error": None, **row}
    found: ImageResult = whole
    return found
