# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Extra specs without an effect, and what the misspelt ones may have meant."""

from __future__ import annotations

import pytest

from ansible_collections.kvmfleet.compute.plugins.plugin_utils.hardware import extra_specs


@pytest.mark.parametrize(
    ("given", "text"),
    [
        (["hw:pmu", "hw:boot_menu"], "hw:boot_menu, hw:pmu"),
        (["hw:mem_page_siz"], "hw:mem_page_siz (not known to Nova; did you mean hw:mem_page_size?)"),
        (["HW:pmu"], "HW:pmu"),
        (["quota:cpu_qouta", "quota:cpu_quota"], "quota:cpu_qouta (not known to Nova; did you mean quota:cpu_quota?), quota:cpu_quota"),
        (["os:zzzzzzzzzzzzzzzzzzzzzzzzz"], "os:zzzzzzzzzzzzzzzzzzzzzzzzz (not known to Nova)"),
        (["hw:numa_cpus.0", "hw:numa_cpus.x"], "hw:numa_cpus.0, hw:numa_cpus.x (not known to Nova"),
        (["our:own"], "our:own"),
    ],
)
def test_each_spec_is_named_and_a_slip_gets_a_suggestion(given: list[str], text: str) -> None:
    found = extra_specs.idle(given)
    assert found.startswith(text) if text.endswith("Nova") else found == text


def test_the_names_of_topology_and_of_rates_are_nova_s() -> None:
    assert {"hw:cpu_max_threads", "quota:disk_total_iops_sec", "quota:vif_outbound_burst"} <= extra_specs.NAMES
