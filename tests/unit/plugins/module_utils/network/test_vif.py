"""The types of binding: what a host must have, the XML, and what plugged means."""

from __future__ import annotations

import typing as t
import xml.etree.ElementTree as ET

import pytest

from ansible_collections.kvmfleet.compute.plugins.module_utils.domain_parser import parse_interfaces
from ansible_collections.kvmfleet.compute.plugins.module_utils.errors import ServerError
from ansible_collections.kvmfleet.compute.plugins.module_utils.network import ports
from ansible_collections.kvmfleet.compute.plugins.module_utils.network.filters.names import port_filter_name
from ansible_collections.kvmfleet.compute.plugins.module_utils.network.on_demand.names import bridge_of
from ansible_collections.kvmfleet.compute.plugins.module_utils.network.vif.table import BINDINGS, vif_of
from ansible_collections.kvmfleet.compute.plugins.module_utils.shapes import Bandwidth, Binding, HostNetworks, Interface, Port
from ansible_collections.kvmfleet.compute.tests.unit import make
from ansible_collections.kvmfleet.compute.tests.unit.fake_hypervisor import FakeHypervisor
from ansible_collections.kvmfleet.compute.tests.unit.fake_links import FakeLinks as Links
from ansible_collections.kvmfleet.compute.tests.unit.fake_links import live

BRIDGED, ROUTED = make.port(), make.port(binding=make.libvirt_network())


def test_every_type_stands_in_the_table_under_its_name() -> None:
    assert sorted(BINDINGS) == ["bridge", "flat", "libvirt_network", "local", "macvtap", "openvswitch", "user", "vlan", "vxlan"]
    assert all(name == vif.type and vif.noun and vif.interface_type and vif.link_type for name, vif in BINDINGS.items())


@pytest.mark.parametrize(
    ("binding", "networks", "missing"),
    [
        (make.bridge("br0"), make.networks("br0"), None),
        (make.bridge("br1"), make.networks("br0"), "the host has no bridge br1"),
        (make.bridge("br1"), make.networks("br0", down=("br1",)), "bridge br1 is down"),
        (make.libvirt_network(), make.networks(active=("default",)), None),
        (make.libvirt_network(), make.networks(inactive=("default",)), None),
        (make.libvirt_network(), make.networks("default"), "the host has no libvirt network default"),
    ],
)
def test_what_a_host_lacks_for_a_binding(binding: Binding, networks: HostNetworks, missing: str | None) -> None:
    assert vif_of(binding).missing(binding, networks) == missing
    port = make.port(binding=binding)
    if missing is None:
        ports.check_bindings([port], networks)
    else:
        with pytest.raises(ServerError, match=f"on network lan: {missing}") as caught:
            ports.check_bindings([port], networks)
        assert (caught.value.error_class, caught.value.reschedule) == ("PortBindingFailed", True)


def test_only_an_inactive_network_is_realised_and_each_once() -> None:
    hypervisor = FakeHypervisor()
    hypervisor.nets["default"] = {"name": "default", "bridge": "virbr0", "active": False}
    networks: HostNetworks = {"bridges": [], "libvirt": hypervisor.networks()}
    part = make.port(binding={**make.libvirt_network(), "portgroup": "five"})
    assert ports.inactive([BRIDGED, ROUTED, ROUTED, part], networks) == [make.libvirt_network()]
    vif_of(ROUTED["binding"]).realise(hypervisor, ROUTED["binding"])
    assert ports.inactive([ROUTED], {"bridges": [], "libvirt": hypervisor.networks()}) == []


