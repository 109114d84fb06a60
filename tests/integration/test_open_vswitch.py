# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Guests on Open vSwitch (in user space) on two hypervisors whose bridges are joined by a link: a VLAN is theirs who have its tag."""

from __future__ import annotations

import json
import subprocess
import typing as t

import pytest

from ansible_collections.kvmfleet.compute.tests.integration.conftest import NET4, NUMBER, Fleet, server, ssh
from ansible_collections.kvmfleet.compute.tests.integration.test_security_groups import pings

SWITCHED = ("h1", "h2")
LINK = "ovs-up"
HOST = "198.51.100.1"
OPEN: dict[str, t.Any] = {"port_security_enabled": False, "subnets": [{"cidr": "198.51.100.0/24", "gateway_ip": None, "dns_nameservers": [HOST]}]}
OF_LIBVIRT = (
    "<network><name>over</name><forward mode='bridge'/><bridge name='br-ovs'/><virtualport type='openvswitch'/>"
    "<portgroup name='five'><vlan><tag id='5'/></vlan></portgroup></network>"
)


def namespace(host: str) -> str:
    return f"kvmfleet{NUMBER or ''}-{host}"


@pytest.fixture
def switched(fleet: Fleet) -> t.Iterator[Fleet]:
    """Open vSwitch on two hypervisors, and a libvirt network on the one of h1."""
    for name in SWITCHED:
        fleet.testbed("open-vswitch", "start", name)
    one, other = map(namespace, SWITCHED)
    subprocess.run(["ip", "link", "add", LINK, "netns", one, "type", "veth", "peer", "name", LINK, "netns", other], check=True)
    for name in SWITCHED:
        fleet.hosts[name].run("ovs-vsctl", "add-br", "br-ovs", "--", "set", "bridge", "br-ovs", "datapath_type=netdev", "--", "add-port", "br-ovs", LINK)
        fleet.hosts[name].run("ip", "link", "set", LINK, "up")
    fleet.hosts["h1"].run("sh", "-c", 'echo "$1" > /tmp/over.xml && virsh net-define /tmp/over.xml', "sh", OF_LIBVIRT)
    yield fleet
    fleet.remove_servers()
    fleet.hosts["h1"].run("sh", "-c", "virsh net-destroy over; virsh net-undefine over; rm /tmp/over.xml", check=False)
    fleet.hosts["h1"].run("ip", "link", "del", LINK)
    for name in SWITCHED:
        fleet.testbed("open-vswitch", "stop", name)


def shown(fleet: Fleet, host: str) -> str:
    return fleet.hosts[host].run("ovs-vsctl", "show")


def tap_of(fleet: Fleet, made: dict[str, t.Any]) -> dict[str, t.Any]:
    """What Open vSwitch has of a server's second port."""
    host = fleet.hosts[made["host"]]
    nic = host.xml(made["domain"]).findall("devices/interface")[1]
    device, mac = nic.find("target").get("dev"), nic.find("mac").get("address")
    asked = (("vlan", "Port", "tag"), ("ofport", "Interface", "ofport"), ("id", "Interface", "external_ids:iface-id"))
    return {"device": device, "mac": mac, **{key: json.loads(host.run("ovs-vsctl", "get", table, device, column)) for key, table, column in asked}}


