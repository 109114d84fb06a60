# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""network_data.json for every way in which a guest gets its addresses."""

from __future__ import annotations

import ipaddress
import itertools
import typing as t

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.kvmfleet.compute.plugins.module_utils.guest.network_data import network_data
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.allocation.addresses import AddressBook
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.shapes import Network, Subnet
from ansible_collections.kvmfleet.compute.tests.unit import make

FOUR = make.fixed_ip(dns_nameservers=["192.0.2.2"], host_routes=[{"destination": "10.0.0.0/8", "nexthop": "192.0.2.9"}])
SIX = make.fixed_ip(ip_address="2001:db8::5", version=6, cidr="2001:db8::/64", gateway_ip="2001:db8::1", dns_nameservers=["2001:db8::53"])
DEFAULT_6 = {"network": "::", "netmask": "::", "gateway": "2001:db8::1"}
# What Nova's schema of network_data.json has for a network, and the types that its code writes and cloud-init reads.
TYPES = {"ipv4", "ipv4_dhcp", "ipv6", "ipv6_dhcp", "ipv6_slaac", "ipv6_dhcpv6-stateless", "ipv6_dhcpv6-stateful"}
BY_SERVER = {"id", "type", "link", "network_id"}
TOLD = BY_SERVER | {"ip_address", "netmask", "routes", "services"}


def test_a_static_network_has_address_routes_and_services() -> None:
    data = network_data([make.port(fixed_ips=[FOUR, SIX])])
    four, six = data["networks"]
    assert four["type"] == "ipv4" and four["routes"] == [
        {"network": "0.0.0.0", "netmask": "0.0.0.0", "gateway": "192.0.2.1"},
        {"network": "10.0.0.0", "netmask": "255.0.0.0", "gateway": "192.0.2.9"},
    ]
    assert (six["type"], six["netmask"], six["routes"]) == ("ipv6", "ffff:ffff:ffff:ffff::", [DEFAULT_6])
    assert data["services"] == [{"type": "dns", "address": "192.0.2.2"}, {"type": "dns", "address": "2001:db8::53"}]


@pytest.mark.parametrize("mode", ["slaac", "dhcpv6-stateless", "dhcpv6-stateful"])
def test_a_mode_of_ipv6_is_in_the_type_and_the_address_is_told_all_the_same(mode: str) -> None:
    [network] = network_data([make.port(fixed_ips=[{**SIX, "address_mode": mode}])])["networks"]
    assert network["type"] == f"ipv6_{mode}"
    assert (network["ip_address"], network["routes"], network["services"]) == ("2001:db8::5", [DEFAULT_6], [{"type": "dns", "address": "2001:db8::53"}])


@pytest.mark.parametrize(("address", "kind"), [(FOUR, "ipv4_dhcp"), (SIX, "ipv6_dhcp")])
def test_what_a_dhcp_server_tells_is_not_told(address: t.Any, kind: str) -> None:
    data = network_data([make.port(fixed_ips=[{**address, "address_mode": "dhcp"}])])
    assert data["networks"] == [{"id": "network0", "type": kind, "link": "tap11111111-22", "network_id": "n1"}]
    # As in Nova the name servers of the whole guest have them nevertheless.
    assert [service["address"] for service in data["services"]] == address["dns_nameservers"]


@pytest.mark.parametrize(("mode", "mtu"), [(None, 1450), ("slaac", 1450), ("dhcpv6-stateless", 1450), ("dhcpv6-stateful", None), ("dhcp", None)])
def test_the_mtu_is_told_unless_a_dhcp_server_tells_it(mode: str | None, mtu: int | None) -> None:
    assert network_data([make.port(mtu=1450, fixed_ips=[FOUR, {**SIX, "address_mode": mode}])])["links"][0]["mtu"] == mtu


def test_an_order_of_before_there_were_modes_is_static() -> None:
    old: t.Any = {key: value for key, value in FOUR.items() if key != "address_mode"}
    assert network_data([make.port(mtu=1450, fixed_ips=[old])]) == network_data([make.port(mtu=1450, fixed_ips=[FOUR])])


def four(number: int, dhcp: bool, gateway: bool, route: bool, dns: bool) -> Subnet:
    base = f"10.{number}.0"
    routes: t.Any = [{"destination": "172.16.0.0/12", "nexthop": f"{base}.7"}] if route else []
    return make.subnet(
        f"{base}.0/20", dhcp=dhcp, gateway_ip=f"{base}.1" if gateway else None, host_routes=routes, dns_nameservers=["192.0.2.53"] if dns else []
    )


def six(number: int, mode: str | None, dhcp: bool, gateway: bool, dns: bool) -> Subnet:
    base = f"2001:db8:{number:x}::"
    return make.subnet(
        f"{base}/64", ipv6_address_mode=mode, dhcp=dhcp, gateway_ip=f"{base}1" if gateway else None, dns_nameservers=["2001:db8::53"] if dns else []
    )


BOOL, NUMBER = st.booleans(), st.integers(1, 9)
MODES = st.sampled_from([None, "slaac", "dhcpv6-stateless", "dhcpv6-stateful"])
SUBNETS = st.lists(
    st.builds(four, NUMBER, BOOL, BOOL, BOOL, BOOL) | st.builds(six, NUMBER, MODES, BOOL, BOOL, BOOL), min_size=1, max_size=4, unique_by=lambda s: s["cidr"]
)
NETWORKS = st.builds(lambda subnets, mtu: make.network(*subnets, mtu=mtu), SUBNETS, st.none() | st.integers(1280, 9000))


@given(st.lists(NETWORKS, max_size=4))
def test_links_networks_and_services_belong_together_whatever_the_networks_are(networks: list[Network]) -> None:
    numbers = itertools.count(1)
    book = AddressBook([], lambda: next(numbers), lambda: f"{next(numbers):08x}-0000-4000-8000-000000000000")
    ports = [book.port(make.requested_network(network={**network, "id": f"n{index}"})) for index, network in enumerate(networks)]
    data = network_data(ports)
    links = {link["id"]: link for link in data["links"]}
    assert [link["vif_id"] for link in data["links"]] == [port["id"] for port in ports] and len(links) == len(ports)
    assert len({link["ethernet_mac_address"] for link in data["links"]}) == len(ports)
    assert [network["id"] for network in data["networks"]] == [f"network{index}" for index in range(sum(len(port["fixed_ips"]) for port in ports))]
    expected = iter((port, address) for port in ports for address in port["fixed_ips"])
    for network in data["networks"]:
        port, address = next(expected)
        assert network["type"] in TYPES and network["type"].startswith(f"ipv{address['version']}")
        assert (network["link"], network["network_id"]) == (port["device"], port["network_id"]) and network["link"] in links
        assert set(network) == (BY_SERVER if network["type"].endswith("_dhcp") else TOLD)
        if "ip_address" in network:
            assert ipaddress.ip_address(network["ip_address"]) in ipaddress.ip_network(f"{address['cidr']}")
            for route in network["routes"]:
                assert ipaddress.ip_address(route["gateway"]) in ipaddress.ip_network(address["cidr"])
                assert {ipaddress.ip_address(route[key]).version for key in ("network", "netmask", "gateway")} == {address["version"]}
            assert all(service in data["services"] for service in network["services"])
    assert len({service["address"] for service in data["services"]}) == len(data["services"])
