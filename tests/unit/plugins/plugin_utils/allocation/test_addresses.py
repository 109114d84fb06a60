from __future__ import annotations

import ipaddress
import itertools
import typing as t
from collections.abc import Collection

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.kvmfleet.compute.plugins.module_utils.shapes import Port
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.allocation.addresses import AddressBook, NoMoreFixedIps
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.shapes import FleetHost, KeptPort, Network, RequestedNetwork
from ansible_collections.kvmfleet.compute.tests.unit import make


def book(hosts: Collection[FleetHost] = (), *kept: KeptPort) -> AddressBook:
    numbers = itertools.count(1)
    return AddressBook(hosts, lambda: next(numbers) // 2, lambda: f"00000000-0000-4000-8000-{next(numbers):012d}", kept)


def network(first: str = "192.0.2.2", last: str = "192.0.2.4") -> Network:
    return make.network(make.subnet(gateway_ip="192.0.2.3", allocation_pools=[{"start": first, "end": last}]))


def want(**fields: t.Any) -> RequestedNetwork:
    return make.requested_network(**{"network": network(), **fields})


def port(mac: str, *addresses: str) -> dict[str, t.Any]:
    return make.port(network_id="n", mac_address=mac, fixed_ips=[make.fixed_ip(ip_address=address) for address in addresses])


def test_addresses_in_order_without_the_gateway_until_the_pool_is_empty() -> None:
    made = book()
    assert [made.port(want())["fixed_ips"][0]["ip_address"] for _count in range(2)] == ["192.0.2.2", "192.0.2.4"]
    with pytest.raises(NoMoreFixedIps, match="lan: no free IPv4"):
        made.port(want())


def test_what_the_fleet_has_is_taken() -> None:
    record = {"uuid": "u", "ports": [port("fa:16:3e:00:00:00", "192.0.2.2")]}
    made = book([make.host(instances=[record], domains=[{"mac_addresses": ["FA:16:3E:00:00:01"]}])])
    chosen = made.port(want())
    assert chosen["fixed_ips"][0]["ip_address"] == "192.0.2.4"
    assert chosen["mac_address"] not in ("fa:16:3e:00:00:00", "fa:16:3e:00:00:01")


def test_an_asked_address_is_not_given_to_another_server_first() -> None:
    made = book()
    made.reserve([want(fixed_ip="192.0.2.2")])
    assert made.port(want())["fixed_ips"][0]["ip_address"] == "192.0.2.4"
    assert made.port(want(fixed_ip="192.0.2.2"))["fixed_ips"][0]["ip_address"] == "192.0.2.2"


def test_a_port_made_beforehand_keeps_what_it_has() -> None:
    kept = book().port(want(port=make.catalogue_port(mac_address="52:54:00:00:00:01", fixed_ips=[{"ip_address": "192.0.2.9"}])))
    assert (kept["mac_address"], kept["fixed_ips"][0]["ip_address"], kept["preexisting"]) == ("52:54:00:00:00:01", "192.0.2.9", True)
    assert kept["device"] == "tap11111111-00"


@pytest.mark.parametrize(("of_port", "of_network", "secured"), [(None, True, True), (None, False, False), (False, True, False), (True, False, True)])
def test_a_port_has_port_security_as_it_says_or_as_its_network_says(of_port: bool | None, of_network: bool, secured: bool) -> None:
    of = make.network(port_security_enabled=of_network)
    assert book().port(want(network=of, port=make.catalogue_port(port_security_enabled=of_port)))["port_security_enabled"] == secured
    assert book().port(want(network=of))["port_security_enabled"] == of_network


def test_an_address_pair_without_a_mac_address_has_that_of_its_port() -> None:
    pairs = [{"ip_address": "198.51.100.0/24", "mac_address": None}, {"ip_address": "198.51.100.7", "mac_address": "00:00:5e:00:01:01"}]
    made = book().port(want(port=make.catalogue_port(allowed_address_pairs=pairs)))
    assert [pair["mac_address"] for pair in made["allowed_address_pairs"]] == [made["mac_address"], "00:00:5e:00:01:01"]


def test_one_address_of_each_family_from_a_huge_pool() -> None:
    both = book().port(want(network=make.network(*network()["subnets"], make.subnet("2001:db8::/64"))))
    assert [ip["version"] for ip in both["fixed_ips"]] == [4, 6]
    assert both["fixed_ips"][1]["ip_address"] == "2001:db8::1"


@given(st.integers(1, 60), st.sets(st.integers(1, 250), max_size=40))
def test_no_address_twice_and_all_in_the_pool(servers: int, taken: set[int]) -> None:
    records = [{"uuid": f"{i}", "ports": [port(f"52:54:00:00:00:{i:02x}", f"192.0.2.{i}")]} for i in taken]
    made = book([make.host(instances=records)])
    wide = network("192.0.2.1", "192.0.2.250")
    ports = [made.port(want(network=wide)) for _count in range(servers)]
    addresses = [item["fixed_ips"][0]["ip_address"] for item in ports]
    assert len(set(addresses)) == len({item["mac_address"] for item in ports}) == servers
    assert not {int(ipaddress.ip_address(address)) & 0xFF for address in addresses} & (taken | {3})


def test_a_subnet_without_name_servers_has_those_of_its_network() -> None:
    lan = make.network(make.subnet(), make.subnet("2001:db8::/64", dns_nameservers=["2001:db8::53"]), dns_nameservers=["192.0.2.53"])
    assert [ip["dns_nameservers"] for ip in book().port(want(network=lan))["fixed_ips"]] == [["192.0.2.53"], ["2001:db8::53"]]


def kept(*addresses: str, **changes: t.Any) -> KeptPort:
    """A port of the catalogue that no server has."""
    made: KeptPort = {"network_id": "n", "binding": make.bridge(), "mac_address": None, "ip_addresses": list(addresses)}
    return t.cast("KeptPort", {**made, **changes})


def first_address(made: AddressBook, **network_changes: t.Any) -> str:
    """The first of 192.0.2.2 to 192.0.2.4, without the gateway 192.0.2.3, that is chosen."""
    return made.port(want(network={**network(), **network_changes}))["fixed_ips"][0]["ip_address"]


@pytest.mark.parametrize(
    "taken",
    [
        make.port(network_id="another id of a renamed network", binding=make.bridge(), fixed_ips=[make.fixed_ip(ip_address="192.0.2.2")]),
        make.port(network_id="N".lower(), binding=make.bridge("br-old"), fixed_ips=[make.fixed_ip(ip_address="192.0.2.2")]),
        make.port(network_id="x", binding=make.libvirt_network("over"), fixed_ips=[make.fixed_ip(ip_address="192.0.2.2")]),
    ],
    ids=["network renamed", "bridge renamed", "a libvirt network on the same bridge"],
)
def test_an_address_is_taken_where_frames_meet_whatever_the_network_is_called(taken: t.Any) -> None:
    over = {"bridges": [], "libvirt": [{"name": "over", "bridge": "br0", "active": True}]}
    made = book([make.host(instances=[{"uuid": "u", "ports": [taken]}], networks=over)])
    assert first_address(made) == "192.0.2.4"
    # On another bridge it is free.
    made = book([make.host(instances=[{"uuid": "u", "ports": [taken]}], networks=over)])
    assert first_address(made, id="n9", binding=make.bridge("br9")) == "192.0.2.2"


def test_two_networks_on_one_bridge_with_one_subnet_share_their_addresses() -> None:
    made = book()
    assert [first_address(made, id="n1"), first_address(made, id="n2", name="again")] == ["192.0.2.2", "192.0.2.4"]
    with pytest.raises(NoMoreFixedIps):
        first_address(made, id="n2", name="again")


def test_what_a_port_of_the_catalogue_keeps_is_nobody_else_s() -> None:
    assert first_address(book((), kept("192.0.2.2"))) == "192.0.2.4"
    assert first_address(book((), kept("192.0.2.2", network_id="another network on the bridge"))) == "192.0.2.4"
    mac = book().port(want())["mac_address"]
    assert book((), kept(mac_address=mac)).port(want())["mac_address"] != mac


@pytest.mark.parametrize("pools", [[], [{"start": "192.0.2.1", "end": "192.0.2.6"}]], ids=["no pools", "pools"])
def test_hypervisors_gateway_and_dns_servers_are_never_handed_out(pools: list[t.Any]) -> None:
    subnet = make.subnet("192.0.2.0/29", gateway_ip="192.0.2.1", dns_nameservers=["192.0.2.2"], allocation_pools=pools)
    lan = make.network(subnet, dns_nameservers=["192.0.2.6"])
    made = book([make.host(addresses=["192.0.2.3", "10.0.0.1"], host_ip="192.0.2.4")])
    assert [made.port(want(network=lan))["fixed_ips"][0]["ip_address"] for _count in range(2)] == ["192.0.2.5", "192.0.2.6"]
    with pytest.raises(NoMoreFixedIps):
        made.port(want(network=lan))


def test_an_address_says_that_its_host_answers_where_the_subnet_does() -> None:
    made = book()
    asked = [make.requested_network(network=make.network(make.subnet(dhcp=True, dhcp_server=served), id=str(served))) for served in (True, False)]
    assert [ip.get("served") for wanted in asked for ip in made.port(wanted)["fixed_ips"]] == [True, None]


SLAAC = make.subnet("2001:db8::/64", ipv6_address_mode="slaac")
EUI64 = "2001:db8::5054:ff:fe00:1"


def told(made: Port) -> list[tuple[str, str | None]]:
    return [(ip["ip_address"], ip["address_mode"]) for ip in made["fixed_ips"]]


def test_a_port_has_the_address_that_its_guest_makes_beside_those_that_are_chosen_or_asked_for() -> None:
    with_slaac = make.network(*network()["subnets"], SLAAC)
    of_port = make.catalogue_port(mac_address="52:54:00:00:00:01")
    assert told(book().port(want(network=with_slaac, port=of_port))) == [("192.0.2.2", None), (EUI64, "slaac")]
    assert told(book().port(want(network=with_slaac, port={**of_port, "fixed_ips": [{"ip_address": "192.0.2.4"}]}))) == [("192.0.2.4", None), (EUI64, "slaac")]
    asked = book().port(want(network=with_slaac, fixed_ip="192.0.2.4"))
    assert [ip["ip_address"] for ip in asked["fixed_ips"]] == ["192.0.2.4", "2001:db8::f816:3eff:fe00:0"], "of the MAC address that was drawn"
    assert told(book().port(want(network=make.network(SLAAC), port=of_port))) == [(EUI64, "slaac")]


def test_a_planned_port_keeps_its_addresses_and_none_twice() -> None:
    with_slaac = make.network(*network()["subnets"], SLAAC)
    planned = book().port(want(network=with_slaac))
    again = book().port({**want(network=with_slaac), "planned": planned})
    assert again["fixed_ips"] == planned["fixed_ips"] and len(again["fixed_ips"]) == 2


def test_no_address_is_chosen_from_a_subnet_whose_addresses_guests_make() -> None:
    both = make.network(SLAAC, make.subnet("2001:db8:1::/64", ipv6_address_mode="dhcpv6-stateful"))
    assert [ip["ip_address"] for ip in book().port(want(network=both))["fixed_ips"]] == ["2001:db8:1::1", "2001:db8::f816:3eff:fe00:0"]
