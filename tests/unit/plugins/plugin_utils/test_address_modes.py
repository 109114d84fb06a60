# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Addresses that guests make of their MAC address."""

from __future__ import annotations

import pytest

from ansible_collections.kvmfleet.compute.plugins.plugin_utils.address_modes import address_mode, made_of
from ansible_collections.kvmfleet.compute.tests.unit import make

SLAAC, STATELESS, STATEFUL = (
    make.subnet(f"2001:db8:{number}::/64", ipv6_address_mode=mode) for number, mode in enumerate(("slaac", "dhcpv6-stateless", "dhcpv6-stateful"))
)


def test_an_address_is_made_in_each_subnet_that_guests_make_addresses_of() -> None:
    network = make.network(make.subnet(), make.subnet("2001:db8:9::/64"), SLAAC, STATEFUL, STATELESS)
    assert made_of("34:56:78:9a:bc:de", network) == ["2001:db8::3656:78ff:fe9a:bcde", "2001:db8:1:0:3656:78ff:fe9a:bcde"]
    assert made_of("fa:16:3e:00:00:01", make.network(SLAAC)) == ["2001:db8::f816:3eff:fe00:1"]
    assert made_of("34:56:78:9a:bc:de", make.network()) == []


@pytest.mark.parametrize("text", ["", "fa:16:3e", "no MAC address", "fa:16:3e:00:00:01:02"])
def test_of_what_is_no_mac_address_nothing_is_made(text: str) -> None:
    assert made_of(text, make.network(SLAAC)) == []


def test_a_mode_of_ipv6_says_more_than_that_there_is_a_dhcp_server() -> None:
    assert [address_mode(subnet) for subnet in (make.subnet(), make.subnet(dhcp=True), SLAAC, {**STATEFUL, "dhcp": True})] == [
        None,
        "dhcp",
        "slaac",
        "dhcpv6-stateful",
    ]
