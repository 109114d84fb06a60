# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ports on Open vSwitch: on a bridge of its own, and on a libvirt network that is backed by one."""

from __future__ import annotations

import typing as t
import xml.etree.ElementTree as ET

import pytest

from ansible_collections.kvmfleet.compute.plugins.module_utils.domain_parser import parse_interfaces
from ansible_collections.kvmfleet.compute.plugins.module_utils.errors import ServerError
from ansible_collections.kvmfleet.compute.plugins.module_utils.guest.network_data import network_data
from ansible_collections.kvmfleet.compute.plugins.module_utils.network import ports
from ansible_collections.kvmfleet.compute.plugins.module_utils.network.vif.table import vif_of
from ansible_collections.kvmfleet.compute.plugins.module_utils.shapes import Binding, HostNetworks, Interface, SwitchPort
from ansible_collections.kvmfleet.compute.tests.unit import make
from ansible_collections.kvmfleet.compute.tests.unit.fake_links import FakeLinks, live

PORT = make.port(binding=make.openvswitch(vlan=5), port_security_enabled=False, mtu=1450)
UNTAGGED = make.port(binding=make.openvswitch(), port_security_enabled=False)
ID = PORT["id"]
OVER: t.Any = {"name": "over", "bridge": "br-ovs", "active": True, "kind": "openvswitch", "vlan": None, "portgroups": []}
LIMITS = {"inbound": {"average": 100, "peak": None, "burst": None}, "outbound": None}
PARTS = [{"name": "five", "default": True, "vlan": 5}, {"name": "bare", "default": False, "vlan": None}]


def on(port_mtu: int | None = 1500, libvirt: t.Any = (), **more: t.Any) -> HostNetworks:
    return t.cast(HostNetworks, {"bridges": [], "libvirt": list(libvirt), "switches": [{"name": "br-ovs", "port_mtu": port_mtu}], **more})


def switched(**changes: t.Any) -> SwitchPort:
    return t.cast(SwitchPort, {"bridge": "br-ovs", "vlan": 5, "interface_id": ID, "domain_id": make.UUID, "error": None, **changes})


def test_the_xml_says_id_and_tag_and_is_read_back() -> None:
    element = vif_of(PORT["binding"]).element(PORT, "virtio")
    assert (element.get("type"), element.find("source").attrib, element.find("mtu").attrib) == ("bridge", {"bridge": "br-ovs"}, {"size": "1450"})
    assert element.find("virtualport").attrib == {"type": "openvswitch"} and element.find("filterref") is None
    [read] = parse_interfaces(f"<domain><devices>{ET.tostring(element, encoding='unicode')}</devices></domain>")
    assert (read["virtualport"], read["interface_id"], read["vlan"]) == ("openvswitch", ID, 5)
    assert list(vif_of(PORT["binding"]).compared(PORT, read)) == [("vlan", 5, 5), ("interface_id", ID, ID)]
    [edited] = parse_interfaces("<domain><devices><interface type='bridge'><vlan trunk='yes'><tag id='5'/><tag id='6'/></vlan></interface></devices></domain>")
    assert list(vif_of(PORT["binding"]).compared(PORT, edited)) == [("vlan", 5, None), ("interface_id", ID, None)]


def test_a_port_without_a_vlan_is_no_trunk() -> None:
    assert vif_of(UNTAGGED["binding"]).element(UNTAGGED, "virtio").find("vlan/tag").attrib == {"id": "0"}


@pytest.mark.parametrize(
    ("found", "reason"),
    [
        (switched(), None),
        (None, "tap0 is on no bridge, not on br-ovs"),
        (switched(bridge="br9"), "tap0 is on bridge br9, not on br-ovs"),
        (switched(vlan=6), "tap0 has the VLAN tag 6, not 5"),
        (switched(vlan=None), "tap0 has no VLAN tag, not 5"),
        (switched(interface_id=ID.upper()), None),
        (switched(interface_id="another"), "tap0 has the interface id another, not that of the port"),
        (switched(interface_id=None), "tap0 has no interface id, not that of the port"),
        (switched(error="could not open it"), "Open vSwitch can't use tap0: could not open it"),
    ],
)
def test_a_port_is_plugged_if_open_vswitch_has_it_as_it_is_asked_for(found: SwitchPort | None, reason: str | None) -> None:
    # To the kernel the tap of a bridge in user space is on none, and that of one in the kernel on ovs-system.
    for kernels in (None, "ovs-system"):
        links = FakeLinks(1450, switch={"tap0": found} if found else {}, tap0=(kernels, True))
        assert vif_of(PORT["binding"]).not_plugged(PORT, live(), links) == reason
    if reason:
        with pytest.raises(ServerError, match=reason) as caught:
            ports.check_plugged([PORT], [live()], links)
        assert (caught.value.error_class, caught.value.reschedule) == ("VirtualInterfacePlugException", True)


