# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What --diff shows of servers that are there."""

from __future__ import annotations

from ansible_collections.kvmfleet.compute.plugins.module_utils.remedies import MANUAL, REBUILD, RERUN
from ansible_collections.kvmfleet.compute.plugins.module_utils.shapes import Drift
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.conductor.drift_diff import drift_diffs
from ansible_collections.kvmfleet.compute.tests.unit import make

POWER: Drift = {"path": "power_state", "wanted": "running", "actual": "shutdown", "remedy": RERUN}
FILE: Drift = {"path": "missing_files", "wanted": "/i/disk.config", "actual": None, "remedy": RERUN}
OTHERS: list[Drift] = [{**POWER, "path": "flavorRef", "remedy": REBUILD}, {**POWER, "path": "libvirt", "remedy": MANUAL}]


def test_what_a_run_applies_is_shown_and_nothing_else() -> None:
    servers = [make.placed(make.instance(name), drift=drift) for name, drift in (("a", [POWER, *OTHERS, FILE]), ("b", OTHERS), ("c", [POWER]))]
    assert drift_diffs(servers, {"a", "b"}) == [
        {
            "before_header": "a as it is",
            "after_header": "a as requested",
            "before": 'power_state: "shutdown"\n',
            "after": 'power_state: "running"\nmissing_files: "/i/disk.config"\n',
        }
    ]
