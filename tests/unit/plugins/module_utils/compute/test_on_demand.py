# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Networks come with the first server that needs them and go with the last, whoever comes, goes or dies in between."""

from __future__ import annotations

import dataclasses
import pathlib
import tempfile
import typing as t

import hypothesis
import pytest
from hypothesis import strategies as st

from ansible_collections.kvmfleet.compute.plugins.module_utils.compute.cleanup import Cleanup
from ansible_collections.kvmfleet.compute.plugins.module_utils.compute.on_demand import OnDemand, needed_bridges
from ansible_collections.kvmfleet.compute.plugins.module_utils.domain_parser import parse_domain
from ansible_collections.kvmfleet.compute.plugins.module_utils.errors import HypervisorError, ServerError
from ansible_collections.kvmfleet.compute.plugins.module_utils.network.on_demand import names
from ansible_collections.kvmfleet.compute.plugins.module_utils.registrar import state_file
from ansible_collections.kvmfleet.compute.plugins.module_utils.registrar.host_state import HostState
from ansible_collections.kvmfleet.compute.plugins.module_utils.shapes import Binding, Domain, HostNetworks, Instance, TunnelReport
from ansible_collections.kvmfleet.compute.tests.unit import make
from ansible_collections.kvmfleet.compute.tests.unit.fake_hypervisor import FakeHypervisor
from ansible_collections.kvmfleet.compute.tests.unit.fake_kernel import FakeKernel, Killed, device
from ansible_collections.kvmfleet.compute.tests.unit.plugins.module_utils.compute.lab import Lab

FIVE: Binding = {"type": "vxlan", "name": "5"}
SIX: Binding = {"type": "vxlan", "name": "6"}
LOCAL: Binding = {"type": "local", "name": "11111111-2222-4333-8444-555555555555"}
FLAT: Binding = {"type": "flat", "name": "physnet1"}


def server(lab: Lab, number: int, binding: Binding) -> Instance:
    found = lab.web(number)
    return {**found, "ports": [{**port, "binding": binding, "port_security_enabled": False} for port in found["ports"]]}


def devices(*bindings: Binding) -> set[str]:
    return {"eth0", *(name for binding in bindings for name in (names.bridge_of(binding), names.link_of(binding)) if name)}


def on_bridge(lab: Lab, binding: Binding) -> None:
    """Every tap of the host's guests is on the bridge of the network."""
    lab.links.bridge_of = lambda _device: names.bridge_of(binding)  # type: ignore[assignment,method-assign,misc]


def test_the_first_server_brings_its_network_and_the_last_takes_it_along(lab: Lab) -> None:
    on_bridge(lab, FIVE)
    first, second = server(lab, 1, FIVE), server(lab, 2, FIVE)
    assert [outcome["error"] for outcome in (*lab.claim(first, second), *lab.build(first, second))] == [None] * 4
    assert set(lab.kernel.there) == devices(FIVE)
    assert [outcome["outcome"] for outcome in lab.delete(first["uuid"])] == ["deleted"]
    assert set(lab.kernel.there) == devices(FIVE)
    lab.delete(second["uuid"])
    assert set(lab.kernel.there) == {"eth0"} and lab.left() == []


def test_two_that_go_at_once_leave_nothing(lab: Lab) -> None:
    on_bridge(lab, FIVE)
    both = [server(lab, number, FIVE) for number in (1, 2)]
    lab.claim(*both)
    lab.build(*both)
    lab.delete(*(item["uuid"] for item in both))
    assert set(lab.kernel.there) == {"eth0"}


def test_a_build_that_fails_takes_its_network_along(lab: Lab) -> None:
    one = server(lab, 1, FIVE)
    lab.claim(one)
    lab.hypervisor.fail("start_paused", HypervisorError("no"))
    assert lab.build(one)[0]["outcome"] == "failed"
    assert set(lab.kernel.there) == {"eth0"} and lab.left() == []