@pytest.mark.parametrize(
    ("port", "interface", "links", "reason"),
    [
        (BRIDGED, live(), Links(tap0=("br0", True)), None),
        (BRIDGED, live(), Links(tap0=("br9", True)), "tap0 is on bridge br9, not on br0"),
        (BRIDGED, live(), Links(tap0=(None, True)), "tap0 is on no bridge, not on br0"),
        (BRIDGED, live(), Links(), "tap0 is gone"),
        (make.port(mtu=1450), live(), Links(1450, tap0=("br0", True)), None),
        (make.port(mtu=1450), live(), Links(1500, tap0=("br0", True)), "tap0 has an MTU of 1500 bytes, not of 1450"),
        (make.port(mtu=1450), live(), Links(None, tap0=("br0", True)), None),
        (BRIDGED, live(device=None), Links(), "the guest has no interface fa:16:3e:00:00:01"),
        (BRIDGED, live(mac_address="other"), Links(), "the guest has no interface fa:16:3e:00:00:01"),
        (ROUTED, live(source={"network": "default", "bridge": "virbr0"}), Links(tap0=("virbr0", True)), None),
        (ROUTED, live(source={"network": "default", "bridge": "virbr0"}), Links(tap0=("br0", True)), "tap0 is on bridge br0, not on virbr0"),
        (ROUTED, live(source={"network": "default"}), Links(tap0=(None, True)), None),
    ],
)
def test_a_port_is_plugged_if_its_tap_is_where_it_belongs(port: Port, interface: Interface, links: Links, reason: str | None) -> None:
    if reason is None:
        assert ports.check_plugged([port], [interface], links) == []
    else:
        with pytest.raises(ServerError, match=reason) as caught:
            ports.check_plugged([port], [interface], links)
        assert (caught.value.error_class, caught.value.reschedule) == ("VirtualInterfacePlugException", True)


@pytest.mark.parametrize(
    ("links", "late"),
    [
        (Links(tap0=("br0", False)), ("tap0 is down", False)),
        (Links(state="disabled", tap0=("br0", True)), ("tap0 is disabled on bridge br0, not forwarding", False)),
        (Links(state="blocking", tap0=("br0", True)), ("tap0 is blocking on bridge br0, not forwarding", False)),
        (Links(state="listening", tap0=("br0", True)), ("tap0 is listening on bridge br0, not forwarding", True)),
        (Links(state="learning", tap0=("br0", True)), ("tap0 is learning on bridge br0, not forwarding", True)),
    ],
)
def test_a_port_that_is_where_it_belongs_may_be_late(links: Links, late: tuple[str, bool]) -> None:
    reason, is_on_its_way = late
    assert ports.check_plugged([BRIDGED], [live()], links) == [(f"port {BRIDGED['id']}: {reason}", is_on_its_way)]


@pytest.mark.parametrize(
    ("bound", "reason"),
    [(port_filter_name(BRIDGED["id"]), None), (None, "filters tap0 by nothing, not by kvmfleet"), ("clean-traffic", "filters tap0 by clean-traffic, not by")],
)
def test_a_port_with_port_security_is_filtered_by_its_filter(bound: str | None, reason: str | None) -> None:
    if reason is None:
        ports.check_bound([BRIDGED], [live()], {"tap0": bound}.get)
    else:
        with pytest.raises(ServerError, match=reason):
            ports.check_bound([BRIDGED], [live()], {"tap0": bound}.get)
    # Of the others nobody asks.
    ports.check_bound([make.port(port_security_enabled=False)], [live()], {}.__getitem__)


BR0, DEFAULT = make.bridge("br0"), make.libvirt_network()


