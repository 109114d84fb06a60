# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Networks that are made on demand, seen from inside their guests, and what is on the hosts before, meanwhile and afterwards.

A kernel without 802.1Q links makes no VLAN: then a host must say so. VLANs on such a machine are those of Open vSwitch.
"""

from __future__ import annotations

import json
import typing as t

import pytest

from .conftest import NET4, Fleet, Host, server, ssh

KIND, PHYSICAL, NUMBER = "provider:network_type", "provider:physical_network", "provider:segmentation_id"
# Two networks with the same addresses: whoever of the one is reached from the other is reached by mistake.
SUBNETS = [{"cidr": "192.168.55.0/24", "gateway_ip": None, "dns_nameservers": [f"{NET4}.0.1"]}]
NETWORKS: dict[str, t.Any] = {
    "lan": {"bridge": "br-ext", "mtu": 1500, "subnets": [{"cidr": f"{NET4}.0.0/16", "gateway_ip": f"{NET4}.0.1"}]},
    "five": {KIND: "vxlan", NUMBER: 5, "subnets": SUBNETS},
    "six": {KIND: "vxlan", NUMBER: 6, "subnets": SUBNETS},
    "own": {KIND: "local", "subnets": [{**SUBNETS[0], "cidr": "192.168.56.0/24"}]},
    "tagged": {KIND: "vlan", PHYSICAL: "physnet1", NUMBER: 7, "subnets": [{"cidr": "192.168.57.0/24", "gateway_ip": None}]},
    "outside": {KIND: "flat", PHYSICAL: "physnet1", "mtu": 1500, "subnets": [{"cidr": f"{NET4}.0.0/16", "gateway_ip": f"{NET4}.0.1"}]},
    "elsewhere": {KIND: "flat", PHYSICAL: "physnet9", "subnets": [{"cidr": "192.168.58.0/24", "gateway_ip": None}]},
}
# The testbed's hosts have no default route.
TUNNELS = {"compute_tunnel_address": "{{ ansible_host }}"}
VARIABLES: dict[str, t.Any] = {"compute_networks": NETWORKS, "compute_bridge_mappings": {"physnet1": "br-ext"}, **TUNNELS}
WAITING = {**VARIABLES, "compute_wait_for": "ssh", "compute_wait_timeout_s": 300}
ANY = "00:00:00:00:00:00"


class Link(t.NamedTuple):
    """What of a device stays the same as long as nobody changes it."""

    name: str
    kind: str
    alias: str
    mtu: int
    master: str
    index: int  # another one if it was made anew


def links(host: Host) -> set[Link]:
    """Every device that is no guest's."""
    found = json.loads(host.run("ip", "-json", "-details", "link", "show"))
    made = {
        Link(
            item["ifname"],
            item.get("linkinfo", {}).get("info_kind", ""),
            item.get("ifalias", ""),
            item["mtu"],
            item.get("master", ""),
            item["ifindex"],
        )
        for item in found
    }
    return {link for link in made if not link.name.startswith("tap")}


def names_of(host: Host) -> set[str]:
    """The networks that were made there, as their devices' aliases call them."""
    return {link.alias for link in links(host) if link.alias}


def flooded(host: Host, alias: str) -> set[str]:
    """Where the host sends frames of a network for whom nobody has answered yet."""
    (device,) = (link.name for link in links(host) if link.alias == alias and link.kind == "vxlan")
    entries = json.loads(host.run("bridge", "-json", "fdb", "show", "dev", device))
    return {entry["dst"] for entry in entries if entry["mac"] == ANY and "dst" in entry}


def pings(address: str, target: str, *options: str) -> bool:
    return ssh(address, f"busybox ping -c 1 -W 5 {' '.join(options)} {target} > /dev/null && echo yes || echo no").strip() == "yes"


def on(name: str, where: str, *networks: dict[str, t.Any]) -> dict[str, t.Any]:
    return server(name, availability_zone=where, networks=[{"name": "lan"}, *networks])


def at(network: str, last: int) -> dict[str, t.Any]:
    return {"name": network, "fixed_ip": f"192.168.{56 if network == 'own' else 55}.{last}"}


def lan_of(made: dict[str, t.Any]) -> str:
    return t.cast(str, made["addresses"]["lan"][0]["addr"])


