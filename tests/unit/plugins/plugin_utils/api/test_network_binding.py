# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Provider networks of the catalogue: what tells them from others, what is wrong with them, and how large their packets are."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.kvmfleet.compute.plugins.plugin_utils.api.catalogue import derived_id, load
from ansible_collections.kvmfleet.compute.tests.unit.plugins.plugin_utils.api.stage import CATALOGUE, asked, check, fleet_of, record_of

KIND, PHYSICAL, NUMBER = "provider:network_type", "provider:physical_network", "provider:segmentation_id"
SUBNET = {"cidr": "192.0.2.0/24"}


def binding(**entry: t.Any) -> dict[str, str]:
    catalogue, faults = load({"networks": {"lan": entry}})
    assert faults == []
    return dict(catalogue.networks.by_key["lan"]["binding"])


def faults(**networks: t.Any) -> list[tuple[str, str]]:
    return [(fault.path, fault.rule) for fault in load({"networks": networks})[1]]


@pytest.mark.parametrize(
    ("entry", "name"),
    [
        ({KIND: "flat", PHYSICAL: "physnet1"}, "physnet1"),
        ({KIND: "vlan", PHYSICAL: "physnet1", NUMBER: 7}, "physnet1:7"),
        ({KIND: "vxlan", NUMBER: 5}, "5"),
        ({KIND: "local"}, derived_id("network", "lan")),
        ({KIND: "local", "id": "11111111-2222-4333-8444-555555555555"}, "11111111-2222-4333-8444-555555555555"),
    ],
)
def test_the_binding_is_called_what_tells_the_network_from_others(entry: dict[str, t.Any], name: str) -> None:
    assert binding(**entry) == {"type": entry[KIND], "name": name}


def test_the_other_ways_are_as_they_were() -> None:
    assert binding(bridge="br0") == {"type": "bridge", "name": "br0"}
    assert binding(user="slirp") == {"type": "user", "name": derived_id("network", "lan"), "backend": "slirp"}
    assert binding(libvirt_network="default") == {"type": "libvirt_network", "name": "default"}


@pytest.mark.parametrize(
    ("entry", "path", "rule"),
    [
        ({KIND: "gre", NUMBER: 5}, KIND, "must be one of flat, vlan, vxlan, local"),
        ({KIND: "flat"}, PHYSICAL, "must be given with provider:network_type flat"),
        ({KIND: "vlan", NUMBER: 7}, PHYSICAL, "must be given with provider:network_type vlan"),
        ({KIND: "vlan", PHYSICAL: "p"}, NUMBER, "must be given with provider:network_type vlan"),
        ({KIND: "vlan", PHYSICAL: "p", NUMBER: 4095}, NUMBER, "must be from 1 to 4094, as provider:network_type is vlan"),
        ({KIND: "vxlan"}, NUMBER, "must be given with provider:network_type vxlan"),
        ({KIND: "vxlan", NUMBER: 2**24}, NUMBER, "must be at most 16777215"),
        ({KIND: "vxlan", NUMBER: 0}, NUMBER, "must be at least 1"),
        ({KIND: "vxlan", NUMBER: 5, PHYSICAL: "p"}, PHYSICAL, "must not be given without provider:network_type flat or vlan"),
        ({KIND: "local", NUMBER: 5}, NUMBER, "must not be given without provider:network_type vlan or vxlan"),
        ({KIND: "flat", PHYSICAL: "p", NUMBER: 5}, NUMBER, "must not be given without provider:network_type vlan or vxlan"),
        ({"bridge": "br0", NUMBER: 5}, NUMBER, "must not be given without provider:network_type vlan or vxlan"),
    ],
)
def test_what_is_wrong_is_said_once(entry: dict[str, t.Any], path: str, rule: str) -> None:
    found = faults(lan=entry)
    assert [where for where, _why in found] == [f"compute_networks.lan.{path}"]
    assert rule in found[0][1]


@pytest.mark.parametrize(
    ("subnets", "path", "rule"),
    [
        ([{**SUBNET, "gateway_ip": "192.0.2.1"}], None, None),
        ([SUBNET], "subnets[0].gateway_ip", "must be given, as user is passt"),
        ([{"cidr": "2001:db8::/64"}], "subnets[0].cidr", "must be IPv4, as user is passt"),
        ([{"cidr": f"192.0.{n}.0/24", "gateway_ip": f"192.0.{n}.1"} for n in (2, 3)], "subnets", "must be one, as user is passt"),
    ],
)
def test_a_network_by_passt_has_one_subnet_whose_guests_can_answer(subnets: list[t.Any], path: str | None, rule: str | None) -> None:
    assert faults(lan={"user": "passt", "subnets": subnets}) == ([(f"compute_networks.lan.{path}", rule)] if path else [])
    # Of another network nothing of this is asked.
    assert faults(lan={"bridge": "br0", "subnets": subnets}) == []