@pytest.mark.campaign
def test_guests_reach_who_has_their_vlan_and_nobody_else(switched: Fleet) -> None:
    networks = {
        "lan": {"bridge": "br-ext", "subnets": [{"cidr": f"{NET4}.0.0/16", "allocation_pools": [{"start": f"{NET4}.7.10", "end": f"{NET4}.7.30"}]}]},
        "red": {"openvswitch": "br-ovs", "vlan": 5, "mtu": 1400, **OPEN},
        "blue": {"openvswitch": "br-ovs", "vlan": 6, **OPEN},
        "bare": {"openvswitch": "br-ovs", **OPEN},
        "over": {"libvirt_network": "over", "portgroup": "five", **OPEN},
    }
    before = {name: shown(switched, name) for name in SWITCHED}

    def asked(name: str, host: str, network: str, last: int) -> dict[str, t.Any]:
        zone = "az1:h1" if host == "h1" else "az2:h2"
        return server(name, availability_zone=zone, networks=[{"name": "lan"}, {"name": network, "fixed_ip": f"198.51.100.{last}"}])

    wanted = [
        asked("red-1", "h1", "red", 10),
        asked("red-2", "h2", "red", 11),
        # Another VLAN may have the same addresses.
        asked("blue-2", "h2", "blue", 11),
        asked("bare-1", "h1", "bare", 12),
        asked("over-1", "h1", "over", 14),
    ]
    play = switched.create(*wanted, compute_networks=networks, compute_wait_for="ssh", compute_wait_timeout_s=500)
    assert play.code == 0, play.output
    lan = {name: play.server(name)["addresses"]["lan"][0]["addr"] for name in ("red-1", "red-2", "blue-2", "bare-1", "over-1")}
    # The same VLAN on the other host, by way of a libvirt network, too.
    assert pings(lan["red-1"], "198.51.100.11") and pings(lan["over-1"], "198.51.100.11")
    # Without a VLAN the host's own port of the bridge, which has no tag either.
    switched.hosts["h1"].run("sh", "-c", f"ip addr add {HOST}/24 dev br-ovs && ip link set br-ovs up")
    assert pings(lan["bare-1"], HOST) and not pings(lan["red-1"], HOST)
    # Who answers has the same tag, though another guest has the same address.
    taps = {name: tap_of(switched, play.server(name)) for name in ("red-2", "blue-2", "bare-1")}
    assert taps["red-2"]["mac"] in ssh(lan["red-1"], "cat /proc/net/arp")
    # Another VLAN, and no VLAN.
    assert not pings(lan["blue-2"], "198.51.100.10") and not pings(lan["red-1"], "198.51.100.12") and not pings(lan["bare-1"], "198.51.100.10")
    # Nor is it by a tag that the guest sends itself.
    trace = ("ovs-appctl", "ofproto/trace", "br-ovs", f"in_port={taps['bare-1']['ofport']},dl_src={taps['bare-1']['mac']},dl_dst=ff:ff:ff:ff:ff:ff")
    assert "Datapath actions: drop" in switched.hosts["h1"].run(*trace[:-1], f"{trace[-1]},dl_vlan=5,dl_vlan_pcp=0")
    assert "Datapath actions: drop" not in switched.hosts["h1"].run(*trace)
    # Controllers of Open vSwitch know the port by its id; its guest is told what it is on, and how large its packets may be.
    assert [taps[name]["vlan"] for name in ("red-2", "blue-2", "bare-1")] == [5, 6, 0]
    assert taps["red-2"]["device"] == f"tap{taps['red-2']['id'][:11]}"
    told = json.loads(ssh(lan["red-1"], "cat /mnt/openstack/latest/network_data.json"))["links"]
    assert [(link["type"], link["mtu"]) for link in told] == [("bridge", None), ("ovs", 1400)]
    again = switched.create(*wanted, compute_networks=networks)
    assert (again.code, again.changed()) == (0, 0), again.output
    assert all(again.server(name)["drift"] == [] for name in lan)
    # After a reset of its host Open vSwitch knows ports of guests that are off.
    bare, device = play.server("bare-1"), taps["bare-1"]["device"]
    h1 = switched.hosts["h1"]
    h1.run("virsh", "destroy", bare["domain"])
    assert device not in shown(switched, "h1")
    h1.run("ovs-vsctl", "--no-wait", "add-port", "br-ovs", device, "--", "set", "Interface", device, f"external_ids:vm-id={bare['id']}")
    gone = switched.play("kvmfleet.compute.delete_server", {"compute_delete_names": list(lan), "compute_networks": networks})
    assert gone.code == 0, gone.output
    assert {name: shown(switched, name) for name in SWITCHED} == before
