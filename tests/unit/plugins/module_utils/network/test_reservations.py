# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reservations in libvirt networks: what is still to be made, what is in the way, and what was made for a server."""

from __future__ import annotations

import pytest

from ansible_collections.kvmfleet.compute.plugins.module_utils.errors import ServerError
from ansible_collections.kvmfleet.compute.plugins.module_utils.network.reservations import Reservation, host_xml, to_add, to_remove, wanted
from ansible_collections.kvmfleet.compute.plugins.module_utils.network_parser import CONFIG, LIVE, DhcpHost, DhcpSubnet
from ansible_collections.kvmfleet.compute.plugins.module_utils.shapes import Binding
from ansible_collections.kvmfleet.compute.tests.unit import make

MAC, ADDRESS, NAME = "fa:16:3e:00:00:01", "192.0.2.9", "host-192-0-2-9"
OWN = Reservation("default", DhcpHost(MAC, ADDRESS, NAME))


def subnet(*hosts: DhcpHost, cidr: str = "192.0.2.0/24", layer: str = CONFIG, position: int = 0) -> DhcpSubnet:
    return DhcpSubnet(layer, position, cidr, hosts)


def port(*modes: str | None, binding: Binding | None = None) -> list[Reservation]:
    v6 = make.fixed_ip(ip_address="2001:db8::9", version=6, cidr="2001:db8::/64", address_mode="dhcp")
    ips = [make.fixed_ip(ip_address=ADDRESS, address_mode=mode) for mode in modes]
    return wanted([make.port(mac_address=MAC, binding=binding or make.libvirt_network(), fixed_ips=[*ips, v6])])


def test_an_ipv4_address_that_is_asked_for_in_a_libvirt_network_is_reserved() -> None:
    assert port("dhcp") == [OWN]
    assert port(None) == []
    assert port("dhcp", binding=make.bridge()) == []
    assert host_xml(OWN.host) == f'<host mac="{MAC}" name="{NAME}" ip="{ADDRESS}" />'


def test_it_is_made_in_its_subnet_only_where_it_is_missing() -> None:
    other = subnet(cidr="198.51.100.0/24")
    missing = subnet(position=1, layer=LIVE)
    assert to_add(OWN, [other, subnet(OWN.host, position=1), missing]) == [missing]


def test_one_that_gives_the_same_is_as_good_whoever_made_it_and_is_not_removed() -> None:
    theirs = subnet(DhcpHost(MAC, ADDRESS, "web"))
    assert to_add(OWN, [theirs]) == []
    assert to_remove(OWN, [theirs]) == []


@pytest.mark.parametrize(
    "there",
    [DhcpHost("52:54:00:00:00:01", ADDRESS, None), DhcpHost(MAC, "192.0.2.10", None), DhcpHost("52:54:00:00:00:01", "192.0.2.10", NAME)],
    ids=["address", "MAC address", "name"],
)
def test_another_one_in_the_way_is_left_alone_and_named(there: DhcpHost) -> None:
    with pytest.raises(ServerError, match="libvirt network default of the host has another DHCP reservation") as caught:
        to_add(OWN, [subnet(there)])
    assert (caught.value.error_class, caught.value.reschedule) == ("PortBindingFailed", True)
    assert to_remove(OWN, [subnet(there)]) == []


def test_hosts_that_are_known_by_something_else_are_in_nobodys_way() -> None:
    assert to_add(OWN, [subnet(DhcpHost(None, None, "printer"))])


def test_it_is_removed_wherever_it_stands() -> None:
    both = [subnet(OWN.host), subnet(OWN.host, layer=LIVE)]
    assert to_remove(OWN, [*both, subnet(cidr="198.51.100.0/24")]) == both
