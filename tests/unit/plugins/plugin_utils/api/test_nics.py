# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What requests get of NICs: limits of ports and flavors, queues, and what no NIC can have."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.kvmfleet.compute.tests.unit.plugins.plugin_utils.api.stage import CATALOGUE, asked, check, rules

INBOUND = {"quota:vif_inbound_average": "100", "quota:vif_inbound_peak": "200"}
OF_FLAVOR = {"average": 100, "peak": 200, "burst": None}


def catalogue(specs: dict[str, str], properties: dict[str, t.Any] | None = None, vcpus: int = 2, **port: t.Any) -> dict[str, t.Any]:
    """With a flavor of these extra specs, an image of these properties, and a port ``front``."""
    return {
        **CATALOGUE,
        "flavors": {"small": {"vcpus": vcpus, "memory_mb": 512, "root_gb": 10, "extra_specs": specs}},
        "images": {"debian": {**CATALOGUE["images"]["debian"], "properties": properties or {}}},
        "ports": {"front": {"network": "lan", **port}},
    }


def test_each_nic_has_the_flavor_s_limit_but_for_the_direction_that_its_port_limits() -> None:
    of_port = {"direction": "ingress", "max_kbps": 800, "max_burst_kbps": 80}
    networks = [{"name": "lan"}, {"port": "front"}]
    made = check(asked(networks=networks), catalogue=catalogue({**INBOUND, "quota:vif_outbound_average": "5"}, qos=[of_port]))
    assert made["errors"] == [] and made["notes"] == []
    outbound = {"average": 5, "peak": None, "burst": None}
    assert [network["bandwidth"] for network in made["instances"][0]["networks"]] == [
        {"inbound": OF_FLAVOR, "outbound": outbound},
        {"inbound": {"average": 100, "peak": None, "burst": 10}, "outbound": outbound},
    ]
    assert [network["limited"] for network in made["request_specs"][0]["networks"]] == [True, True]


def test_the_one_network_that_there_is_gives_a_limited_nic_too() -> None:
    only = {**catalogue(INBOUND), "networks": {"lan": CATALOGUE["networks"]["lan"]}}
    assert check(asked(networks=[]), catalogue=only)["instances"][0]["networks"][0]["bandwidth"] == {"inbound": OF_FLAVOR, "outbound": None}


def test_without_limits_no_host_has_to_be_able_to_keep_any() -> None:
    made = check(asked(), catalogue=catalogue({}))
    assert made["instances"][0]["networks"][0]["bandwidth"] is None and made["request_specs"][0]["networks"][0]["limited"] is False


def test_queues_follow_from_flavor_and_image_and_have_an_effect() -> None:
    made = check(asked(), catalogue=catalogue({"hw:vif_multiqueue_enabled": "true"}, {"hw_vif_multiqueue_enabled": "true"}))
    assert made["instances"][0]["networks"][0]["queues"] == 2 and made["notes"] == []
    conflict = catalogue({"hw:vif_multiqueue_enabled": "true"}, {"hw_vif_multiqueue_enabled": "false"})
    assert rules(check(asked(), catalogue=conflict)) == [("servers[0].flavor", "FlavorImageConflict")]


def test_a_limit_that_can_not_be_read_is_the_flavor_s_fault_and_one_that_counts_for_nothing_is_said() -> None:
    assert rules(check(asked(), catalogue=catalogue({"quota:vif_inbound_average": "1 MB"}))) == [
        ("compute_flavors.small.extra_specs.quota:vif_inbound_average", "ValidationError")
    ]
    [note] = check(asked(), catalogue=catalogue({"quota:vif_outbound_peak": "1"}))["notes"]
    assert note.endswith("extra specs of flavor small: no effect without quota:vif_outbound_average: quota:vif_outbound_peak")


@pytest.mark.parametrize(
    ("qos", "fault"),
    [
        ([{"max_kbps": 8}, {"direction": "egress", "max_kbps": 9}], ("qos[1].direction", "egress")),
        ([{"max_kbps": 7}], ("qos[0].max_kbps", 7)),
        ([{"direction": "out", "max_kbps": 8}], ("qos[0].direction", "out")),
        ([{"direction": "ingress"}], ("qos[0].max_kbps", None)),
        ([{"direction": ["ingress"], "max_kbps": 8}], ("qos[0].direction", ["ingress"])),
    ],
)
def test_a_port_has_one_limit_that_can_be_kept_for_each_direction(qos: list[dict[str, t.Any]], fault: tuple[str, object]) -> None:
    [error] = check(asked(), catalogue=catalogue({}, qos=qos))["errors"]
    assert error["path"] == f"compute_ports.front.{fault[0]}" and error["error_class"] == "InvalidCatalogue"


def test_a_limit_on_a_binding_that_can_not_keep_it_is_refused() -> None:
    limited = {"max_kbps": 800}
    lan = {"subnets": CATALOGUE["networks"]["lan"]["subnets"], "port_security_enabled": False}

    def said(specs: dict[str, str], networks: list[dict[str, str]], binding: dict[str, str], **port: t.Any) -> list[tuple[str, str]]:
        return rules(check(asked(networks=networks), catalogue={**catalogue(specs, **port), "networks": {"lan": {**lan, **binding}}}))

    switch = {"openvswitch": "br-ovs"}
    assert said({}, [{"port": "front"}], switch, qos=[limited]) == [("servers[0].networks[0].port", "UnsupportedHardware")]
    assert said(INBOUND, [{"name": "lan"}], switch) == [("servers[0].networks[0].name", "UnsupportedHardware")]
    assert said({}, [{"name": "lan"}], switch, qos=[limited]) == []
    assert said(INBOUND, [{"name": "lan"}], {"macvtap": "eth1"}) == []


@pytest.mark.parametrize("model", ["sriov", "VirtualSriovEthernetCard", "vmxnet", "VirtualVmxnet", "netfront"])
def test_a_nic_that_qemu_has_not_is_refused(model: str) -> None:
    assert rules(check(asked(), catalogue=catalogue({}, {"hw_vif_model": model}))) == [("servers[0].image", "UnsupportedHardware")]


@pytest.mark.parametrize("model", ["virtio", "e1000", "VirtualE1000", "VirtualVmxnet3", "rtl8139"])
def test_a_nic_that_qemu_has_is_not(model: str) -> None:
    assert rules(check(asked(), catalogue=catalogue({}, {"hw_vif_model": model}))) == []
