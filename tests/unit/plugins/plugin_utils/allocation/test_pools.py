# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is left of a subnet for automatic addresses, as the registrar gets it."""

from __future__ import annotations

import ipaddress
import typing as t

from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.kvmfleet.compute.plugins.plugin_utils.allocation.pools import Pools
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.shapes import FleetHost, KeptPort, Network
from ansible_collections.kvmfleet.compute.tests.unit import make

SEGMENT = "bridge br0"


def free(network: Network, *hosts: FleetHost, kept: t.Sequence[KeptPort] = (), version: int = 4) -> list[str]:
    pools = Pools(hosts, kept)
    spell = ipaddress.IPv4Address if version == 4 else ipaddress.IPv6Address
    keys = pools.keys(network, version, SEGMENT)
    assert pools.made.keys() == set(keys)
    return [str(spell(number)) for key in keys for first, last in pools.made[key]["free"] for number in range(first, last + 1)]


def record(*addresses: str, **port: t.Any) -> t.Any:
    return make.fleet_record(make.instance("a", ports=[make.port(fixed_ips=[make.fixed_ip(ip_address=address) for address in addresses], **port)]))


def test_what_nobody_may_get_is_in_no_pool() -> None:
    subnet = make.subnet("192.0.2.0/28", gateway_ip="192.0.2.1", dns_nameservers=["192.0.2.2"])
    kept: KeptPort = {"network_id": "x", "binding": make.bridge(), "mac_address": None, "ip_addresses": ["192.0.2.3"]}
    host = make.host(addresses=["192.0.2.4"], host_ip="192.0.2.5", instances=[record("192.0.2.6", "2001:db8::6")])
    assert free(make.network(subnet), host, kept=[kept]) == [f"192.0.2.{number}" for number in range(7, 15)]
    assert free(make.network({**subnet, "dns_nameservers": []}, dns_nameservers=["192.0.2.7"]), host, kept=[kept])[:2] == ["192.0.2.2", "192.0.2.8"]


def test_allocation_pools_are_taken_as_they_are() -> None:
    pools = [{"start": "192.0.2.9", "end": "192.0.2.10"}, {"start": "192.0.2.3", "end": "192.0.2.4"}]
    assert free(make.network(make.subnet(allocation_pools=pools))) == ["192.0.2.9", "192.0.2.10", "192.0.2.3", "192.0.2.4"]
    assert free(make.network(make.subnet(allocation_pools=pools)), make.host(instances=[record("192.0.2.3", "192.0.2.10")])) == ["192.0.2.9", "192.0.2.4"]


def test_an_address_of_a_server_is_taken_wherever_the_network_s_frames_meet_it() -> None:
    subnet = make.network(make.subnet("192.0.2.0/29"))
    over = {"bridges": [], "libvirt": [{"name": "over", "bridge": "br0", "active": True}]}
    for port in (
        {"network_id": "renamed"},
        {"network_id": "n", "binding": make.bridge("br-old")},
        {"network_id": "x", "binding": make.libvirt_network("over")},
    ):
        assert "192.0.2.2" not in free(subnet, make.host(networks=over, instances=[record("192.0.2.2", **port)]))
    assert "192.0.2.2" in free(subnet, make.host(networks=over, instances=[record("192.0.2.2", network_id="x", binding=make.bridge("br9"))]))


def test_one_segment_has_one_name_whatever_leads_to_it() -> None:
    over = {"bridges": [], "libvirt": [{"name": "over", "bridge": "br0", "active": True}, {"name": "direct", "bridge": None, "active": True}]}
    segments = Pools([make.host("h1", networks=over), make.host("h2")], []).segments
    assert segments.one(make.bridge(), "h1") == segments.one(make.bridge(), "h2") == segments.one(make.libvirt_network("over"), "h1") == "bridge br0"
    assert segments.one(make.libvirt_network("direct"), "h1") == segments.one(make.libvirt_network("direct"), "h2") == "libvirt network direct"


def test_two_networks_of_one_name_have_pools_of_their_own() -> None:
    one, other = (make.network(make.subnet(allocation_pools=[{"start": ip, "end": ip}]), id=ip) for ip in ("192.0.2.5", "192.0.2.6"))
    pools = Pools([], [])
    keys = pools.keys(one, 4, SEGMENT) + pools.keys(other, 4, SEGMENT)
    assert keys == ["192.0.2.0/24 of network lan on bridge br0", "192.0.2.0/24 of network lan on bridge br0 (192.0.2.6)"]
    assert pools.keys(other, 4, SEGMENT) == keys[1:]


def test_a_huge_subnet_is_a_few_ranges() -> None:
    pools = Pools([make.host(instances=[record("2001:db8::5")])], [])
    (key,) = pools.keys(make.network(make.subnet("2001:db8::/64")), 6, SEGMENT)
    first = int(ipaddress.ip_address("2001:db8::"))
    assert pools.made[key] == {"segment": SEGMENT, "version": 6, "free": [(first + 1, first + 4), (first + 6, first + 2**64 - 1)]}


@given(st.sets(st.integers(0, 63)), st.integers(0, 63), st.integers(0, 63))
def test_free_is_what_is_in_the_pool_and_not_taken(taken: set[int], first: int, last: int) -> None:
    first, last = sorted((first, last))
    subnet = make.subnet("192.0.2.0/26", allocation_pools=[{"start": f"192.0.2.{first}", "end": f"192.0.2.{last}"}])
    host = make.host(instances=[record(*(f"192.0.2.{number}" for number in taken))], host_ip=None)
    assert free(make.network(subnet), host) == [f"192.0.2.{number}" for number in range(first, last + 1) if number not in taken]
