# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a host lacks, and what to do about it."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.kvmfleet.compute.plugins.plugin_utils.fleet.readiness import PACKAGES, findings

READY: dict[str, t.Any] = {
    "host": {"virt_types": ["kvm", "qemu"], "networks": {"bridges": [{"name": "br0"}], "libvirt": [{"name": "default", "active": True}]}},
}


def told(
    info: dict[str, t.Any] | None = None, os_family: str = "Debian", commands: tuple[str, ...] = (), virt_type: str | None = None, **networks: t.Any
) -> list[str]:
    return list(findings(os_family, list(commands), info or READY, networks, virt_type))


def test_a_host_that_has_all_of_it_is_ready() -> None:
    assert told(lan={"bridge": "br0", "libvirt_network": None}, nat={"libvirt_network": "default"}, empty=None) == []


@pytest.mark.parametrize("os_family", PACKAGES)
def test_a_missing_command_names_its_package(os_family: str) -> None:
    for command, package in PACKAGES[os_family].items():
        (sentence,) = told(os_family=os_family, commands=(command,))
        assert sentence.endswith(f"install the package {package}")


def test_a_missing_command_of_an_unknown_distribution_is_told_without_a_package() -> None:
    assert told(os_family="Archlinux", commands=("iso",)) == ["command genisoimage, mkisofs or xorriso is missing: install it"]


def test_a_missing_bridge_names_its_network_and_what_there_is() -> None:
    (sentence,) = told(lan={"bridge": "br1"})
    assert sentence.startswith("bridge br1 of network lan is missing: make it")
    assert sentence.endswith("the host has br0")


def test_a_missing_libvirt_network_names_its_network_and_what_there_is() -> None:
    (sentence,) = told(nat={"libvirt_network": "isolated"})
    assert sentence.startswith("libvirt network isolated of network nat is missing: virsh net-define it")
    assert sentence.endswith("the host has default")


def test_what_it_takes_to_make_a_network_is_missing_with_its_reason() -> None:
    office = {"provider:network_type": "vlan", "provider:physical_network": "physnet1", "provider:segmentation_id": 7}
    tenant, own = {"provider:network_type": "vxlan", "provider:segmentation_id": 5}, {"provider:network_type": "local"}
    found = told(office=office, tenant=tenant, own=own, odd={"provider:network_type": "gre"}, half={"provider:network_type": "flat"})
    assert [sentence.partition("; ")[0] for sentence in found] == [
        "network office can't be made on the host: the host has no mapping for the physical network physnet1 (compute_bridge_mappings)",
        "network tenant can't be made on the host: the host has no address to send VXLAN from",
    ]
    physical = [{"name": "physnet1", "device": "eth0", "is_bridge": False, "up": True, "mtu": 1500}]
    networks = {**READY["host"]["networks"], "physical_networks": physical, "tunnel": {"address": "192.0.2.1", "mtu": 1500}}
    assert told({"host": {**READY["host"], "networks": networks}}, office=office, tenant=tenant) == []


def test_a_host_that_can_not_answer_guests_is_not_ready_for_a_network_that_asks_for_that() -> None:
    networks = {"lan": {"bridge": "br0", "subnets": [{"cidr": "192.0.2.0/24", "dhcp": True, "dhcp_server": True}]}, "other": {"bridge": "br0", "subnets": 5}}
    without = {"host": {**READY["host"], "networks": {**READY["host"]["networks"], "no_dhcp": "the host has no dnsmasq"}}}
    (sentence,) = told(without, **networks)
    assert sentence.startswith("guests of network lan can't be answered by the host: the host has no dnsmasq; ")
    assert told(READY, **networks) == told(without, lan={"bridge": "br0"}) == []


def test_a_host_without_kvm_is_not_ready_unless_emulation_is_asked_for() -> None:
    emulating = {"host": {**READY["host"], "virt_types": ["qemu"]}}
    (sentence,) = told(emulating)
    assert sentence.startswith("KVM is missing")
    assert told(emulating, virt_type="qemu") == []


@pytest.mark.parametrize(
    ("message", "fix"),
    [
        ("Failed to import the required Python library (libvirt) on h1's Python /usr/bin/python3.", "install python3-libvirt"),
        ("libvirt at qemu:///system does not answer: Failed to connect socket", "systemctl status libvirtd"),
        ("Timed out after 300 seconds", "systemctl status libvirtd"),
    ],
)
def test_a_host_that_can_not_be_read_says_why_and_nothing_about_its_networks(message: str, fix: str) -> None:
    (sentence,) = told({"failed": True, "msg": message}, lan={"bridge": "br1"})
    assert sentence.startswith(f"the host can't be read: {message.rstrip('.')}")
    assert fix in sentence


@pytest.mark.parametrize(
    ("network", "lacking"),
    [
        ({"openvswitch": "br-ovs", "vlan": 5}, "the host has no Open vSwitch bridge br-ovs, which network red needs"),
        ({"macvtap": "eth1"}, "the host has no device eth1 for macvtap, which network red needs"),
    ],
)
def test_another_missing_device_names_its_network(network: dict[str, t.Any], lacking: str) -> None:
    [sentence] = told(red=network)
    assert sentence == f"{lacking}: see docs/bridges.md, or correct compute_networks.red.{next(iter(network))}"
    there = {"switches": [{"name": "br-ovs", "port_mtu": None}], "devices": [{"name": "eth1", "up": True, "mtu": 1500, "port_of": None}]}
    assert told({**READY, "host": {**READY["host"], "networks": {**READY["host"]["networks"], **there}}}, red=network) == []
