# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What real cloud-init makes of network_data.json: a Debian guest with a NIC for each way in which it may learn its addresses."""

from __future__ import annotations

import json
import typing as t

import pytest

from ansible_collections.kvmfleet.compute.plugins.module_utils.network.filters.port_filter import link_local

from .conftest import NET4, NET6, TESTBED, Fleet, server, ssh

MACS = {"told": "52:54:00:00:08:01", "made": "52:54:00:00:08:02", "leased": "52:54:00:00:08:03"}
TOLD, TOLD_6, MADE, LEASED = f"{NET4}.8.40", f"{NET6}8:40", "fd00:77::5054:ff:fe00:802", "192.168.78.40"
DNS, DNS_6 = f"{NET4}.0.1", f"{NET6}1"
NETWORKS: dict[str, t.Any] = {
    "told": {
        "bridge": "br-ext",
        "mtu": 1400,
        "subnets": [
            {
                "cidr": f"{NET4}.0.0/16",
                "gateway_ip": f"{NET4}.0.1",
                "dns_nameservers": [DNS],
                "host_routes": [{"destination": "203.0.113.0/24", "nexthop": f"{NET4}.0.2"}],
            },
            {
                "cidr": f"{NET6}/64",
                "gateway_ip": f"{NET6}1",
                "dns_nameservers": [DNS_6],
                "host_routes": [{"destination": "2001:db8:5::/64", "nexthop": f"{NET6}2"}],
            },
        ],
    },
    "made": {"bridge": "br-int", "mtu": 1300, "subnets": [{"cidr": "fd00:77::/64", "gateway_ip": None, "ipv6_address_mode": "slaac"}]},
    "leased": {"libvirt_network": "leased", "subnets": [{"cidr": "192.168.78.0/24", "gateway_ip": None, "dhcp": True}]},
}
PORTS = {
    "told": {"network": "told", "mac_address": MACS["told"], "fixed_ips": [{"ip_address": TOLD}, {"ip_address": TOLD_6}]},
    "made": {"network": "made", "mac_address": MACS["made"]},
    "leased": {"network": "leased", "mac_address": MACS["leased"], "fixed_ips": [{"ip_address": LEASED}]},
}
# Libvirt's DHCP server gives an address of the range to whoever has no reservation.
XML = (
    "<network><name>leased</name><bridge name='br-leased' stp='off'/><dns enable='no'/>"
    "<ip address='192.168.78.1' prefix='24'><dhcp><range start='192.168.78.100' end='192.168.78.120'/></dhcp></ip></network>"
)
# Each login takes an emulated guest long: all is asked in one, a JSON document a line.
LOOK = "cloud-init status --wait > /dev/null && ip -j addr && ip -j -4 route && ip -j -6 route && resolvectl --no-pager dns"


@pytest.fixture
def leasing(fleet: Fleet) -> t.Iterator[Fleet]:
    """h1 has a libvirt network that serves DHCP."""
    h1 = fleet.hosts["h1"]
    h1.run("sh", "-c", 'printf %s "$1" > /tmp/leased.xml && virsh -q net-define /tmp/leased.xml && virsh -q net-start leased', "sh", XML)
    yield fleet
    fleet.remove_servers()
    h1.run("sh", "-c", "virsh -q net-destroy leased; virsh -q net-undefine leased; rm /tmp/leased.xml", check=False)


@pytest.mark.campaign
def test_a_guest_with_cloud_init_has_what_its_ports_have(leasing: Fleet) -> None:
    request = server("Networked", flavor="m1.small", image="debian", networks=[{"port": name} for name in PORTS], config_drive=True, availability_zone="az1:h1")
    play = leasing.create(request, compute_networks=NETWORKS, compute_ports=PORTS, compute_wait_for="cloud_init", compute_wait_timeout_s=1500)
    assert play.code == 0, play.output
    # The routers of life tell it again and again.
    router = (TESTBED / "router.py").read_text()
    leasing.hosts["h1"].run("python3", "-c", router, "br-int", link_local(MACS["made"]), "fd00:77::/64")
    said = ssh(TOLD, f"until ip -6 addr | grep -q 'inet6 {MADE}/'; do sleep 1; done; {LOOK}", user="debian").splitlines()
    links, routes, routes_6 = (json.loads(line) for line in said[:3])
    nics = {link["address"]: link for link in links}
    has = {name: {ip["local"] for ip in nics[mac]["addr_info"] if ip["scope"] == "global"} for name, mac in MACS.items()}
    assert has == {"told": {TOLD, TOLD_6}, "made": {MADE}, "leased": {LEASED}}
    assert {name: nics[mac]["mtu"] for name, mac in MACS.items()} == {"told": 1400, "made": 1300, "leased": 1500}
    device = {name: nics[mac]["ifname"] for name, mac in MACS.items()}
    gateways = {(route["dst"], route["gateway"], route["dev"]) for route in (*routes, *routes_6) if "gateway" in route}
    assert gateways == {
        ("default", f"{NET4}.0.1", device["told"]),
        ("203.0.113.0/24", f"{NET4}.0.2", device["told"]),
        ("default", f"{NET6}1", device["told"]),
        ("2001:db8:5::/64", f"{NET6}2", device["told"]),
    }
    (servers,) = (line for line in said[3:] if f"({device['told']})" in line)
    assert {DNS, DNS_6} <= set(servers.split())
    again = leasing.create(request, compute_networks=NETWORKS, compute_ports=PORTS)
    assert (again.code, again.changed(), again.server("Networked")["drift"]) == (0, 0, []), again.output
