# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a DHCP server of a bridge is told, and what its host makes for it."""

from __future__ import annotations

import re
import shutil
import subprocess
import typing as t

import pytest

from ansible_collections.kvmfleet.compute.plugins.module_utils.errors import ServerError
from ansible_collections.kvmfleet.compute.plugins.module_utils.network.dhcp import names
from ansible_collections.kvmfleet.compute.plugins.module_utils.network.dhcp.configuration import Served, configuration, served, server_addresses
from ansible_collections.kvmfleet.compute.plugins.module_utils.network.dhcp.dnsmasq import version_of
from ansible_collections.kvmfleet.compute.plugins.module_utils.network.dhcp.plan import is_whole, to_make, to_remove
from ansible_collections.kvmfleet.compute.plugins.module_utils.network.on_demand import names as on_demand
from ansible_collections.kvmfleet.compute.plugins.module_utils.network.on_demand.plan import to_remove as bridges_to_remove
from ansible_collections.kvmfleet.compute.plugins.module_utils.shapes import FixedIp, Port
from ansible_collections.kvmfleet.compute.tests.unit import make
from ansible_collections.kvmfleet.compute.tests.unit.fake_kernel import FakeKernel, device

SIX: dict[str, t.Any] = {"ip_address": "2001:db8::9", "version": 6, "cidr": "2001:db8::/64", "gateway_ip": None}


def ip(**changes: t.Any) -> FixedIp:
    return {**make.fixed_ip(address_mode="dhcp"), "served": True, **changes}  # type: ignore[typeddict-item]


def port(*ips: FixedIp, **changes: t.Any) -> Port:
    return make.port(fixed_ips=list(ips), **changes)


def told(*ports: Port) -> Served:
    (found,) = served(ports).values()
    return found


def without_tag(lines: t.Iterable[str]) -> list[str]:
    return sorted(",".join(word for word in line.split(",") if not word.startswith(("dhcp-option=tag:", "dhcp-option-force=tag:", "set:"))) for line in lines)


def test_a_port_is_given_its_address_with_what_its_subnet_says() -> None:
    routes = [{"destination": "198.51.100.0/24", "nexthop": "192.0.2.2"}]
    found = told(port(ip(dns_nameservers=["192.0.2.53", "192.0.2.54"], host_routes=routes), mtu=1400, mac_address="FA:16:3E:00:00:01"))
    assert without_tag(found.options) == [
        "249,198.51.100.0/24,192.0.2.2,0.0.0.0/0,192.0.2.1",
        "dhcp-range=192.0.2.0,static,255.255.255.0,infinite",
        "option:classless-static-route,198.51.100.0/24,192.0.2.2,0.0.0.0/0,192.0.2.1",
        "option:dns-server,192.0.2.53,192.0.2.54",
        "option:mtu,1400",
        "option:router,192.0.2.1",
        "shared-network=dhcp0,192.0.2.0",
    ]
    assert without_tag(found.hosts) == ["fa:16:3e:00:00:01,192.0.2.5"]
    assert (found.bridge, found.mtu, found.prefixes) == ("br0", 1400, ())


def test_without_a_gateway_no_route_is_told() -> None:
    routes = [{"destination": "198.51.100.0/24", "nexthop": "192.0.2.2"}]
    found = without_tag(told(port(ip(gateway_ip=None, host_routes=routes))).options)
    assert "option:router" in found and "option:dns-server" in found and "option:classless-static-route,198.51.100.0/24,192.0.2.2" in found


def test_ports_that_are_told_the_same_share_a_tag_and_others_do_not() -> None:
    found = told(
        port(ip(), mac_address="fa:16:3e:00:00:01"),
        port(ip(ip_address="192.0.2.6"), mac_address="fa:16:3e:00:00:02"),
        port(ip(ip_address="192.0.2.7", gateway_ip=None), mac_address="fa:16:3e:00:00:03"),
    )
    one, two, three = (line.split(",")[1] for line in found.hosts)
    assert one == two != three
    assert [line for line in found.options if line.startswith("dhcp-range")] == ["dhcp-range=192.0.2.0,static,255.255.255.0,infinite"]


def test_bridges_are_served_apart_and_only_whose_host_answers() -> None:
    asking = ip()
    elsewhere = make.fixed_ip(address_mode="dhcp")
    found = served([port(asking), port(asking, binding={"type": "local", "name": "n"}), port(elsewhere, binding=make.bridge("br1"))])
    assert set(found) == {"br0", on_demand.bridge_of({"type": "local", "name": "n"})}


