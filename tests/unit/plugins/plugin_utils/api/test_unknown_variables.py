# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Variables that no role knows."""

from __future__ import annotations

import pytest

from ansible_collections.kvmfleet.compute.plugins.plugin_utils.api.unknown_variables import warnings
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.edge import role_specs

KNOWN = {name for options in role_specs.read().values() for name in options}


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("compute_flavour_file", "compute_flavors"),
        ("compute_flavours", "compute_flavors"),
        ("compute_flavor", "compute_flavors"),
        ("compute_wait_fro", "compute_wait_for"),
        ("compute_schedular_filters", "compute_scheduler_filters"),
        ("compute_sever_name", "compute_server_name"),
        ("compute_server_zones", "compute_server_zone"),
        ("compute_reserved_memory_mb", "compute_reserved_host_memory_mb"),
        ("compute_avalability_zone", "compute_availability_zone"),
        ("compute_delete_name", "compute_delete_names"),
        ("compute_host", "compute_hosts"),
        ("compute_Project", "compute_project"),
        ("compute_awx_inventroy", "compute_awx_inventory"),
    ],
)
def test_a_slip_is_told_with_what_was_meant(name: str, meant: str) -> None:
    assert warnings([name], KNOWN, lambda _name: "vars.yml:3") == [f"vars.yml:3: {name} is not an option of kvmfleet.compute; did you mean {meant}?"]


def test_what_is_like_nothing_is_one_sentence() -> None:
    assert warnings(["compute_x"], KNOWN, lambda _name: None) == ["compute_x is not an option of kvmfleet.compute"]
    assert warnings(["compute_x", "compute_q7"], KNOWN, lambda _name: None) == ["compute_q7, compute_x are not options of kvmfleet.compute"]


def test_what_is_known_is_not_told() -> None:
    for name in ("compute_flavors", "compute_policy", "compute_server_user_data", "compute_traits", "compute_hosts", "compute_console_name"):
        assert warnings([name], KNOWN, lambda _name: None) == []
