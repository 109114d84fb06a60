# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a host has for networks that are made on demand, and how it says what it lacks."""

from __future__ import annotations

import collections.abc

import pytest

from ansible_collections.kvmfleet.compute.plugins.module_utils.network.on_demand import facts
from ansible_collections.kvmfleet.compute.plugins.module_utils.network.on_demand.facts import Lacks, lacks_of
from ansible_collections.kvmfleet.compute.plugins.module_utils.shapes import HostNetworks
from ansible_collections.kvmfleet.compute.tests.unit import make

NO_VLAN = "the host's kernel can't make VLAN (802.1Q) links: Error: Unknown device type."
NO_VXLAN = "the host's kernel can't make VXLAN links: RTNETLINK answers: Operation not supported"


@pytest.fixture(autouse=True)
def _anew() -> collections.abc.Iterator[None]:
    facts.lacks.cache_clear()
    yield
    facts.lacks.cache_clear()


@pytest.mark.parametrize(
    ("code", "errors", "lacks"),
    [
        (0, "", Lacks(None, None)),
        (1, "Error: Unknown device type.\nCommand failed -:2\n", Lacks(NO_VLAN, None)),
        (1, "RTNETLINK answers: Operation not supported\nCommand failed -:3\n", Lacks(None, NO_VXLAN)),
        (1, "Error: Unknown device type.\nCommand failed -:2\nRTNETLINK answers: Operation not supported\nCommand failed -:3\n", Lacks(NO_VLAN, NO_VXLAN)),
        # The try itself was not possible.
        (1, "unshare: unshare failed: Operation not permitted\n", Lacks(None, None)),
        (1, "RTNETLINK answers: Operation not permitted\nCommand failed -:1\nCannot find device\nCommand failed -:2\n", Lacks(None, None)),
    ],
)
def test_what_the_try_says_of_the_kernel(code: int, errors: str, lacks: Lacks) -> None:
    assert lacks_of(code, errors) == lacks


def offer(monkeypatch: pytest.MonkeyPatch, tunnel_address: str | None, default: str | None = "192.0.2.1", lacks: Lacks = facts.NOTHING) -> HostNetworks:
    monkeypatch.setattr(facts, "own_addresses", lambda: ["192.0.2.1", "2001:db8::1"])
    monkeypatch.setattr(facts, "default_address", lambda: default)
    monkeypatch.setattr(facts, "lacks", lambda: lacks)
    monkeypatch.setattr(facts, "_mtu", lambda _address: 1500)
    networks = make.networks()
    facts.add_offer(networks, {"physnet1": "no-such-device"}, tunnel_address)
    return networks


@pytest.mark.parametrize(("given", "address"), [(None, "192.0.2.1"), ("2001:DB8:0::1", "2001:db8::1")])
def test_the_address_is_the_one_that_is_given_or_the_default_routes(monkeypatch: pytest.MonkeyPatch, given: str | None, address: str) -> None:
    found = offer(monkeypatch, given)
    assert (found["tunnel"], found["no_tunnels"], found["no_vlans"]) == ({"address": address, "mtu": 1500}, None, None)
    assert found["physical_networks"] == [{"name": "physnet1", "device": "no-such-device", "is_bridge": False, "up": False, "mtu": None}]


@pytest.mark.parametrize(
    ("given", "default", "lacks", "why"),
    [
        (None, None, facts.NOTHING, "the host has no default route, and so no address to send VXLAN from: set compute_tunnel_address"),
        ("h1", "192.0.2.1", facts.NOTHING, "compute_tunnel_address of the host is h1, which is no IP address"),
        ("192.0.2.9", "192.0.2.1", facts.NOTHING, "192.0.2.9, from which the host is to send VXLAN (compute_tunnel_address), is no address of the host"),
        (None, "192.0.2.1", Lacks(None, NO_VXLAN), NO_VXLAN),
    ],
)
def test_why_a_host_can_send_from_nowhere(monkeypatch: pytest.MonkeyPatch, given: str | None, default: str | None, lacks: Lacks, why: str) -> None:
    found = offer(monkeypatch, given, default, lacks)
    assert (found["tunnel"], found["no_tunnels"]) == (None, why)


def test_the_try_leaves_nothing_behind_and_can_be_asked_of_this_machine() -> None:
    assert isinstance(facts.lacks(), Lacks)
    assert facts.default_address() is None or facts.default_address() in facts.own_addresses()
