# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A flat network is the bridge that each host has for it: an address there is taken whatever the catalogue calls the network."""

from __future__ import annotations

import typing as t

from ansible_collections.kvmfleet.compute.plugins.module_utils.shapes import Binding
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.fleet.segments import Segments
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.shapes import FleetHost

FLAT: Binding = {"type": "flat", "name": "physnet1"}


def host(name: str, device: str, *, is_bridge: bool = True) -> FleetHost:
    physical = [{"name": "physnet1", "device": device, "is_bridge": is_bridge, "up": True, "mtu": 1500}]
    return t.cast(FleetHost, {"name": name, "networks": {"bridges": [], "libvirt": [], "physical_networks": physical}})


def test_a_flat_network_is_every_bridge_that_it_is_somewhere() -> None:
    found = Segments([host("h1", "br0"), host("h2", "br-ext"), host("h3", "eth0", is_bridge=False)])
    assert found.of("n", FLAT) == {("network", "n"), ("flat", "physnet1"), ("bridge", "br0"), ("bridge", "br-ext")}
    assert [found.one(FLAT, name) for name in ("h1", "h2", "h3")] == ["bridge br0", "bridge br-ext", "flat physnet1"]
    assert found.places("n", FLAT, "192.0.2.1") & found.places("m", {"type": "bridge", "name": "br-ext"}, "192.0.2.1")


def test_a_network_that_is_made_is_one_on_all_hosts() -> None:
    found = Segments([host("h1", "br0")])
    for binding in (Binding(type="vxlan", name="5"), Binding(type="vlan", name="physnet1:7"), Binding(type="local", name="n")):
        assert found.one(binding, "h1") == found.one(binding, "h2") == f"{binding['type']} {binding['name']}"
        assert found.of("n", binding) == {("network", "n"), (binding["type"], binding["name"])}


def test_a_physical_network_is_no_libvirt_network_of_the_same_name() -> None:
    assert ("bridge", "br0") not in Segments([host("h1", "br0")]).of("n", {"type": "libvirt_network", "name": "physnet1"})
