# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is made of a network on demand: from whatever is there the same in the end, nothing twice, and nothing that is somebody else's."""

from __future__ import annotations

import contextlib
import typing as t

import hypothesis
import pytest
from hypothesis import strategies as st

from ansible_collections.kvmfleet.compute.plugins.module_utils.errors import ServerError
from ansible_collections.kvmfleet.compute.plugins.module_utils.network.on_demand import names
from ansible_collections.kvmfleet.compute.plugins.module_utils.network.on_demand.devices import devices, flood_list
from ansible_collections.kvmfleet.compute.plugins.module_utils.network.on_demand.plan import Wanted, reachable, to_make, to_remove, wanted
from ansible_collections.kvmfleet.compute.plugins.module_utils.shapes import Binding, HostNetworks
from ansible_collections.kvmfleet.compute.tests.unit import make
from ansible_collections.kvmfleet.compute.tests.unit.fake_kernel import FakeKernel, Killed, device

VXLAN: Binding = {"type": "vxlan", "name": "5"}
VLAN: Binding = {"type": "vlan", "name": "physnet1:7"}
LOCAL: Binding = {"type": "local", "name": "11111111-2222-4333-8444-555555555555"}
ALL = (VXLAN, VLAN, LOCAL)


def host(**changes: t.Any) -> HostNetworks:
    physical = [{"name": "physnet1", "device": "eth0", "is_bridge": False, "up": True, "mtu": 1500}]
    found: t.Any = {**make.networks(), "physical_networks": physical, "tunnel": {"address": "192.0.2.1", "mtu": 1500}, **changes}
    return t.cast(HostNetworks, found)


def missing(kernel: FakeKernel, goal: Wanted) -> list[list[str]]:
    flooded = kernel.floods.get(goal.link.name, set()) if goal.link else set()
    return to_make(goal, kernel.devices(), flooded)


def made(kernel: FakeKernel, binding: Binding, *peers: str, networks: HostNetworks | None = None) -> list[list[str]]:
    commands = missing(kernel, wanted(binding, networks or host(), peers))
    kernel.run(commands)
    return commands


@pytest.mark.parametrize("binding", ALL)
def test_names_are_short_enough_and_tell_networks_apart(binding: Binding) -> None:
    others = [*ALL, {"type": "vxlan", "name": "6"}, {"type": "vlan", "name": "physnet1:5"}, {"type": "vlan", "name": "physnet2:7"}]
    assert len({names.bridge_of(t.cast(Binding, other)) for other in others}) == len(others)
    for name in (names.bridge_of(binding), names.link_of(binding)):
        assert name is None or (len(name) == 15 and names.is_our_name(name) and names.is_ours(name, names.mac_of(name), None))
        assert name is None or name in names.devices_beside(names.bridge_of(binding))


@pytest.mark.parametrize("name", ["br0", "kvb-", "kvb-12345678901z", "kvb-123456789012", "xkvb-12345678901"])
def test_other_names_are_none_of_ours(name: str) -> None:
    assert not names.is_ours(name, names.mac_of(name), names.alias_of(VXLAN)) and names.devices_beside(name) == set()


def test_a_vxlan_network_is_a_bridge_with_a_link_to_the_other_hosts() -> None:
    kernel = FakeKernel()
    made(kernel, VXLAN, "192.0.2.1", "192.0.2.2", "192.0.2.3")
    bridge, link = kernel.there[names.bridge_of(VXLAN)], kernel.there[str(names.link_of(VXLAN))]
    assert (bridge.kind, bridge.is_up, bridge.alias, bridge.mac_address) == ("bridge", True, "kvmfleet:vxlan 5", names.mac_of(bridge.name))
    assert (link.kind, link.is_up, link.alias, link.master, link.mtu) == ("vxlan", True, "kvmfleet:vxlan 5", bridge.name, 1450)
    assert (link.number, link.port, link.local, kernel.floods[link.name]) == (5, 4789, "192.0.2.1", {"192.0.2.2", "192.0.2.3"})


def test_a_vlan_is_a_bridge_with_a_link_on_the_device_of_the_physical_network() -> None:
    kernel = FakeKernel()
    made(kernel, VLAN)
    link = kernel.there[str(names.link_of(VLAN))]
    assert (link.kind, link.number, link.parent, link.master, link.is_up) == ("vlan", 7, "eth0", names.bridge_of(VLAN), True)