@pytest.mark.parametrize(
    ("binding", "bridge", "mtu", "limit"),
    [
        (BR0, {"mtu": 1500}, 1500, None),
        (BR0, {"mtu": 1500}, None, None),
        (BR0, {"mtu": 1500}, 9000, 1500),
        # A guest with a smaller MTU has taken the bridge down with it: what leaves the host is as before.
        (BR0, {"mtu": 1450, "port_mtu": 1500}, 1500, None),
        (BR0, {"mtu": 9000, "port_mtu": 1500}, 9000, 1500),
        (BR0, {"mtu": 1450, "port_mtu": None}, 1500, 1450),
        # Without other ports a bridge's own MTU counts, unless it follows a tap: that is no reason against another guest.
        (BR0, {"mtu": 1450, "port_mtu": None, "tap_mtu": 9000}, 1500, 1450),
        (BR0, {"mtu": 1450, "port_mtu": None, "tap_mtu": 1450}, 1500, None),
        (BR0, {"mtu": 1450, "port_mtu": 1450, "tap_mtu": 1450}, 1500, 1450),
        # Facts of an older version, or that nobody could read.
        (BR0, {"mtu": 0}, 9000, None),
        (DEFAULT, {"name": "virbr-default", "mtu": 1400}, 1500, 1400),
        (DEFAULT, {"name": "another", "mtu": 1400}, 1500, None),
    ],
)
def test_a_bridge_carries_packets_of_the_mtu_that_is_asked_for(binding: Binding, bridge: dict[str, t.Any], mtu: int | None, limit: int | None) -> None:
    networks = make.networks(active=("default",))
    networks["bridges"] = [t.cast("t.Any", {"name": "br0", "up": True, **bridge})]
    said = vif_of(binding).too_small(binding, mtu, networks)
    wanted = f"bridge {networks['bridges'][0]['name']} carries packets of up to {limit} bytes, and the network's MTU is {mtu}"
    assert said == (wanted if limit else None)
    port = make.port(binding=binding, mtu=mtu)
    if limit is None:
        ports.check_mtu([port], networks)
    else:
        with pytest.raises(ServerError, match=wanted) as caught:
            ports.check_mtu([port], networks)
        assert (caught.value.error_class, caught.value.reschedule) == ("PortBindingFailed", True)


def test_limits_and_queues_stand_in_the_xml_and_are_read_back() -> None:
    limits: Bandwidth = {"inbound": {"average": 100, "peak": 200, "burst": None}, "outbound": {"average": 5, "peak": None, "burst": 7}}
    element = vif_of(BRIDGED["binding"]).element(make.port(bandwidth=limits, queues=4), "virtio")
    assert [(found.tag, dict(found.attrib)) for found in element.findall("bandwidth/*")] == [
        ("inbound", {"average": "100", "peak": "200"}),
        ("outbound", {"average": "5", "burst": "7"}),
    ]
    assert [dict(found.attrib) for found in element.findall("driver")] == [{"queues": "4"}]
    [read] = parse_interfaces(f"<domain><devices>{ET.tostring(element, encoding='unicode')}</devices></domain>")
    assert (read["bandwidth"], read["queues"]) == (limits, 4)
    one_way = vif_of(BRIDGED["binding"]).element(make.port(bandwidth={**limits, "inbound": None}), "virtio")
    assert [found.tag for found in one_way.findall("bandwidth/*")] == ["outbound"]
    plain = vif_of(BRIDGED["binding"]).element(BRIDGED, "virtio")
    assert plain.find("bandwidth") is None and plain.find("driver") is None


VXLAN, VLAN, FLAT, LOCAL = (
    Binding(type=kind, name=name)
    for kind, name in (("vxlan", "5"), ("vlan", "physnet1:7"), ("flat", "physnet1"), ("local", "11111111-2222-4333-8444-555555555555"))
)


def offering(*, device: str = "br-ext", is_bridge: bool = True, up: bool = True, mtu: int | None = 1500, **changes: t.Any) -> HostNetworks:
    physical = [{"name": "physnet1", "device": device, "is_bridge": is_bridge, "up": up, "mtu": mtu}]
    found: t.Any = {**make.networks(), "physical_networks": physical, "tunnel": {"address": "192.0.2.1", "mtu": 1500}, **changes}
    return t.cast(HostNetworks, found)


NO_BRIDGE = "eth1, the host's physical network physnet1 (compute_bridge_mappings), is no bridge, and a flat network needs one"
NO_MAPPING = "the host has no mapping for the physical network physnet1 (compute_bridge_mappings)"


