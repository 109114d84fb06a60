# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is wrong with the scheduler's settings, all of it at once and before anything is placed."""

from __future__ import annotations

import pytest

from ansible_collections.kvmfleet.compute.plugins.plugin_utils.scheduler.settings import faults


def test_every_fault_of_all_three() -> None:
    options = {"filter_scheduler": {"ram_weight_multipler": 3, "host_subset_size": "many"}}
    found = [(fault.path, fault.rule) for fault in faults(options, ["Computee", "ComputeFilter", {"expression": "("}, "RamFilter"], ["ramm"])]
    assert [path for path, _rule in found] == [
        "compute_scheduler_options.filter_scheduler.host_subset_size",
        "compute_scheduler_options.filter_scheduler.ram_weight_multipler",
        "compute_scheduler_filters[0]",
        "compute_scheduler_filters[2]",
        "compute_scheduler_filters[3]",
        "compute_scheduler_weighers[0]",
    ]
    assert "did you mean ComputeFilter?" in dict(found)["compute_scheduler_filters[0]"]
    assert "was removed, as in Nova" in dict(found)["compute_scheduler_filters[3]"]


@pytest.mark.parametrize("items", [None, [], ["nova.scheduler.weights.all_weighers"], [{"name": "x", "expression": "host.free_ram_mb"}]])
def test_what_will_do(items: object) -> None:
    assert list(faults({"filter_scheduler": {"ram_weight_multiplier": 2}}, None, items)) == []
    assert list(faults(None, ["ComputeFilter"], None)) == []
