# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which secrets of an existing server differ from what is asked; their values are never shown."""

from __future__ import annotations

import typing as t

from ansible_collections.kvmfleet.compute.plugins.module_utils.compute.builder import Builder
from ansible_collections.kvmfleet.compute.plugins.module_utils.remedies import REBUILD
from ansible_collections.kvmfleet.compute.plugins.module_utils.shapes import Drift, Record

HIDDEN = "<hidden>"


def secrets_drift(builder: Builder, record: Record) -> t.List[Drift]:
    """The differences, by the keyed hashes; no password asked for is no difference."""
    asked, kept = builder.secret_hashes(record["uuid"]), record["secrets"]
    found: t.List[Drift] = []
    if kept["user_data"] != asked["user_data"]:
        found.append({"path": "user_data", "wanted": HIDDEN, "actual": HIDDEN, "remedy": REBUILD})
    if asked["admin_pass"] is not None and kept["admin_pass"] != asked["admin_pass"]:
        found.append({"path": "adminPass", "wanted": HIDDEN, "actual": HIDDEN, "remedy": REBUILD})
    return found
