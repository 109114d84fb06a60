# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Guests that their hosts answer by DHCP: seen from inside, from a stranger on the same bridge, and on the hosts before, meanwhile and afterwards."""

from __future__ import annotations

import ipaddress
import json
import typing as t

import pytest

from .conftest import NET4, Fleet, Host, server, ssh

KIND, NUMBER = "provider:network_type", "provider:segmentation_id"
ROUTES = [{"destination": "198.51.100.0/24", "nexthop": "192.168.55.2"}]
SUBNET = {"cidr": "192.168.55.0/24", "gateway_ip": "192.168.55.1", "dns_nameservers": [f"{NET4}.0.1"], "dhcp": True, "dhcp_server": True}
SIX = {"cidr": "fd55::/64", "ipv6_address_mode": "slaac", "dhcp_server": True}
NETWORKS: dict[str, t.Any] = {
    "lan": {"bridge": "br-ext", "mtu": 1500, "subnets": [{"cidr": f"{NET4}.0.0/16", "gateway_ip": f"{NET4}.0.1"}]},
    "five": {KIND: "vxlan", NUMBER: 5, "mtu": 1400, "subnets": [{**SUBNET, "host_routes": ROUTES}, SIX]},
    # With the addresses of the other one, on the same hosts.
    "inside": {"bridge": "br-int", "subnets": [{**SUBNET, "gateway_ip": None, "dns_nameservers": []}]},
}
WAITING: dict[str, t.Any] = {
    "compute_networks": NETWORKS,
    "compute_tunnel_address": "{{ ansible_host }}",
    "compute_wait_for": "ssh",
    "compute_wait_timeout_s": 300,
}
# What udhcpc was told, a line for each.
TELL = """#!/bin/sh
[ "$1" != bound ] || env | grep -E '^(ip|mask|router|dns|mtu|staticroutes|serverid)='
"""
ASK = "busybox udhcpc -i {device} -f -n -q -t {tries} -T 3 -O mtu -O staticroutes -s /tmp/tell 2> /dev/null || true"


def told(text: str) -> dict[str, str]:
    return dict(line.split("=", 1) for line in text.splitlines())


def asks(address: str, device: str) -> dict[str, str]:
    """What a guest is told that asks on a device."""
    write = f"mkdir -p /tmp; cat > /tmp/tell << 'END'\n{TELL}END\nchmod 755 /tmp/tell; ip link set {device} up"
    return told(ssh(address, f"{write}; {ASK.format(device=device, tries=5)}"))


def makes(address: str, device: str) -> str:
    """The address that a guest makes of what a router tells it on a device; what the micro image has given it is taken away before."""
    wait = f"for n in $(busybox seq 30); do grep -v ^fe80 /proc/net/if_inet6 | grep -q {device} && break; sleep 1; done"
    found = ssh(address, f"ip addr flush dev {device}; ip link set {device} down; ip link set {device} up; {wait}; grep {device} /proc/net/if_inet6")
    digits = next((line.split()[0] for line in found.splitlines() if not line.startswith("fe80")), "")
    return str(ipaddress.IPv6Address(int(digits, 16))) if digits else ""


def stranger(host: Host, bridge: str) -> dict[str, str]:
    """What somebody is told who is no guest of the host, on its bridge."""
    write = f"cat > /tmp/tell << 'END'\n{TELL}END\nchmod 755 /tmp/tell"
    link = f"ip netns add other; ip link add name other type veth peer name eth0 netns other; ip link set other master {bridge} up"
    ask = ASK.format(device="eth0", tries=2)
    return told(host.run("sh", "-c", f"{write}; {link}; ip -n other link set eth0 up; ip netns exec other {ask}; ip link delete other; ip netns delete other"))


def state(host: Host) -> dict[str, t.Any]:
    """What a host has of DHCP servers, beside what every host has."""
    devices = [(item["ifname"], item.get("ifalias"), item.get("master"), item["ifindex"]) for item in json.loads(host.run("ip", "-json", "link", "show"))]
    return {
        "devices": [found for found in devices if not found[0].startswith("tap")],
        "namespaces": sorted(line.split()[0] for line in host.run("ip", "netns", "list").splitlines()),
        "processes": host.run("sh", "-c", "pgrep -x dnsmasq || true").split(),
        "files": host.run("sh", "-c", "grep -r . /run/kvmfleet/dhcp 2> /dev/null | sort || true").splitlines(),
        "addresses": sorted(
            (item["ifname"], address["local"]) for item in json.loads(host.run("ip", "-json", "address", "show")) for address in item["addr_info"]
            if not item["ifname"].startswith("tap")
        ),
    }  # fmt: skip


