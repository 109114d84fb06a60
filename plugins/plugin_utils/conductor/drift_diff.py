# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a run changes of servers that are there, as Ansible shows differences; pure."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable

from ansible_collections.kvmfleet.compute.plugins.module_utils.remedies import RERUN
from ansible_collections.kvmfleet.compute.plugins.module_utils.shapes import Diff
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.shapes import Placed


def _line(path: str, value: object) -> str:
    """Nothing is no line."""
    return "" if value is None else f"{path}: {json.dumps(value, ensure_ascii=False)}\n"


def drift_diffs(servers: Iterable[Placed], changed: Collection[str]) -> list[Diff]:
    """One for each server of ``changed`` (uuids) that differs from its request in what a run applies."""
    diffs: list[Diff] = []
    for server in servers:
        instance = server["instance"]
        applied = [item for item in server["drift"] if item["remedy"] == RERUN]
        if applied and instance["uuid"] in changed:
            diffs.append(
                {
                    "before_header": f"{instance['display_name']} as it is",
                    "after_header": f"{instance['display_name']} as requested",
                    "before": "".join(_line(item["path"], item["actual"]) for item in applied),
                    "after": "".join(_line(item["path"], item["wanted"]) for item in applied),
                }
            )
    return diffs
