# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ports that share a device of the host by macvtap."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.kvmfleet.compute.plugins.module_utils.network import ports
from ansible_collections.kvmfleet.compute.plugins.module_utils.network.segment import segments
from ansible_collections.kvmfleet.compute.plugins.module_utils.network.vif.table import vif_of
from ansible_collections.kvmfleet.compute.plugins.module_utils.shapes import HostNetworks
from ansible_collections.kvmfleet.compute.tests.unit import make
from ansible_collections.kvmfleet.compute.tests.unit.fake_links import FakeLinks, live

PORT = make.port(binding=make.macvtap(), port_security_enabled=False, mtu=1400)
BINDING, VIF = PORT["binding"], vif_of(PORT["binding"])
LIVE = live(type="direct", source={"dev": "eth1", "mode": "bridge"})


def having(**changes: t.Any) -> HostNetworks:
    device = {"name": "eth1", "up": True, "mtu": 1500, "port_of": None, **changes}
    return t.cast(HostNetworks, {"bridges": [], "libvirt": [], "devices": [device]})


def test_the_xml_shares_the_device_and_sets_no_mtu() -> None:
    element = VIF.element(PORT, "virtio")
    assert (element.get("type"), element.find("source").attrib) == ("direct", {"dev": "eth1", "mode": "bridge"})
    # Libvirt refuses both.
    assert element.find("mtu") is None and element.find("filterref") is None


@pytest.mark.parametrize(
    ("networks", "missing"),
    [
        (having(), None),
        (having(name="eth0"), "the host has no device eth1 for macvtap"),
        (make.networks("eth1"), "the host has no device eth1 for macvtap"),
        (having(up=False), "device eth1 is down"),
        (having(port_of="br0"), "device eth1 is a port of br0, so that guests can't share it by macvtap"),
    ],
)
def test_what_a_host_lacks(networks: HostNetworks, missing: str | None) -> None:
    assert VIF.missing(BINDING, networks) == missing


def test_packets_are_as_large_as_those_of_the_device() -> None:
    wanted = "device eth1 carries packets of up to 1500 bytes, and the network's MTU is 9000"
    assert [VIF.too_small(BINDING, 9000, having(mtu=mtu)) for mtu in (1500, 9000, 0)] == [wanted, None, None]
    assert VIF.too_small(BINDING, 9000, make.networks()) is None


def test_before_the_guest_runs_the_device_below_must_be_up() -> None:
    # Libvirt sets the macvtap itself up with the guest's CPUs; its MTU is that of the device below.
    assert ports.check_plugged([PORT], [LIVE], FakeLinks(1500, tap0=(None, False), eth1=(None, True))) == []
    # Somebody may set it up again, so that it is waited for.
    late = (f"port {PORT['id']}: eth1, which is below tap0, is down", False)
    assert ports.check_plugged([PORT], [LIVE], FakeLinks(1500, tap0=(None, True), eth1=(None, False))) == [late]
    assert VIF.not_plugged(PORT, LIVE, FakeLinks(eth1=(None, True))) == "tap0 is gone"
    assert VIF.not_plugged(PORT, None, FakeLinks()) == "the guest has no interface fa:16:3e:00:00:01"


def test_a_libvirt_network_of_macvtap_is_plugged_likewise() -> None:
    port = make.port(binding=make.libvirt_network("direct"))
    interface = live(type="network", source={"network": "direct", "dev": "eth1", "mode": "bridge"})
    assert ports.check_plugged([port], [interface], FakeLinks(tap0=(None, False), eth1=(None, True))) == []
    late = (f"port {port['id']}: eth1, which is below tap0, is down", False)
    assert ports.check_plugged([port], [interface], FakeLinks(tap0=(None, True), eth1=(None, False))) == [late]


def test_on_a_bridge_s_device_guests_meet_those_of_the_bridge() -> None:
    assert segments("a", make.macvtap("br0")) & segments("b", make.bridge("br0")) == {("bridge", "br0")}
    assert VIF.device(BINDING, having()) == "eth1"