def test_a_port_is_up_and_has_its_mtu() -> None:
    vif = vif_of(PORT["binding"])
    for kernels in (None, "ovs-system"):
        assert ports.check_plugged([PORT], [live()], FakeLinks(1450, switch={"tap0": switched()}, tap0=(kernels, True))) == []
    down = (f"port {ID}: tap0 is down", False)
    assert ports.check_plugged([PORT], [live()], FakeLinks(1450, switch={"tap0": switched()}, tap0=(None, False))) == [down]
    assert vif.not_plugged(PORT, live(), FakeLinks(1450, switch={"tap0": switched()})) == "tap0 is gone"
    assert vif.not_plugged(PORT, live(), FakeLinks(1500, switch={"tap0": switched()}, tap0=(None, True))) == "tap0 has an MTU of 1500 bytes, not of 1450"
    assert vif.not_plugged(PORT, None, FakeLinks()) == "the guest has no interface fa:16:3e:00:00:01"
    assert vif.not_plugged(UNTAGGED, live(), FakeLinks(switch={"tap0": switched(vlan=0)}, tap0=(None, True))) is None


@pytest.mark.parametrize(
    ("networks", "missing"),
    [
        (on(), None),
        (make.networks("br-ovs"), "the host has no Open vSwitch bridge br-ovs"),
        (on(switches=[]), "the host has no Open vSwitch bridge br-ovs"),
        (on(switches=[], no_switches="it does not answer"), "the host has no Open vSwitch bridge br-ovs: it does not answer"),
    ],
)
def test_what_a_host_lacks(networks: HostNetworks, missing: str | None) -> None:
    assert vif_of(PORT["binding"]).missing(PORT["binding"], networks) == missing


def test_packets_are_as_large_as_the_bridge_s_ports() -> None:
    vif, binding = vif_of(PORT["binding"]), PORT["binding"]
    wanted = "bridge br-ovs carries packets of up to 1500 bytes, and the network's MTU is 9000"
    assert [vif.too_small(binding, 9000, on(mtu)) for mtu in (1500, 9000, None)] == [wanted, None, None]
    of_libvirt = make.libvirt_network("over")
    assert vif_of(of_libvirt).too_small(of_libvirt, 9000, on(1500, [OVER])) == wanted


@pytest.mark.parametrize(
    ("binding", "network", "device"),
    [
        (make.openvswitch(), OVER, "br-ovs"),
        (make.openvswitch(vlan=5), OVER, None),
        (make.libvirt_network("over"), OVER, "br-ovs"),
        (make.libvirt_network("over"), {**OVER, "vlan": 5}, None),
        (make.libvirt_network("over"), {**OVER, "portgroups": PARTS}, None),
        (t.cast(Binding, {**make.libvirt_network("over"), "portgroup": "bare"}), {**OVER, "portgroups": PARTS}, "br-ovs"),
        (make.libvirt_network("other"), OVER, None),
    ],
)
def test_the_host_can_be_asked_for_addresses_where_its_own_port_is(binding: Binding, network: t.Any, device: str | None) -> None:
    assert vif_of(binding).device(binding, on(libvirt=[network])) == device


def test_where_the_host_can_not_ask_a_probe_of_addresses_says_so() -> None:
    with pytest.raises(ServerError, match="it can't be asked whether its addresses are in use, as the host has no device in it"):
        ports.check_unused([PORT], on(), lambda _device, _addresses: {})


def test_the_guest_is_told_nova_s_words() -> None:
    assert [link["type"] for link in network_data([PORT, make.port(binding=make.macvtap())])["links"]] == ["ovs", "phy"]


OF_LIBVIRT = make.port(binding=make.libvirt_network("over"), port_security_enabled=False)
LIVE: Interface = live(source={"network": "over", "bridge": "br-ovs"}, virtualport="openvswitch")


@pytest.mark.parametrize(
    ("found", "reason"),
    [
        (switched(interface_id="libvirt's own"), None),
        (None, "tap0 is on no bridge, not on br-ovs"),
        (switched(bridge="br9"), "tap0 is on bridge br9, not on br-ovs"),
        (switched(error="could not open it"), "Open vSwitch can't use tap0: could not open it"),
    ],
)
def test_a_port_of_a_libvirt_network_on_open_vswitch_is_looked_for_there(found: SwitchPort | None, reason: str | None) -> None:
    links = FakeLinks(switch={"tap0": found} if found else {}, tap0=("ovs-system", True))
    assert vif_of(OF_LIBVIRT["binding"]).not_plugged(OF_LIBVIRT, LIVE, links) == reason


@pytest.mark.parametrize("kind", ["openvswitch", "macvtap", "hostdev"])
def test_a_libvirt_network_that_is_no_bridge_is_told_before_anything_is_made(kind: str) -> None:
    networks = on(libvirt=[{**OVER, "kind": kind}])
    ports.check_bindings([OF_LIBVIRT], networks)
    for wish, what in (({"port_security_enabled": True}, "can't enforce port security"), ({"bandwidth": LIMITS}, "bandwidth can't be limited")):
        with pytest.raises(ServerError, match=what) as caught:
            ports.check_bindings([t.cast("t.Any", {**OF_LIBVIRT, **wish})], networks)
        assert (caught.value.error_class, caught.value.reschedule) == ("PortBindingFailed", True)


def test_a_part_of_a_libvirt_network_stands_in_the_xml() -> None:
    binding = t.cast(Binding, {**make.libvirt_network("over"), "portgroup": "five"})
    assert vif_of(binding).source(binding) == {"network": "over", "portgroup": "five"}
    assert vif_of(binding).missing(binding, on(libvirt=[{**OVER, "portgroups": PARTS}])) is None
    assert vif_of(binding).missing(binding, on(libvirt=[OVER])) == "libvirt network over of the host has no portgroup five"