def test_a_local_network_is_a_bridge_and_nothing_else() -> None:
    kernel = FakeKernel()
    made(kernel, LOCAL)
    assert set(kernel.there) == {"eth0", names.bridge_of(LOCAL)}


@pytest.mark.parametrize("binding", ALL)
def test_what_is_there_is_left_as_it_is(binding: Binding) -> None:
    kernel = FakeKernel()
    made(kernel, binding, "192.0.2.2")
    assert made(kernel, binding, "192.0.2.2") == []


@pytest.mark.parametrize("after", range(16))
@pytest.mark.parametrize("binding", ALL)
def test_whoever_is_killed_half_way_the_next_one_goes_on_or_removes_it(binding: Binding, after: int) -> None:
    whole, kernel, other = FakeKernel(), FakeKernel(), FakeKernel()
    made(whole, binding, "192.0.2.2")
    for half in (kernel, other):
        half.killed_after = after
        with contextlib.suppress(Killed):
            made(half, binding, "192.0.2.2")
        half.killed_after = None
    made(kernel, binding, "192.0.2.2")
    assert (kernel.there, kernel.floods, kernel.apart) == (whole.there, whole.floods, whole.apart)
    other.run(to_remove([], other.devices()).commands)
    assert set(other.there) == {"eth0"}


def test_another_address_or_another_device_is_followed() -> None:
    kernel = FakeKernel(device("eth1"))
    made(kernel, VXLAN, "192.0.2.2")
    made(kernel, VLAN)
    made(kernel, VXLAN, "2001:db8::2", "192.0.2.2", networks=host(tunnel={"address": "2001:db8::1", "mtu": 9000}))
    link = kernel.there[str(names.link_of(VXLAN))]
    assert (link.local, link.mtu, link.master, kernel.floods[link.name]) == ("2001:db8::1", 8930, names.bridge_of(VXLAN), {"2001:db8::2"})
    made(kernel, VLAN, networks=host(physical_networks=[{"name": "physnet1", "device": "eth1", "is_bridge": False, "up": True, "mtu": 1500}]))
    assert kernel.there[str(names.link_of(VLAN))].parent == "eth1"


def test_an_mtu_that_has_changed_is_followed_without_a_new_link() -> None:
    kernel = FakeKernel()
    made(kernel, VXLAN)
    link = str(names.link_of(VXLAN))
    assert made(kernel, VXLAN, networks=host(tunnel={"address": "192.0.2.1", "mtu": 1400})) == [["ip", "link", "set", "dev", link, "mtu", "1350"]]


def test_only_peers_of_the_same_version_can_be_sent_to() -> None:
    assert reachable("192.0.2.1", ["192.0.2.1", "192.0.2.2", "2001:db8::2"]) == {"192.0.2.2"}
    assert reachable("2001:db8::1", ["192.0.2.1", "2001:DB8:0::2"]) == {"2001:db8::2"}


@pytest.mark.parametrize(
    "foreign",
    [
        device(names.bridge_of(VXLAN), "bridge"),
        device(str(names.link_of(VXLAN)), "vxlan", number=5, port=4789),
        device(names.bridge_of(VXLAN), "dummy", mac_address=names.mac_of(names.bridge_of(VXLAN))),
        device("vxlan0", "vxlan", number=5, port=4789, local="192.0.2.1"),
    ],
)
def test_somebody_elses_device_is_named_and_left_alone(foreign: t.Any) -> None:
    kernel = FakeKernel(foreign)
    with pytest.raises(ServerError, match=rf"kvmfleet:vxlan 5: .* {foreign.name}\b.* not of this collection; it is left alone"):
        made(kernel, VXLAN)
    assert kernel.log == []


def test_a_vlan_that_somebody_else_has_on_the_device_is_named() -> None:
    with pytest.raises(ServerError, match=r"eth0\.7 for it already, which is not of this collection"):
        made(FakeKernel(device("eth0.7", "vlan", number=7, parent="eth0")), VLAN)
    made(FakeKernel(device("eth1.7", "vlan", number=7, parent="eth1"), device("vxlan9", "vxlan", number=5, port=8472)), VLAN)


