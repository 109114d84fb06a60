# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is read from a libvirt network's XML."""

from __future__ import annotations

import pytest

from ansible_collections.kvmfleet.compute.plugins.module_utils.network_parser import (
    CONFIG,
    DhcpHost,
    DhcpSubnet,
    parse_dhcp,
    parse_network,
    parse_user_backends,
)

SWITCHED = """<network><name>over</name><forward mode='bridge'/><bridge name='br-ovs'/><virtualport type='openvswitch'/><vlan><tag id='9'/></vlan>
<portgroup name='five' default='yes'><vlan><tag id='5'/></vlan></portgroup>
<portgroup name='trunk'><vlan trunk='yes'><tag id='5'/><tag id='6'/></vlan></portgroup></network>"""


def test_a_network_on_open_vswitch_says_the_vlans_of_its_parts() -> None:
    assert parse_network(SWITCHED, active=True) == {
        "name": "over",
        "bridge": "br-ovs",
        "active": True,
        "kind": "openvswitch",
        "vlan": 9,
        "portgroups": [{"name": "five", "default": True, "vlan": 5}, {"name": "trunk", "default": False, "vlan": None}],
    }


@pytest.mark.parametrize(
    ("inner", "kind", "bridge"),
    [
        ("<bridge name='virbr0'/>", "bridge", "virbr0"),
        ("<forward mode='nat'/><bridge name='virbr0' stp='on'/>", "bridge", "virbr0"),
        ("<forward mode='bridge'/><bridge name='br0'/>", "bridge", "br0"),
        ("<forward mode='bridge'><interface dev='eth1'/></forward>", "macvtap", None),
        ("<forward dev='eth1' mode='private'><interface dev='eth1'/></forward>", "macvtap", None),
        ("<forward mode='hostdev' managed='yes'><pf dev='eth1'/></forward>", "hostdev", None),
        ("<forward mode='bridge'/><bridge name='b'/><portgroup name='p'><virtualport type='openvswitch'/></portgroup>", "openvswitch", "b"),
    ],
)
def test_the_kinds_of_networks(inner: str, kind: str, bridge: str | None) -> None:
    found = parse_network(f"<network><name>n</name>{inner}</network>", active=False)
    assert (found["kind"], found["bridge"], found["vlan"], found["active"]) == (kind, bridge, None, False)


def test_where_libvirts_dhcp_server_answers_and_what_it_keeps_for_whom() -> None:
    xml = """<network><name>n</name>
    <ip address='10.0.0.1'/>
    <ip family='ipv6' address='2001:db8::1' prefix='64'><dhcp><range start='2001:db8::2' end='2001:db8::9'/></dhcp></ip>
    <ip address='192.0.2.1' netmask='255.255.255.128'><dhcp><range start='192.0.2.2' end='192.0.2.9'/><host mac='FA:16:3E:00:00:01' ip='192.0.2.3'/></dhcp></ip>
    <ip address='172.16.0.1'><dhcp><host name='h' ip='172.16.0.2'/></dhcp></ip>
    <ip address='198.51.100.1' prefix='24'><dhcp><bootp file='pxe'/></dhcp></ip></network>"""
    assert parse_dhcp(xml, CONFIG) == [
        DhcpSubnet(CONFIG, 2, "192.0.2.0/25", (DhcpHost("fa:16:3e:00:00:01", "192.0.2.3", None),)),
        DhcpSubnet(CONFIG, 3, "172.16.0.0/16", (DhcpHost(None, "172.16.0.2", "h"),)),
    ]


def test_what_connects_interfaces_of_the_type_user() -> None:
    told = "<interface supported='yes'><enum name='backendType'><value>default</value><value>passt</value></enum></interface>"
    assert parse_user_backends(f"<domainCapabilities><devices><disk supported='yes'/>{told}</devices></domainCapabilities>") == ["default", "passt"]
    # Libvirt 9.0.0.
    assert parse_user_backends("<domainCapabilities><devices><disk supported='yes'/></devices></domainCapabilities>") == []
