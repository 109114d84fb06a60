# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ports with all that they may have, seen from inside their guest; and what a host can't carry, refused with its reason."""

from __future__ import annotations

import json
import typing as t

from ansible_collections.kvmfleet.compute.plugins.module_utils.network import limits

from .conftest import NET4, NET6, TESTBED, Fleet, server, ssh

FRONT = f"{NET4}.5.10"
MACS = {"front": "52:54:00:00:05:01", "six": "52:54:00:00:05:02"}
TAIL = "5054:ff:fe00:502"
MADE_OF_MAC, LINK_LOCAL = f"{NET6}{TAIL}", f"fe80::{TAIL}"
NETWORKS = {
    "lan": {"bridge": "br-ext", "mtu": 1500, "subnets": [{"cidr": f"{NET4}.0.0/16", "gateway_ip": f"{NET4}.0.1"}]},
    "six": {"bridge": "br-ext", "mtu": 1400, "subnets": [{"cidr": f"{NET6}/64", "ipv6_address_mode": "slaac", "host_routes": []}]},
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
CATALOGUE: dict[str, t.Any] = {"compute_networks": NETWORKS, "compute_ports": PORTS, "compute_flavors": FLAVORS}


def test_a_guest_has_the_nics_that_its_ports_are(fleet: Fleet) -> None:
    wanted = [{"port": "front", "tag": "outside"}, {"port": "six", "tag": "inside"}]
    play = fleet.create(server("web", flavor="m1.queues", networks=wanted), compute_wait_for="ssh", **CATALOGUE)
    assert play.code == 0, play.output
    made = play.server("web")
    nics = fleet.hosts[made["host"]].xml(made["domain"]).findall("devices/interface")
    found = [(nic.find("mac").get("address"), nic.find("driver").get("queues"), nic.find("mtu").get("size")) for nic in nics]
    assert found == [(MACS["front"], "2", "1500"), (MACS["six"], "2", "1400")], "in the order of the request"
    # On the second NIC the guest has the address that follows from its MAC address.
    assert ssh(MADE_OF_MAC, "hostname").strip() == "web"
    assert ssh(FRONT, "cat /sys/class/net/eth0/mtu /sys/class/net/eth1/mtu").split() == ["1500", "1400"]
    assert ssh(FRONT, "ls /sys/class/net/eth0/queues").split() == ["rx-0", "rx-1", "tx-0", "tx-1"]
    metadata = json.loads(ssh(FRONT, "cat /mnt/openstack/latest/meta_data.json"))
    devices = {device["mac"]: device for device in metadata["devices"]}
    assert {mac: device["tags"] for mac, device in devices.items()} == {MACS["front"]: ["outside"], MACS["six"]: ["inside"]}
    for name, mac in (("eth0", MACS["front"]), ("eth1", MACS["six"])):
        path = ssh(FRONT, f"cat /sys/class/net/{name}/address; readlink -f /sys/class/net/{name}/device").split()
        assert path[0] == mac and devices[mac]["bus"] == "pci"
        assert path[1].split("/")[-2] == devices[mac]["address"], "where the guest sees the device"
    networks = json.loads(ssh(FRONT, "cat /mnt/openstack/latest/network_data.json"))["networks"]
    assert [(network["type"], network["ip_address"]) for network in networks] == [("ipv4", FRONT), ("ipv6_slaac", MADE_OF_MAC)]
    again = fleet.create(server("web", flavor="m1.queues", networks=wanted), **CATALOGUE)
    assert (again.code, again.changed(), again.server("web")["drift"]) == (0, 0, [])


def test_a_guest_makes_its_address_of_what_a_router_tells_it(fleet: Fleet) -> None:
    play = fleet.create(server("web", networks=[{"port": "front"}, {"port": "six"}]), compute_wait_for="ssh", **CATALOGUE)
    assert play.code == 0, play.output
    made = play.server("web")
    assert [address["addr"] for address in made["addresses"]["six"]] == [MADE_OF_MAC]
    # The micro image takes what it is told, as cloud-init doesn't here.
    ssh(FRONT, f"ip addr del {MADE_OF_MAC}/64 dev eth1")
    elsewhere = next(host for name, host in fleet.hosts.items() if name != made["host"])
    elsewhere.run("python3", "-c", (TESTBED / "router.py").read_text(), "br-ext", LINK_LOCAL, f"{NET6}/64")
    # Made, and found to be nobody else's.
    ready = f"until ip -6 addr show dev eth1 | grep {MADE_OF_MAC}/64 | grep -v tentative; do sleep 0.1; done"
    assert "dynamic" in ssh(FRONT, ready)
    assert ssh(MADE_OF_MAC, "hostname").strip() == "web"


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