@pytest.mark.campaign
def test_guests_of_one_vxlan_network_reach_each_other_and_those_of_two_do_not(fleet: Fleet) -> None:
    h1, h2 = fleet.hosts["h1"], fleet.hosts["h2"]
    before = {name: links(host) for name, host in fleet.hosts.items()}
    asked = [
        on("one", "az1:h1", at("five", 10), at("own", 10)),
        on("two", "az2:h2", at("five", 11), at("own", 11)),
        on("other", "az2:h2", at("six", 12)),
        on("near", "az1:h1", at("own", 13)),
    ]
    first = fleet.create(*asked, **WAITING)
    assert first.code == 0, first.output
    one, two, other = (lan_of(first.server(name)) for name in ("one", "two", "other"))
    assert pings(one, "192.168.55.11") and pings(two, "192.168.55.10")
    # The largest packet that goes through the tunnel in one piece, which is what guests are told.
    assert ssh(one, "cat /sys/class/net/eth1/mtu").strip() == "1450" and pings(one, "192.168.55.11", "-s", "1422")
    assert not pings(one, "192.168.55.12") and not pings(other, "192.168.55.11")
    # A local network ends on its host.
    assert pings(one, "192.168.56.13") and not pings(one, "192.168.56.11")
    assert names_of(fleet.hosts["h3"]) == set()
    own = {alias for alias in names_of(h1) if alias.startswith("kvmfleet:local ")}
    assert (names_of(h1), names_of(h2)) == ({"kvmfleet:vxlan 5", *own}, {"kvmfleet:vxlan 5", "kvmfleet:vxlan 6", *own})
    assert flooded(h1, "kvmfleet:vxlan 5") == {f"{NET4}.0.12"} and flooded(h2, "kvmfleet:vxlan 5") == {f"{NET4}.0.11"}
    assert flooded(h2, "kvmfleet:vxlan 6") == set()
    # The host takes no part in what they say.
    bridges = [link.name for link in links(h1) if link.alias and link.kind == "bridge"]
    assert [h1.run("cat", f"/proc/sys/net/ipv6/conf/{name}/disable_ipv6", f"/proc/sys/net/ipv4/conf/{name}/arp_ignore").split() for name in bridges] == [
        ["1", "8"]
    ] * 2
    meanwhile = {name: links(host) for name, host in fleet.hosts.items()}
    again = fleet.create(*asked, **WAITING)
    assert (again.code, again.changed()) == (0, 0), again.output
    assert {name: links(host) for name, host in fleet.hosts.items()} == meanwhile
    # A run that builds nothing has nothing to tell.
    assert "Ask the hosts which VXLAN networks they have" not in again.output
    # Who has gone is sent nothing any more; what another server needs stays.
    gone = fleet.play("kvmfleet.compute.delete_server", {"compute_delete_names": ["two"], **TUNNELS})
    assert gone.code == 0, gone.output
    assert names_of(h2) == {"kvmfleet:vxlan 6"} and flooded(h1, "kvmfleet:vxlan 5") == set()
    rest = fleet.play("kvmfleet.compute.delete_server", {"compute_delete_names": ["one", "other", "near"], **TUNNELS})
    assert rest.code == 0, rest.output
    assert {name: links(host) for name, host in fleet.hosts.items()} == before


@pytest.mark.campaign
def test_after_a_reboot_a_start_brings_the_network_back(fleet: Fleet) -> None:
    asked = [on("one", "az1:h1", at("five", 10)), on("two", "az2:h2", at("five", 11))]
    first = fleet.create(*asked, **WAITING)
    assert first.code == 0, first.output
    fleet.testbed("reboot", "h1")
    h1 = fleet.hosts["h1"]
    assert names_of(h1) == set()
    again = fleet.create(*asked, **WAITING)
    assert again.code == 0, again.output
    assert flooded(h1, "kvmfleet:vxlan 5") == {f"{NET4}.0.12"}
    assert pings(lan_of(again.server("one")), "192.168.55.11") and pings(lan_of(again.server("two")), "192.168.55.10")


@pytest.mark.campaign
def test_a_flat_network_is_the_bridge_of_the_host_and_what_a_host_lacks_is_said(fleet: Fleet) -> None:
    before = {name: links(host) for name, host in fleet.hosts.items()}
    flat = fleet.create(server("flat", networks=[{"name": "outside"}]), **VARIABLES)
    assert flat.code == 0, flat.output
    made = flat.server("flat")
    interface = fleet.hosts[made["host"]].xml(made["domain"]).find("devices/interface")
    assert interface.find("source").get("bridge") == "br-ext" and interface.find("target").get("dev") in fleet.hosts[made["host"]].taps()
    # On the same bridge and so in the same segment as the network that names the bridge.
    taken = fleet.create(server("taken", networks=[{"name": "lan", "fixed_ip": made["addresses"]["outside"][0]["addr"]}]), **VARIABLES)
    assert taken.code != 0 and "is in use by server flat" in taken.told(), taken.output
    refused = fleet.create(server("lost", networks=[{"name": "elsewhere"}]), **VARIABLES)
    assert refused.code != 0
    assert "network elsewhere: the host has no mapping for the physical network physnet9 (compute_bridge_mappings)" in refused.told(), refused.output
    tagged = fleet.create(server("tagged", networks=[{"name": "tagged"}]), **VARIABLES)
    facts = fleet.play("kvmfleet.compute.fleet", {"compute_fleet_file": str(fleet.folder / "fleet.json"), **VARIABLES})
    assert facts.code == 0, facts.output
    hosts = json.loads((fleet.folder / "fleet.json").read_text())["hosts"]
    why = hosts["h1"]["host_info"]["host"]["networks"]["no_vlans"]
    if why:
        print(f"no VLAN was made: {why}")
        assert tagged.code != 0 and f"network tagged: {why}" in tagged.told(), tagged.output
    else:
        assert tagged.code == 0 and "kvmfleet:vlan physnet1:7" in names_of(fleet.hosts[tagged.server("tagged")["host"]]), tagged.output
    fleet.play("kvmfleet.compute.delete_server", {"compute_delete_names": ["flat", "tagged"], "compute_delete_missing": "ignore"})
    assert {name: links(host) for name, host in fleet.hosts.items()} == before


@pytest.mark.campaign
def test_somebody_elses_device_is_left_alone_and_another_host_takes_the_server(fleet: Fleet) -> None:
    h1 = fleet.hosts["h1"]
    h1.run("ip", "link", "add", "vx-theirs", "type", "vxlan", "id", "5", "dstport", "4789")
    try:
        before = links(h1)
        play = fleet.create(server("one", availability_zone="az1", networks=[at("five", 10)]), **VARIABLES)
        assert play.code == 0, play.output
        # Placed there or not: h3 of the same zone has it in the end.
        pinned = fleet.create(server("two", availability_zone="az1:h1", networks=[at("five", 11)]), **VARIABLES)
        assert play.server("one")["host"] == "h3" and pinned.code != 0
        assert "the host has the device vx-theirs for it already, which is not of this collection; it is left alone" in pinned.told(), pinned.output
        assert links(h1) == before
    finally:
        h1.run("ip", "link", "delete", "dev", "vx-theirs")