@pytest.mark.parametrize(
    ("mode", "range_line", "given"),
    [
        ("slaac", "dhcp-range=2001:db8::,ra-only,64,infinite", ""),
        ("dhcpv6-stateless", "dhcp-range=2001:db8::,ra-stateless,64,infinite", ""),
        ("dhcpv6-stateful", "dhcp-range=2001:db8::,static,64,infinite", ",[2001:db8::9]"),
    ],
)
def test_a_guest_is_told_its_prefix_and_who_asks_his_address(mode: str, range_line: str, given: str) -> None:
    six = ip(**SIX, address_mode=mode, dns_nameservers=["2001:db8::53"])
    found = told(port(ip(), six, mtu=1400))
    assert {"enable-ra", "ra-param=dhcp0,mtu:1400,0,0"} <= set(found.options)
    assert range_line in [re.sub("set:p[0-9a-f]+,", "", line) for line in found.options]
    assert "option6:dns-server,[2001:db8::53]" in without_tag(found.options)
    # One line for both: dnsmasq takes the first that fits a MAC address.
    assert without_tag(found.hosts) == [f"fa:16:3e:00:00:01,192.0.2.5{given}"]
    assert server_addresses(found, "02:00:00:00:00:01") == ["2001:db8::ff:fe00:1/64"]


@pytest.mark.skipif(shutil.which("dnsmasq") is None, reason="dnsmasq is not installed")
@pytest.mark.parametrize("mode", ["slaac", "dhcpv6-stateless", "dhcpv6-stateful"])
def test_dnsmasq_understands_it(tmp_path: t.Any, mode: str) -> None:
    routes = [{"destination": "198.51.100.0/24", "nexthop": "192.0.2.2"}]
    four = ip(host_routes=routes, dns_nameservers=["192.0.2.53"])
    found = told(port(four, ip(**SIX, address_mode=mode, dns_nameservers=["2001:db8::53"]), mtu=1400), port(ip(ip_address="192.0.2.6", gateway_ip=None)))
    hosts = "".join(f"dhcp-host={line}\n" for line in found.hosts)
    # It looks for the device of a shared network.
    (tmp_path / "conf").write_text((configuration(found, str(tmp_path)) + hosts).replace("shared-network=dhcp0", "shared-network=lo"))
    done = subprocess.run(["dnsmasq", "--test", f"--conf-file={tmp_path}/conf"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_what_a_host_makes_is_whole_only_at_its_end_and_goes_without_a_trace() -> None:
    kernel, wanted = FakeKernel(device("br0", "bridge", mac_address="52:54:00:00:00:01")), told(port(ip()))
    commands = to_make(wanted, "h1", kernel.devices())
    for command in commands:
        assert not is_whole(wanted, kernel.devices())
        kernel.run([command])
    assert is_whole(wanted, kernel.devices())
    key = names.key_of("br0")
    inside = next(iter(kernel.within.values()))
    assert inside[1:] == ["address add 169.254.0.67/32 dev dhcp0", "link set dev dhcp0 up", "route add default dev dhcp0"]
    # A bridge that has no address of its own would take the lower one of its ports, and its host not be reached for a while.
    assert kernel.there[names.outer_of(key)].mac_address > kernel.there["br0"].mac_address
    kernel.run(to_remove(key, True, kernel.devices()))
    assert set(kernel.there) == {"eth0", "br0"} and kernel.namespaces == set()


def test_hosts_of_one_network_have_servers_with_other_mac_addresses() -> None:
    assert names.inner_mac("kvb-1", "h1") != names.inner_mac("kvb-1", "h2")


def test_the_bridge_that_nobody_needs_goes_though_its_dhcp_server_was_left() -> None:
    binding = make.port(binding={"type": "local", "name": "n"})["binding"]
    bridge = on_demand.bridge_of(binding)
    outer = names.outer_of(names.key_of(bridge))
    there = {bridge: device(bridge, "bridge", alias="kvmfleet:local n"), outer: device(outer, "veth", master=bridge)}
    assert bridges_to_remove([], there).left == [] and bridges_to_remove([], there).removed == [there[bridge]]
    there["eth9"] = device("eth9", master=bridge)
    assert [why for _name, why in bridges_to_remove([], there).left] == ["no server needs it any more, but it has a port that is not of this collection: eth9"]


def test_a_bridge_that_is_not_there_has_no_server() -> None:
    with pytest.raises(ServerError, match="the host has no bridge br0 to serve DHCP on"):
        to_make(told(port(ip())), "h1", {})


def test_the_names_fit_and_are_known_again() -> None:
    key = names.key_of("a-bridge-of-15c")
    assert len(names.outer_of(key)) == 15
    assert names.key_in(names.outer_of(key)) == names.key_in(names.namespace_of(key)) == key and names.is_key(key)
    assert names.key_in("kvd-theirs") is None and not names.is_ours("kvb-0123456789a", "fe:00:00:00:00:00", names.alias_of("br0"))


@pytest.mark.parametrize(
    ("text", "found"), [("Dnsmasq version 2.90  Copyright (c) 2000-2024 Simon Kelley", (2, 90)), ("Dnsmasq version 2.79", (2, 79)), ("something", None)]
)
def test_the_version_is_read(text: str, found: tuple[int, ...] | None) -> None:
    assert version_of(text) == found