@pytest.mark.parametrize(
    ("subnet", "path", "rule"),
    [
        ({"cidr": "192.0.2.0/24", "gateway_ip": "192.0.2.2"}, None, None),
        ({"cidr": "10.1.0.0/16", "gateway_ip": "10.1.2.2"}, None, None),
        ({"cidr": "192.0.2.32/27", "gateway_ip": "192.0.2.34"}, None, None),
        ({"cidr": "192.0.2.0/24", "gateway_ip": "192.0.2.1"}, "gateway_ip", "must be 192.0.2.2, as user is slirp"),
        ({"cidr": "192.0.2.0/24"}, "gateway_ip", "must be 192.0.2.2, as user is slirp"),
        ({"cidr": "192.0.2.0/28", "gateway_ip": "192.0.2.2"}, "cidr", "must be a /27 or larger, as user is slirp"),
        (
            {"cidr": "192.0.2.0/24", "gateway_ip": "192.0.2.2", "dhcp": True},
            "dhcp",
            "must be false, as user is slirp, which gives all guests one address",
        ),
    ],
)
def test_a_network_by_slirp_has_the_gateway_that_slirp_is(subnet: dict[str, t.Any], path: str | None, rule: str | None) -> None:
    assert faults(lan={"user": "slirp", "subnets": [subnet]}) == ([(f"compute_networks.lan.subnets[0].{path}", rule)] if path else [])


def test_one_way_to_a_network_is_enough() -> None:
    assert faults(lan={"bridge": "br0", KIND: "local"}) == [
        ("compute_networks.lan", "needs one of bridge, libvirt_network, openvswitch, macvtap, user, provider:network_type")
    ]


def test_two_networks_are_not_on_one_wire() -> None:
    five, seven = {KIND: "vxlan", NUMBER: 5}, {KIND: "vlan", PHYSICAL: "p", NUMBER: 7}
    assert faults(a=five, b=five) == [(f"compute_networks.b.{KIND}", "vxlan 5 is network a already")]
    assert faults(a=seven, b=dict(seven)) == [(f"compute_networks.b.{KIND}", "vlan p:7 is network a already")]
    assert faults(a=five, b={KIND: "vlan", PHYSICAL: "p", NUMBER: 5}, c={**seven, PHYSICAL: "q"}, d={KIND: "local"}, e={KIND: "local"}) == []
    # As it always was: two names for one bridge.
    assert faults(a={"bridge": "br0"}, b={"bridge": "br0"}) == []


def fleet(*tunnels: str | None) -> dict[str, t.Any]:
    found = fleet_of()
    for number, address in enumerate(tunnels):
        tunnel = {"address": address, "mtu": 9000} if address else None
        state = {**found["hosts"]["h1"]["state"], "name": f"k{number}", "networks": {"bridges": [], "libvirt": [], "tunnel": tunnel}}
        found["hosts"][f"k{number}"] = {"status": "ok", "error": None, "state": state}
    return found


@pytest.mark.parametrize(
    ("hosts", "given", "mtu"),
    [
        (None, None, 1450),
        (fleet("192.0.2.1", None), None, 1450),
        (fleet("192.0.2.1", "2001:db8::1"), None, 1430),
        (fleet("2001:db8::1"), 8000, 8000),
    ],
)
def test_packets_of_a_vxlan_network_leave_room_for_the_tunnel(hosts: dict[str, t.Any] | None, given: int | None, mtu: int) -> None:
    networks = {"lan": {KIND: "vxlan", NUMBER: 5, "mtu": given, "subnets": [SUBNET]}, "wide": {KIND: "local", "subnets": [{"cidr": "198.51.100.0/24"}]}}
    found = check(asked(networks=[{"name": "lan"}, {"name": "wide"}]), catalogue={**CATALOGUE, "networks": networks}, fleet=hosts)
    assert found["errors"] == []
    assert [item["mtu"] for item in found["request_specs"][0]["networks"]] == [mtu, None]


def test_hosts_are_told_of_tunnels_only_if_a_server_comes_to_one() -> None:
    networks = {"lan": {KIND: "vxlan", NUMBER: 5, "subnets": [SUBNET]}, "own": {KIND: "local", "subnets": [{"cidr": "198.51.100.0/24"}]}}
    catalogue = {**CATALOGUE, "networks": networks}
    first = check(asked(), catalogue=catalogue)
    assert first["has_tunnels"] is True and check(asked(networks=[{"name": "own"}]), catalogue=catalogue)["has_tunnels"] is False
    for power_state, has_tunnels in (("running", False), ("shutdown", True)):
        there = record_of(first, power_state=power_state)
        again = check(asked(), catalogue=catalogue, fleet=fleet_of(there))
        drift = [item["path"] for item in again["instances"][0]["existing"]["drift"] if item["path"] != "power_state"]
        assert (again["errors"], drift, again["has_tunnels"]) == ([], [], has_tunnels)