def test_what_nobody_needs_goes_and_nothing_else() -> None:
    kernel = FakeKernel(device("br0", "bridge"), device("kvb-00000000000", "bridge"), device("kvx-00000000000", "vxlan", number=99, port=4789))
    for binding in ALL:
        made(kernel, binding)
    removal = to_remove([names.bridge_of(VLAN), "br0"], kernel.devices())
    kernel.run(removal.commands)
    assert removal.left == []
    assert set(kernel.there) == {"eth0", "br0", "kvb-00000000000", "kvx-00000000000", names.bridge_of(VLAN), names.link_of(VLAN)}
    assert to_remove([names.bridge_of(VLAN)], kernel.devices()).commands == []


def test_a_bridge_with_somebody_elses_port_stays_with_its_link() -> None:
    kernel = FakeKernel(device("tap9", master=names.bridge_of(VXLAN)))
    made(kernel, VXLAN)
    assert to_remove([], kernel.devices()) == (
        [],
        [],
        [(names.bridge_of(VXLAN), "no server needs it any more, but it has a port that is not of this collection: tap9")],
    )


def test_what_a_host_lacks_is_said() -> None:
    with pytest.raises(ServerError, match="the host has no mapping for the physical network physnet1"):
        wanted(VLAN, host(physical_networks=[]))
    with pytest.raises(ServerError, match="no default route"):
        wanted(VXLAN, host(tunnel=None, no_tunnels="the host has no default route"))


STEPS = st.lists(st.tuples(st.sampled_from(["make", "sweep"]), st.sampled_from(ALL), st.sets(st.sampled_from(["192.0.2.2", "192.0.2.3"]))), max_size=12)


@hypothesis.given(steps=STEPS, killed=st.lists(st.integers(0, 12), max_size=4))
def test_in_whichever_order_things_come_and_go_there_is_what_is_needed(steps: t.Any, killed: list[int]) -> None:
    """Each step may be cut off anywhere; the last one is not."""
    kernel = FakeKernel()
    for what, binding, peers in steps:
        kernel.killed_after = killed.pop() if killed else None
        with contextlib.suppress(Killed):
            if what == "make":
                made(kernel, binding, *peers)
            else:
                kernel.run(to_remove([names.bridge_of(binding)], kernel.devices()).commands)
    kernel.killed_after = None
    made(kernel, VXLAN, "192.0.2.9")
    kernel.run(to_remove([names.bridge_of(VXLAN)], kernel.devices()).commands)
    fresh = FakeKernel()
    made(fresh, VXLAN, "192.0.2.9")
    assert (kernel.there, kernel.floods) == (fresh.there, fresh.floods)


LINKS = """[
 {"ifname": "lo", "flags": ["LOOPBACK", "UP"], "mtu": 65536, "address": "00:00:00:00:00:00", "inet6_addr_gen_mode": "eui64"},
 {"ifname": "kvx-6572e5690e9", "flags": ["BROADCAST", "UP"], "mtu": 1450, "master": "kvb-6572e5690e9", "address": "02:bb:15:0d:49:b4",
  "ifalias": "kvmfleet:vxlan 5", "linkinfo": {"info_kind": "vxlan", "info_data": {"id": 5, "local6": "fd00::1", "port": 4789, "learning": true}}},
 {"ifname": "eth0.7", "link": "eth0", "flags": [], "mtu": 1500, "address": "52:54:00:00:00:01",
  "linkinfo": {"info_kind": "vlan", "info_data": {"protocol": "802.1Q", "id": 7, "flags": ["REORDER_HDR"]}}}
]"""


def test_what_ip_says_is_read() -> None:
    found = devices(LINKS)
    assert found["lo"] == device("lo", mac_address="00:00:00:00:00:00", mtu=65536)
    assert found["kvx-6572e5690e9"] == (
        "kvx-6572e5690e9",
        "vxlan",
        "02:bb:15:0d:49:b4",
        "kvmfleet:vxlan 5",
        True,
        "kvb-6572e5690e9",
        1450,
        5,
        None,
        "fd00::1",
        4789,
    )
    assert (found["eth0.7"].number, found["eth0.7"].parent, found["eth0.7"].is_up) == (7, "eth0", False)


def test_what_bridge_says_is_read() -> None:
    text = '[{"mac": "16:ad:c3:9e:8f:81", "flags": [], "master": "b0"}, {"mac": "00:00:00:00:00:00", "dst": "192.0.2.9", "flags": ["self"]}]'
    assert flood_list(text) == {"192.0.2.9"} and flood_list("") == set() == set(devices(""))
