# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Limits of a NIC's bandwidth: Nova's extra specs and Neutron's rules in libvirt's units."""

from __future__ import annotations

import typing as t

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.kvmfleet.compute.plugins.module_utils.shapes import Bandwidth, Rate
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.hardware import bandwidth
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.shapes import BandwidthRule


def rate(average: int, peak: int | None = None, burst: int | None = None) -> Rate:
    return {"average": average, "peak": peak, "burst": burst}


def limits(inbound: Rate | None = None, outbound: Rate | None = None) -> Bandwidth:
    return {"inbound": inbound, "outbound": outbound}


def rule(direction: str, max_kbps: int, max_burst_kbps: int = 0) -> BandwidthRule:
    return {"direction": direction, "max_kbps": max_kbps, "max_burst_kbps": max_burst_kbps}


@pytest.mark.parametrize(
    ("specs", "found"),
    [
        ({}, None),
        ({"quota:cpu_quota": "5"}, None),
        ({"quota:vif_inbound_average": "125"}, limits(rate(125))),
        (
            {"quota:vif_outbound_average": "10", "quota:vif_outbound_peak": "20", "quota:vif_outbound_burst": "30"},
            limits(None, rate(10, 20, 30)),
        ),
        # As in Nova a peak without an average yields nothing.
        ({"quota:vif_inbound_peak": "20"}, None),
        ({"quota:vif_inbound_average": "0", "quota:vif_inbound_burst": "9"}, None),
        ({"quota:vif_inbound_average": "125", "quota:vif_inbound_peak": "0"}, limits(rate(125))),
        ({"quota:vif_inbound_average": "fast"}, None),
    ],
)
def test_extra_specs_are_kb_as_libvirt_s(specs: dict[str, str], found: Bandwidth | None) -> None:
    assert bandwidth.of_flavor(specs) == found


@pytest.mark.parametrize("value", ["", "-1", "1.5", "fast", "1k", "1" * 40, "\u0661", str(2**31), str(2**22)])
def test_an_amount_that_is_none_is_named(value: str) -> None:
    [fault] = bandwidth.spec_faults({"quota:vif_inbound_burst": value, "quota:vif_inbound_average": "1", "quota:disk_read_iops_sec": "x"})
    assert (fault.path, fault.value) == ("quota:vif_inbound_burst", value)


def test_what_counts_for_nothing_is_said() -> None:
    specs = {"quota:vif_inbound_peak": "1", "quota:vif_inbound_burst": "2", "quota:vif_outbound_average": "3", "quota:vif_outbound_peak": "4"}
    assert list(bandwidth.notes(specs)) == ["no effect without quota:vif_inbound_average: quota:vif_inbound_peak, quota:vif_inbound_burst"]


def test_a_port_s_rules_are_kbit_and_see_it_as_the_guest_does() -> None:
    assert bandwidth.of_port([]) is None
    assert bandwidth.of_port([rule("egress", 8000, 1600)]) == limits(None, rate(1000, None, 200))
    # Neutron's burst, where none is named.
    assert bandwidth.of_port([rule("ingress", 8000), rule("egress", 8)]) == limits(rate(1000, None, 800), rate(1, None, 1))


def test_a_port_s_limit_counts_and_the_flavor_s_in_the_other_direction() -> None:
    of_port, of_flavor = limits(rate(1)), limits(rate(2), rate(3))
    assert bandwidth.chosen(of_port, of_flavor) == limits(rate(1), rate(3))
    assert (bandwidth.chosen(None, of_flavor), bandwidth.chosen(of_port, None), bandwidth.chosen(None, None)) == (of_flavor, of_port, None)


@given(st.integers(8, 2**31 - 1), st.integers(0, 2**31 - 1))
def test_no_rounding_gives_more_than_a_rule_allows_or_nothing_at_all(max_kbps: int, max_burst_kbps: int) -> None:
    found = bandwidth.of_port([rule("ingress", max_kbps, max_burst_kbps)])
    assert found is not None
    inbound: t.Any = found["inbound"]
    assert max_kbps - 8 < inbound["average"] * 8 <= max_kbps and 1 <= inbound["burst"] < 2**32 / 1024