def test_a_network_of_a_dead_claim_is_found_by_the_next_delete_and_by_a_cleanup(lab: Lab) -> None:
    for ends in ("delete", "delete of what is gone", "cleanup"):
        lab.kernel.killed_after = 3
        one = server(lab, 1, FIVE)
        lab.claim(one)
        with pytest.raises(Killed):
            lab.builder().realise(one["ports"], is_new=True)
        lab.kernel.killed_after = None
        assert set(lab.kernel.there) == {"eth0", names.bridge_of(FIVE)}
        if ends != "delete":
            # The domain goes, and whoever undefined it dies before he has counted.
            lab.hypervisor.undefine(one["uuid"])
        if ends != "cleanup":
            assert lab.delete(one["uuid"])[0]["outcome"] == ("deleted" if ends == "delete" else "unchanged")
            assert set(lab.kernel.there) == {"eth0"}
            continue
        for check_mode in (True, False):
            cleanup = Cleanup(lab.builder(check_mode=check_mode), folders=[], elsewhere=[], now=0.0)
            cleanup.run()
            network = [item for item in cleanup.removed if item["kind"] == "network"]
            assert [(item["path"], item["id"], item["bytes"]) for item in network] == [(names.bridge_of(FIVE), None, 0)]
            assert "kvmfleet:vxlan 5" in network[0]["why"]
            assert cleanup.failed == []
        assert set(lab.kernel.there) == {"eth0"}


def test_a_start_tells_that_what_its_network_is_made_on_has_become_too_small(lab: Lab) -> None:
    on_bridge(lab, FIVE)
    one = server(lab, 1, FIVE)
    one["ports"][0]["mtu"] = 1450
    lab.there(one)
    lab.hypervisor.states[one["uuid"]] = "shutdown"
    lab.tunnel_mtu = 1400
    (started,) = lab.build(make.order(one, action="start"))
    assert started["outcome"] == "started"
    assert [text.rpartition(": ")[2] for text in started["warnings"]] == [
        "the tunnel from 192.0.2.1 (1400 bytes less 50 for its headers) carries packets of up to 1350 bytes, and the network's MTU is 1450"
    ]


def test_after_a_reboot_a_start_makes_it_again_before_the_guest(lab: Lab) -> None:
    on_bridge(lab, FIVE)
    one = server(lab, 1, FIVE)
    lab.there(one)
    lab.builder().on_demand.ask("h1", "192.0.2.1", 1)
    lab.builder().on_demand.tell([{"host": "h2", "number": 1, "address": "192.0.2.2", "networks": ["5"]}])
    before = dict(lab.kernel.there), dict(lab.kernel.floods)
    assert before[1] == {names.link_of(FIVE): {"192.0.2.2"}}
    lab.kernel = FakeKernel()
    lab.hypervisor.states[one["uuid"]] = "shutdown"
    order = make.order(one, action="start")
    assert lab.build(order)[0]["outcome"] == "started"
    assert (lab.kernel.there, lab.kernel.floods) == before


def test_check_mode_makes_nothing_and_tells_what_it_would(lab: Lab) -> None:
    builder = lab.builder(check_mode=True)
    assert builder.realise(server(lab, 1, FIVE)["ports"], is_new=True)
    assert builder.diffs == [{"before_header": "kvmfleet:vxlan 5", "after_header": "kvmfleet:vxlan 5", "before": "absent\n", "after": "made\n"}]
    assert lab.kernel.log == [] and not lab.state.exists()


def test_somebody_elses_bridge_is_an_error_that_names_it_and_another_host_is_tried(lab: Lab) -> None:
    lab.kernel = FakeKernel(device(names.bridge_of(FIVE), "bridge"))
    one = server(lab, 1, FIVE)
    lab.claim(one)
    found = lab.build(one)[0]
    assert found["error"] and names.bridge_of(FIVE) in found["error"]["message"] and found["error"]["reschedule"]
    assert (found["outcome"], found["error"]["error_class"], set(lab.kernel.there)) == ("failed", "PortBindingFailed", {"eth0", names.bridge_of(FIVE)})