def on(name: str, where: str, *networks: str) -> dict[str, t.Any]:
    return server(name, availability_zone=where, networks=[{"name": name} for name in ("lan", *networks)])


def lan_of(made: dict[str, t.Any]) -> str:
    return t.cast(str, made["addresses"]["lan"][0]["addr"])


def given(made: dict[str, t.Any], network: str) -> str:
    return t.cast(str, made["addresses"][network][0]["addr"])


@pytest.mark.campaign
def test_a_guest_gets_what_its_port_has_from_its_host_and_a_stranger_gets_nothing(fleet: Fleet) -> None:
    h1, h2 = fleet.hosts["h1"], fleet.hosts["h2"]
    before = {name: state(host) for name, host in fleet.hosts.items()}
    asked = [on("one", "az1:h1", "five", "inside"), on("two", "az2:h2", "five")]
    first = fleet.create(*asked, **WAITING)
    assert first.code == 0, first.output
    one, two = first.server("one"), first.server("two")
    answer = asks(lan_of(one), "eth1")
    assert answer == {
        "ip": given(one, "five"),
        "mask": "24",
        "router": "192.168.55.1",
        "dns": f"{NET4}.0.1",
        "mtu": "1400",
        "staticroutes": "198.51.100.0/24 192.168.55.2 0.0.0.0/0 192.168.55.1",
        "serverid": "169.254.0.67",
    }
    assert asks(lan_of(two), "eth1")["ip"] == given(two, "five") != given(one, "five")
    assert makes(lan_of(two), "eth1") == two["addresses"]["five"][1]["addr"]
    # A bridge of the host's own, without a way out.
    inside = asks(lan_of(one), "eth2")
    assert (inside["ip"], inside.keys() & {"router", "dns", "mtu", "staticroutes"}) == (given(one, "inside"), set())
    # Each host knows its own guests only; nobody else is answered, though the bridge reaches both hosts.
    lines = {host.name: [line for line in state(host)["files"] if "/hosts:" in line] for host in (h1, h2)}
    assert (len(lines["h1"]), len(lines["h2"])) == (2, 1)
    bridge = next(name for name, alias, _master, _index in state(h1)["devices"] if alias == "kvmfleet:vxlan 5" and name.startswith("kvb-"))
    assert stranger(h1, bridge) == {} and stranger(h1, "br-int") == {}
    # The host has no address there, and the same run changes nothing.
    assert state(h1)["addresses"] == before["h1"]["addresses"]
    meanwhile = {name: state(host) for name, host in fleet.hosts.items()}
    again = fleet.create(*asked, **WAITING)
    assert (again.code, again.changed()) == (0, 0), again.output
    assert {name: state(host) for name, host in fleet.hosts.items()} == meanwhile
    gone = fleet.play("kvmfleet.compute.delete_server", {"compute_delete_names": ["one", "two"], "compute_tunnel_address": "{{ ansible_host }}"})
    assert gone.code == 0, gone.output
    assert {name: state(host) for name, host in fleet.hosts.items()} == before


@pytest.mark.campaign
def test_after_a_reboot_a_start_answers_again_and_an_address_that_is_free_is_given_again(fleet: Fleet) -> None:
    h1 = fleet.hosts["h1"]
    first = fleet.create(on("one", "az1:h1", "inside"), on("old", "az1:h1", "inside"), **WAITING)
    assert first.code == 0, first.output
    assert asks(lan_of(first.server("old")), "eth1")["ip"] == given(first.server("old"), "inside")
    fleet.testbed("reboot", "h1")
    assert state(h1)["processes"] == []
    fleet.play("kvmfleet.compute.delete_server", {"compute_delete_names": ["old"]})
    new = on("new", "az1:h1")
    new["networks"].append({"name": "inside", "fixed_ip": given(first.server("old"), "inside")})
    second = fleet.create(on("one", "az1:h1", "inside"), new, **WAITING)
    assert second.code == 0, second.output
    for name in ("one", "new"):
        assert asks(lan_of(second.server(name)), "eth1")["ip"] == given(second.server(name), "inside")
    # The address of one that has asked, for another one, while the server goes on for its neighbour.
    fleet.play("kvmfleet.compute.delete_server", {"compute_delete_names": ["new"]})
    new["name"] = "newer"
    third = fleet.create(new, **WAITING)
    assert third.code == 0, third.output
    assert asks(lan_of(third.server("newer")), "eth1")["ip"] == given(first.server("old"), "inside")
