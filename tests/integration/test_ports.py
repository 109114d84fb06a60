# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ports with all that they may have, seen from inside their guest; and what a host can't carry, refused with its reason."""

from __future__ import annotations

import json
import typing as t

import pytest

from ansible_collections.kvmfleet.compute.plugins.module_utils.network import limits

from .conftest import NET4, NET6, TESTBED, Fleet, server, ssh

FRONT = f"{NET4}.5.10"
MACS = {"front": "52:54:00:00:05:01", "six": "52:54:00:00:05:02"}
TAIL = "5054:ff:fe00:502"
MADE_OF_MAC, LINK_LOCAL = f"{NET6}{TAIL}", f"fe80::{TAIL}"
NETWORKS = {
    "lan": {"bridge": "br-ext", "mtu": 1500, "subnets": [{"cidr": f"{NET4}.0.0/16", "gateway_ip": f"{NET4}.0.1"}]},
    "six": {"bridge": "br-ext", "mtu": 1400, "subnets": [{"cidr": f"{NET6}/64", "ipv6_address_mode": "slaac", "host_routes": []}]},
    "narrow": {"bridge": "br-int", "mtu": 1400, "subnets": [{"cidr": "192.168.7.0/24"}]},
    "wide": {"bridge": "br-int", "mtu": 1500, "subnets": [{"cidr": "192.168.8.0/24"}]},
    "jumbo": {"bridge": "br-ext", "mtu": 9000, "subnets": [{"cidr": f"{NET4}.0.0/16", "allocation_pools": [{"start": f"{NET4}.6.10", "end": f"{NET4}.6.20"}]}]},
}
PORTS = {
    "front": {"network": "lan", "mac_address": MACS["front"], "fixed_ips": [{"ip_address": FRONT}]},
    "six": {"network": "six", "mac_address": MACS["six"]},
    "slow": {"network": "lan", "fixed_ips": [{"ip_address": f"{NET4}.5.11"}], "qos": [{"direction": "egress", "max_kbps": 8000, "max_burst_kbps": 800}]},
}
FLAVORS = {
    "m1.micro": {"vcpus": 1, "memory_mb": 128, "root_gb": 1},
    "m1.queues": {"vcpus": 2, "memory_mb": 128, "root_gb": 1, "extra_specs": {"hw:vif_multiqueue_enabled": "true"}},
}
ROOT = {"uuid": "micro", "source_type": "image", "destination_type": "local", "boot_index": 0, "tag": "system"}
CONFIG = "/mnt/openstack/latest"
CATALOGUE: dict[str, t.Any] = {"compute_networks": NETWORKS, "compute_ports": PORTS, "compute_flavors": FLAVORS}


def test_a_guest_has_the_nics_that_its_ports_are(fleet: Fleet) -> None:
    wanted = [{"port": "front", "tag": "outside"}, {"port": "six", "tag": "inside"}]
    request = server("web", flavor="m1.queues", networks=wanted, block_device_mapping_v2=[ROOT])
    play = fleet.create(request, compute_wait_for="ssh", **CATALOGUE)
    assert play.code == 0, play.output
    made = play.server("web")
    nics = fleet.hosts[made["host"]].xml(made["domain"]).findall("devices/interface")
    found = [(nic.find("mac").get("address"), nic.find("driver").get("queues"), nic.find("mtu").get("size")) for nic in nics]
    assert found == [(MACS["front"], "2", "1500"), (MACS["six"], "2", "1400")], "in the order of the request"
    assert [address["addr"] for address in made["addresses"]["six"]] == [MADE_OF_MAC]
    # Each login takes an emulated guest seconds: all is asked in one.
    paths = {MACS["front"]: "net/eth0", MACS["six"]: "net/eth1", None: "block/vda"}
    asked = ["cat /sys/class/net/eth0/mtu /sys/class/net/eth1/mtu /sys/class/net/eth0/address /sys/class/net/eth1/address", "ls /sys/class/net/eth0/queues"]
    asked += [f"cd -P /sys/class/{path}/device; pwd" for path in paths.values()]
    asked += [f"cat {CONFIG}/meta_data.json", f"echo; cat {CONFIG}/network_data.json"]
    told = ssh(FRONT, "; ".join(asked)).split("\n")
    assert told[:4] == ["1500", "1400", MACS["front"], MACS["six"]]
    assert told[4:8] == ["rx-0", "rx-1", "tx-0", "tx-1"], "a pair of queues for each CPU"
    at = {mac: where.split("/")[-2] for mac, where in zip(paths, told[8:11], strict=True)}  # where the guest sees its devices
    devices = [(device["type"], device["tags"], device["bus"], device["address"]) for device in json.loads(told[11])["devices"]]
    assert devices == [
        ("disk", ["system"], "pci", at[None]),
        ("nic", ["outside"], "pci", at[MACS["front"]]),
        ("nic", ["inside"], "pci", at[MACS["six"]]),
    ]
    networks = [(network["type"], network["ip_address"]) for network in json.loads(told[12])["networks"]]
    assert networks == [("ipv4", FRONT), ("ipv6_slaac", MADE_OF_MAC)]
    # The micro image takes what it is told. Others make their address when a router tells them the prefix, and that comes through the port's filter, too.
    ssh(FRONT, f"ip addr del {MADE_OF_MAC}/64 dev eth1")
    elsewhere = next(host for name, host in fleet.hosts.items() if name != made["host"])
    elsewhere.run("python3", "-c", (TESTBED / "router.py").read_text(), "br-ext", LINK_LOCAL, f"{NET6}/64")
    ssh(FRONT, f"until ip -6 addr show dev eth1 | grep {MADE_OF_MAC}/64 | grep -v tentative; do sleep 0.1; done")
    assert f"{MADE_OF_MAC}/64 scope global dynamic" in ssh(MADE_OF_MAC, "ip -6 addr show dev eth1")
    again = fleet.create(request, **CATALOGUE)
    assert (again.code, again.changed(), again.server("web")["drift"]) == (0, 0, [])


def test_what_a_host_can_not_carry_is_said_before_anything_is_made(fleet: Fleet) -> None:
    play = fleet.create(server("big", networks=[{"name": "jumbo"}]), server("slow", networks=[{"port": "slow"}]), **CATALOGUE)
    assert play.code != 0
    assert "network jumbo: bridge br-ext carries packets of up to 1500 bytes, and the network's MTU is 9000" in play.told()
    # The hosts of the testbed run on this kernel.
    why = limits.obstacle()
    if why:
        assert f"network lan: {why}" in play.told()
        assert fleet.where("slow") == []
    else:
        made = play.server("slow")
        host = fleet.hosts[made["host"]]
        tap = host.xml(made["domain"]).find("devices/interface/target").get("dev")
        tuned = host.run("virsh", "domiftune", made["domain"], tap)
        assert "outbound.average: 1000" in tuned and "outbound.burst : 100" in tuned
    assert fleet.where("big") == []


@pytest.mark.campaign
def test_the_mtu_of_one_guest_is_no_reason_against_another_on_a_bridge_without_network_card(fleet: Fleet) -> None:
    h1 = fleet.hosts["h1"]
    for name, mtu in (("narrow", 1400), ("wide", 1500)):
        play = fleet.create(server(name, networks=[{"name": name}], availability_zone="az1:h1"), **CATALOGUE)
        assert play.code == 0, play.output
        tap = h1.xml(play.server(name)["domain"]).find("devices/interface/target").get("dev")
        told = h1.run("cat", f"/sys/class/net/{tap}/mtu", "/sys/class/net/br-int/mtu").split()
        assert told == [str(mtu), "1400"], "the bridge follows its smallest tap"