def test_a_kernel_that_does_as_if_is_noticed(lab: Lab) -> None:
    lab.kernel.run = lambda _wanted: None  # type: ignore[method-assign]
    with pytest.raises(ServerError, match=r"kvmfleet:local .*: `ip link add name kvb-.*` had no effect"):
        lab.builder().realise(server(lab, 1, LOCAL)["ports"], is_new=True)


def test_a_flat_network_is_the_bridge_of_its_host_and_nothing_is_made(lab: Lab) -> None:
    lab.links.bridge_of = lambda _device: "br-ext"  # type: ignore[assignment,method-assign,misc]
    one = server(lab, 1, FLAT)
    mapped = {"bridge_mappings": {"physnet1": "br-ext"}}
    builder = lab.builder(**mapped)
    builder.add_offer = lambda networks, mappings, address: (
        networks["bridges"].append({"name": "br-ext", "up": True, "mtu": 1500}),
        lab.add_offer(networks, mappings, address),
    )[0]
    assert lab.claim(one, builder=builder)[0]["outcome"] == "claimed"
    assert lab.hypervisor.record(one["uuid"])["ports"][0]["binding"] == {**FLAT, "bridge": "br-ext"}
    assert lab.build(one, builder=builder)[0]["error"] is None
    assert parse_domain(lab.hypervisor.xml[one["uuid"]], "")["interfaces"][0]["source"] == {"bridge": "br-ext"}
    lab.delete(one["uuid"])
    assert lab.kernel.log == []


def test_a_host_without_the_physical_network_refuses_the_claim(lab: Lab) -> None:
    found = lab.claim(server(lab, 1, FLAT))[0]
    assert found["outcome"] == "refused" and found["error"]
    assert found["error"]["message"] == "the host has no mapping for the physical network physnet1 (compute_bridge_mappings)"
    assert found["error"]["reschedule"] and lab.hypervisor.xml == {}


def test_a_foreign_domain_on_the_bridge_keeps_it(lab: Lab) -> None:
    xml = f"<domain><name>other</name><uuid>{make.UUID}</uuid><memory>1</memory><vcpu>1</vcpu><devices><interface type='bridge'>"
    xml += f"<mac address='52:54:00:00:00:09'/><source bridge='{names.bridge_of(FIVE)}'/></interface></devices></domain>"
    lab.builder().realise(server(lab, 1, FIVE)["ports"], is_new=True)
    lab.hypervisor.add(xml)
    assert needed_bridges(lab.hypervisor.domains()) == {names.bridge_of(FIVE)}
    assert lab.builder().on_demand.sweep() == ([], [])
    assert set(lab.kernel.there) == devices(FIVE)


def test_what_is_kept_of_others_is_never_guessed(lab: Lab) -> None:
    lab.state.mkdir()
    (lab.state / "tunnels.json").write_text("{", encoding="ascii")
    with pytest.raises(ServerError, match=r"tunnels\.json, can't be read: .*; remove it, and the next run"):
        lab.builder().on_demand.ask("h1", "192.0.2.1", 1)


def test_who_is_not_of_the_fleet_is_sent_nothing(lab: Lab) -> None:
    on_bridge(lab, FIVE)
    lab.there(server(lab, 1, FIVE))
    reports: list[TunnelReport] = [{"host": host, "number": 1, "address": f"192.0.2.{host[1]}", "networks": ["5"]} for host in ("h1", "h2", "h3")]
    networks = lab.builder().on_demand
    networks.ask("h1", "192.0.2.1", 1)
    assert networks.tell(reports).changes == ["hosts of VXLAN network 5: 2 beside this one"]
    state_file.write(str(lab.state), HostState(make.epoch(hosts=["h1", "h2"]), 0, None))
    assert networks.tell([]).changes == ["hosts of VXLAN network 5: 1 beside this one"]
    assert lab.kernel.floods == {names.link_of(FIVE): {"192.0.2.2"}}
    assert networks.tell(reports) == ([], [])