@pytest.mark.parametrize(
    ("binding", "networks", "missing"),
    [
        (LOCAL, make.networks(), None),
        (VXLAN, offering(), None),
        (VXLAN, make.networks(), "the host has no address to send VXLAN from"),
        (VXLAN, offering(tunnel=None, no_tunnels="the host's kernel can't make VXLAN links"), "the host's kernel can't make VXLAN links"),
        (VLAN, offering(is_bridge=False), None),
        (VLAN, make.networks(), NO_MAPPING),
        (VLAN, offering(mtu=None), "the host has no device br-ext, which is to be its physical network physnet1 (compute_bridge_mappings)"),
        (VLAN, offering(up=False), "br-ext, the host's physical network physnet1, is down"),
        (VLAN, offering(no_vlans="the host's kernel can't make VLAN (802.1Q) links"), "the host's kernel can't make VLAN (802.1Q) links"),
        (FLAT, offering(), None),
        (FLAT, make.networks(), NO_MAPPING),
        (
            FLAT,
            offering(device="eth1", is_bridge=False),
            NO_BRIDGE,
        ),
        # A server that is there stays on the bridge that it has.
        ({**FLAT, "bridge": "br-old"}, {**offering(), **make.networks("br-old")}, None),
        ({**FLAT, "bridge": "br-old"}, offering(), "the host has no bridge br-old"),
    ],
)
def test_what_a_host_lacks_for_a_provider_network(binding: Binding, networks: HostNetworks, missing: str | None) -> None:
    assert vif_of(binding).missing(binding, networks) == missing


@pytest.mark.parametrize(
    ("binding", "mtu", "networks", "why"),
    [
        (LOCAL, 9000, offering(), None),
        (VXLAN, None, offering(), None),
        (VXLAN, 1450, offering(), None),
        (
            VXLAN,
            1451,
            offering(),
            "the tunnel from 192.0.2.1 (1500 bytes less 50 for its headers) carries packets of up to 1450 bytes, and the network's MTU is 1451",
        ),
        (
            VXLAN,
            1450,
            offering(tunnel={"address": "2001:db8::1", "mtu": 1500}),
            "the tunnel from 2001:db8::1 (1500 bytes less 70 for its headers) carries packets of up to 1430 bytes, and the network's MTU is 1450",
        ),
        (VLAN, 1500, offering(), None),
        (VLAN, 1501, offering(), "br-ext, the host's physical network physnet1, carries packets of up to 1500 bytes, and the network's MTU is 1501"),
        (FLAT, 9000, {**offering(), **make.networks("br-ext")}, "bridge br-ext carries packets of up to 1500 bytes, and the network's MTU is 9000"),
    ],
)
def test_packets_of_a_provider_network_must_fit(binding: Binding, mtu: int | None, networks: HostNetworks, why: str | None) -> None:
    assert vif_of(binding).too_small(binding, mtu, networks) == why


@pytest.mark.parametrize("binding", [VXLAN, VLAN, LOCAL])
def test_a_port_on_a_network_made_on_demand_is_one_on_its_bridge(binding: Binding) -> None:
    bridge = bridge_of(binding)
    port = make.port(binding=binding)
    element = vif_of(binding).element(port, "virtio")
    source = element.find("source")
    assert element.get("type") == "bridge" and source is not None and source.attrib == {"bridge": bridge} and element.find("filterref") is not None
    assert vif_of(binding).device(binding, make.networks()) == bridge and vif_of(binding).on_host(binding, {"physnet1": "br-ext"}) == binding
    assert vif_of(binding).not_plugged(port, live(), Links(tap0=(bridge, True))) is None
    assert vif_of(binding).not_plugged(port, live(), Links(tap0=("br0", True))) == f"tap0 is on bridge br0, not on {bridge}"


def test_a_port_on_a_flat_network_is_one_on_the_bridge_of_its_host() -> None:
    vif = vif_of(FLAT)
    here = vif.on_host(FLAT, {"physnet1": "br-ext"})
    assert here == {**FLAT, "bridge": "br-ext"} and vif.on_host(FLAT, {}) == FLAT
    assert vif.source(here) == {"bridge": "br-ext"} and vif.device(FLAT, offering()) == "br-ext" == vif.device(here, make.networks())
    assert vif.not_plugged(make.port(binding=here), live(), Links(tap0=("br0", True))) == "tap0 is on bridge br0, not on br-ext"
    with pytest.raises(ServerError, match=r"the host has no mapping for the physical network physnet1"):
        vif.source(FLAT)
