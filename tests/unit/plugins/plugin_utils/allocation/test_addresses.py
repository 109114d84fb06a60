from __future__ import annotations

import ipaddress
import itertools
import typing as t

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.kvmfleet.compute.plugins.plugin_utils.allocation.addresses import AddressBook, NoMoreFixedIps


def book(hosts: list[dict] | None = None) -> AddressBook:
    numbers = itertools.count(1)
    return AddressBook(hosts or [], lambda: next(numbers) // 2, lambda: f"00000000-0000-4000-8000-{next(numbers):012d}")


def network(first: str = "192.0.2.2", last: str = "192.0.2.4", **fields: t.Any) -> dict[str, t.Any]:
    subnet = {"cidr": "192.0.2.0/24", "gateway_ip": "192.0.2.3", "allocation_pools": [{"start": first, "end": last}]}
    return {"id": "n", "name": "lan", "bridge": "br0", "libvirt_network": None, "mtu": 1500, "subnets": [subnet], **fields}


def want(**fields: t.Any) -> dict[str, t.Any]:
    return {"network": network(), "port": None, "fixed_ip": None, "tag": None, **fields}


def test_addresses_in_order_without_the_gateway_until_the_pool_is_empty() -> None:
    made = book()
    assert [made.port(want())["fixed_ips"][0]["ip_address"] for _count in range(2)] == ["192.0.2.2", "192.0.2.4"]
    with pytest.raises(NoMoreFixedIps, match="lan: no free IPv4"):
        made.port(want())


def test_what_the_fleet_has_is_taken() -> None:
    record = {"ports": [{"network_id": "n", "mac_address": "fa:16:3e:00:00:00", "fixed_ips": [{"ip_address": "192.0.2.2"}]}]}
    made = book([{"instances": [record], "domains": [{"mac_addresses": ["FA:16:3E:00:00:01"]}]}])
    port = made.port(want())
    assert port["fixed_ips"][0]["ip_address"] == "192.0.2.4"
    assert port["mac_address"] not in ("fa:16:3e:00:00:00", "fa:16:3e:00:00:01")


def test_an_asked_address_is_not_given_to_another_server_first() -> None:
    made = book()
    made.reserve([want(fixed_ip="192.0.2.2")])
    assert made.port(want())["fixed_ips"][0]["ip_address"] == "192.0.2.4"
    assert made.port(want(fixed_ip="192.0.2.2"))["fixed_ips"][0]["ip_address"] == "192.0.2.2"


def test_a_port_made_beforehand_keeps_what_it_has() -> None:
    port = book().port(
        want(port={"id": "11111111-0000-4000-8000-000000000000", "mac_address": "52:54:00:00:00:01", "fixed_ips": [{"ip_address": "192.0.2.9"}]})
    )
    assert (port["mac_address"], port["fixed_ips"][0]["ip_address"], port["preexisting"]) == ("52:54:00:00:00:01", "192.0.2.9", True)
    assert port["device"] == "tap11111111-00"


def test_one_address_of_each_family_from_a_huge_pool() -> None:
    six = {"cidr": "2001:db8::/64", "gateway_ip": None, "allocation_pools": []}
    port = book().port(want(network=network(subnets=[*network()["subnets"], six])))
    assert [ip["version"] for ip in port["fixed_ips"]] == [4, 6]
    assert port["fixed_ips"][1]["ip_address"] == "2001:db8::1"


@given(st.integers(1, 60), st.sets(st.integers(1, 250), max_size=40))
def test_no_address_twice_and_all_in_the_pool(servers: int, taken: set[int]) -> None:
    records = [{"ports": [{"network_id": "n", "mac_address": f"52:54:00:00:00:{i:02x}", "fixed_ips": [{"ip_address": f"192.0.2.{i}"}]}]} for i in taken]
    made = book([{"instances": records, "domains": []}])
    wide = network("192.0.2.1", "192.0.2.250")
    ports = [made.port(want(network=wide)) for _count in range(servers)]
    addresses = [port["fixed_ips"][0]["ip_address"] for port in ports]
    assert len(set(addresses)) == len({port["mac_address"] for port in ports}) == servers
    assert not {int(ipaddress.ip_address(address)) & 0xFF for address in addresses} & (taken | {3})