def test_a_host_whose_address_nobody_has_given_reports_the_one_that_it_sends_from(lab: Lab) -> None:
    on_bridge(lab, FIVE)
    assert lab.builder().on_demand.ask("h1", None, 1)["address"] is None
    lab.there(server(lab, 1, FIVE))
    assert lab.builder().on_demand.ask("h1", None, 2) == {"host": "h1", "number": 2, "address": "192.0.2.1", "networks": ["5"]}


def test_hosts_of_the_other_ip_version_are_told_as_a_problem(lab: Lab) -> None:
    on_bridge(lab, FIVE)
    lab.there(server(lab, 1, FIVE))
    networks = lab.builder().on_demand
    networks.ask("h1", "192.0.2.1", 1)
    told = networks.tell([{"host": "h2", "number": 1, "address": "2001:db8::2", "networks": ["5"]}])
    assert told == ([], ["VXLAN network 5: 2001:db8::2 can't be reached from 192.0.2.1, which is of the other IP version"])


@dataclasses.dataclass
class FleetHost:
    """A host with no more than the networks of its servers."""

    name: str
    address: str
    state: str
    servers: dict[int, Binding] = dataclasses.field(default_factory=dict)
    kernel: FakeKernel = dataclasses.field(default_factory=FakeKernel)

    def domains(self, *, live: bool = False) -> list[Domain]:
        records = [make.record(make.numbered(number, ports=[make.port(binding=binding)])) for number, binding in self.servers.items()]
        return t.cast(list[Domain], [{"record": record, "interfaces": []} for record in records])

    @property
    def networks(self) -> OnDemand:
        return OnDemand(t.cast(FakeHypervisor, self), self.state, self.kernel, check_mode=False)

    @property
    def offer(self) -> HostNetworks:
        return {**make.networks(), "tunnel": {"address": self.address, "mtu": 1500}}


def tell_each_other(fleet: list[FleetHost], silent: t.Collection[str], now: int) -> None:
    reports = [host.networks.ask(host.name, host.address, now) for host in fleet if host.name not in silent]
    for host in fleet:
        if host.name not in silent:
            host.networks.tell(reports)


EVENTS = st.lists(
    st.tuples(
        st.sampled_from(["create", "delete", "killed", "reboot"]),
        st.integers(0, 2),
        st.sampled_from([FIVE, SIX, LOCAL]),
        st.sets(st.sampled_from(["h0", "h1", "h2"]), max_size=2),
    ),
    max_size=14,
)


@hypothesis.settings(deadline=None, max_examples=60)
@hypothesis.given(events=EVENTS)
def test_in_any_order_on_any_hosts_there_is_exactly_what_is_needed(events: t.Any) -> None:
    with tempfile.TemporaryDirectory() as folder:
        fleet = [FleetHost(f"h{number}", f"192.0.2.{number + 1}", str(pathlib.Path(folder, str(number)))) for number in range(3)]
        for now, (what, at, binding, silent) in enumerate(events):
            host = fleet[at]
            if what == "create":
                host.servers[now] = binding
                tell_each_other(fleet, silent, now)
                host.networks.make([binding], host.offer)
            elif what == "reboot":
                host.kernel = FakeKernel()
                for needed in host.servers.values():
                    host.networks.make([needed], host.offer)
            elif host.servers:
                host.servers.pop(next(iter(host.servers)))
                if what == "delete":
                    host.networks.sweep()
                    tell_each_other(fleet, silent, now)
        # What the killed ones left goes with the next that goes; what was not told is told the next time.
        tell_each_other(fleet, (), len(events))
        for host in fleet:
            host.networks.sweep()
            needed = list(host.servers.values())
            assert set(host.kernel.there) == devices(*needed)
            for network in (FIVE, SIX):
                others = {other.address for other in fleet if other is not host and network in other.servers.values()}
                assert network not in needed or host.kernel.floods[str(names.link_of(network))] == others
            assert all(host.networks.make([binding], host.offer) == [] for binding in needed)
