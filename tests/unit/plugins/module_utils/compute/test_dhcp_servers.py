# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""DHCP servers of bridges come with the first server whose guest its host answers, and go with the last, whoever comes, goes or dies in between."""

from __future__ import annotations

import dataclasses
import itertools
import typing as t

import pytest

from ansible_collections.kvmfleet.compute.plugins.module_utils.compute.cleanup import Cleanup
from ansible_collections.kvmfleet.compute.plugins.module_utils.errors import HypervisorError, ServerError
from ansible_collections.kvmfleet.compute.plugins.module_utils.network.dhcp.names import key_of, namespace_of, outer_of
from ansible_collections.kvmfleet.compute.plugins.module_utils.network.on_demand.names import bridge_of
from ansible_collections.kvmfleet.compute.plugins.module_utils.shapes import Binding, Instance
from ansible_collections.kvmfleet.compute.tests.unit import make
from ansible_collections.kvmfleet.compute.tests.unit.fake_kernel import FakeKernel, Killed, device
from ansible_collections.kvmfleet.compute.tests.unit.plugins.module_utils.compute.lab import Lab

LOCAL: Binding = {"type": "local", "name": "own"}
BRIDGE = bridge_of(LOCAL)
KEY = key_of(BRIDGE)


@pytest.fixture
def lab(lab: Lab) -> Lab:
    """Its guests land where they belong."""
    lab.links.bridge_of = lambda _device: BRIDGE  # type: ignore[assignment,method-assign,misc]
    return lab


def asking(lab: Lab, number: int = 0, binding: Binding | None = None, **changes: t.Any) -> Instance:
    (port,) = lab.web(number)["ports"]
    ips: t.Any = [{**ip, "address_mode": "dhcp", "served": True, **changes} for ip in port["fixed_ips"]]
    return lab.web(number, ports=[{**port, "binding": binding or LOCAL, "fixed_ips": ips}])


def hosts(lab: Lab) -> list[str]:
    """The MAC addresses that are answered, with what address each gets."""
    return [f"{words[0]} {words[-1]}" for line in lab.daemons.processes[KEY].hosts for words in [line.split(",")]]


def test_a_guest_is_answered_before_it_runs_and_by_nobody_once_it_is_gone(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    one, two = asking(lab, 0), asking(lab, 1)
    lab.claim(one, two)
    answered_at_start = []
    start_paused = lab.hypervisor.start_paused
    monkeypatch.setattr(lab.hypervisor, "start_paused", lambda uuid: (answered_at_start.append(KEY in lab.daemons.processes), start_paused(uuid)))
    assert [outcome["outcome"] for outcome in lab.build(one)] == ["built"]
    assert answered_at_start == [True]
    # A claim is one of the host's guests, too.
    assert hosts(lab) == ["fa:16:3e:00:00:00 192.0.2.9", "fa:16:3e:00:00:01 192.0.2.10"]
    assert lab.kernel.there[outer_of(KEY)].master == BRIDGE and lab.kernel.namespaces == {namespace_of(KEY)}
    before = dataclasses.replace(lab.daemons.processes[KEY])
    lab.build(two)
    assert lab.daemons.processes == {KEY: before}
    lab.delete(one["uuid"])
    assert hosts(lab) == ["fa:16:3e:00:00:01 192.0.2.10"] and lab.daemons.processes[KEY].pid != before.pid
    lab.delete(two["uuid"])
    assert (lab.daemons.processes, lab.daemons.files, lab.kernel.namespaces, set(lab.kernel.there)) == ({}, set(), set(), {"eth0"})


def test_whoever_is_claimed_with_another_is_told_with_him(lab: Lab) -> None:
    servers = [asking(lab, number) for number in range(6)]
    lab.claim(*servers)
    assert [outcome["outcome"] for outcome in lab.build(*servers)] == ["built"] * 6
    assert len(hosts(lab)) == 6 and lab.daemons.started == 1


def test_a_guest_of_another_subnet_begins_the_process_anew(lab: Lab) -> None:
    lab.there(asking(lab, 0))
    pid = lab.daemons.processes[KEY].pid
    lab.there(asking(lab, 1, cidr="192.0.0.0/16"))
    assert lab.daemons.processes[KEY].pid != pid and "192.0.0.0,static,255.255.0.0" in lab.daemons.processes[KEY].configuration


def test_who_is_told_his_address_or_asks_somebody_else_needs_no_server(lab: Lab) -> None:
    (port,) = lab.web()["ports"]
    for changes in ({"address_mode": None}, {"address_mode": "dhcp"}):
        ips: t.Any = [{**ip, **changes} for ip in port["fixed_ips"]]
        server = lab.web(ports=[{**port, "binding": LOCAL, "fixed_ips": ips}])
        lab.there(server)
        assert lab.daemons.keys() == set() and lab.kernel.namespaces == set()
        lab.delete(server["uuid"])


def test_a_build_that_fails_leaves_nothing(lab: Lab) -> None:
    server = asking(lab)
    lab.claim(server)
    lab.links.there = False
    assert lab.build(server)[0]["outcome"] == "failed"
    assert (lab.daemons.processes, lab.daemons.files, lab.kernel.namespaces, set(lab.kernel.there)) == ({}, set(), set(), {"eth0"})


def test_a_host_without_dnsmasq_is_left_for_another(lab: Lab) -> None:
    lab.no_dhcp = "the host has no dnsmasq"
    server = asking(lab)
    lab.claim(server)
    (outcome,) = lab.build(server)
    assert outcome["error"] and (outcome["outcome"], outcome["error"]["reschedule"]) == ("failed", True)
    assert outcome["error"]["message"].endswith("on network lan: the host has no dnsmasq")


def test_after_a_reboot_a_start_makes_it_again(lab: Lab) -> None:
    server = asking(lab)
    lab.there(server)
    before = lab.daemons.processes[KEY].configuration, hosts(lab), lab.kernel.there
    lab.kernel = FakeKernel()
    lab.daemons.reboot()
    lab.hypervisor.states[server["uuid"]] = "shutdown"
    assert lab.build(make.order(server, action="start"))[0]["outcome"] == "started"
    assert (lab.daemons.processes[KEY].configuration, hosts(lab), lab.kernel.there) == before


def test_a_start_leaves_what_is_as_it_must_be_alone_and_mends_what_is_not(lab: Lab) -> None:
    server = asking(lab)
    lab.there(server)
    start = make.order(server, action="start")

    def started() -> tuple[int, int]:
        lab.hypervisor.states[server["uuid"]] = "shutdown"
        done = len(lab.kernel.log)
        assert lab.build(start)[0]["outcome"] == "started"
        return lab.daemons.started, len(lab.kernel.log) - done

    assert started() == (1, 0)
    lab.daemons.processes.clear()
    assert started() == (2, 0)
    lab.kernel.there[outer_of(KEY)] = lab.kernel.there[outer_of(KEY)]._replace(master=None)
    number, commands = started()
    assert (number, commands > 0, lab.kernel.there[outer_of(KEY)].master) == (3, True, BRIDGE)
    lab.kernel.namespaces.clear()
    assert started()[0] == 4 and lab.kernel.namespaces == {namespace_of(KEY)}


def test_somebody_elses_device_is_left_alone(lab: Lab) -> None:
    lab.kernel = FakeKernel(device(outer_of(KEY)))
    server = asking(lab)
    lab.claim(server)
    (outcome,) = lab.build(server)
    assert outcome["error"] and outcome["error"]["reschedule"]
    assert outcome["error"]["message"] == f"the host has a device {outer_of(KEY)} that is not of this collection; it is left alone"
    assert outer_of(KEY) in lab.kernel.there


def test_a_bridge_that_is_not_there_is_named(lab: Lab) -> None:
    server = asking(lab, binding=make.bridge("br9"))
    lab.claim(server)
    with pytest.raises(ServerError, match="the host has no bridge br9 to serve DHCP on"):
        lab.builder().dhcp_servers.make(server["ports"])


def test_a_bridge_keeps_its_mtu(lab: Lab) -> None:
    lab.kernel = FakeKernel(device("br0", "bridge", mtu=9000))
    server = asking(lab, binding=make.bridge())
    lab.claim(server)
    servers = lab.builder().dhcp_servers
    servers.make(server["ports"])
    port = outer_of(key_of("br0"))
    assert lab.kernel.there[port].mtu == 9000
    lab.kernel.there["br0"] = lab.kernel.there["br0"]._replace(mtu=9216)
    servers.make(server["ports"])
    assert lab.kernel.there[port].mtu == 9216 and lab.daemons.started == 1


def test_check_mode_makes_and_removes_nothing(lab: Lab) -> None:
    server = asking(lab)
    lab.claim(server)
    lab.builder(check_mode=True).dhcp_servers.make(server["ports"])
    assert lab.daemons.keys() == set()
    lab.build(server)
    del lab.hypervisor.xml[server["uuid"]]
    assert lab.builder(check_mode=True).dhcp_servers.sweep() == [outer_of(KEY)]
    assert lab.daemons.processes


def test_whoever_is_killed_wherever_the_next_one_puts_it_right(lab: Lab) -> None:
    first, second = asking(lab, 0), asking(lab, 1)
    lab.claim(first, second)
    ports = {server["uuid"]: server["ports"] for server in (first, second)}
    lab.builder().realise(first["ports"], is_new=True)
    for steps in itertools.count():
        lab.kernel.killed_after = steps
        try:
            lab.builder().dhcp_servers.make(ports[first["uuid"]])
        except Killed:
            lab.kernel.killed_after = None
            lab.builder().dhcp_servers.make(ports[second["uuid"]])
            assert lab.daemons.told[KEY].hosts == lab.daemons.processes[KEY].hosts and len(hosts(lab)) == 2
            lab.daemons.stop(KEY)
            lab.kernel.run([["ip", "link", "delete", "dev", outer_of(KEY)], ["ip", "netns", "delete", namespace_of(KEY)]])
            continue
        break
    assert steps > 12
    lab.kernel.killed_after = None
    # The same on the way down: what is left goes with a cleanup.
    kept = dict(lab.hypervisor.xml)
    for steps in itertools.count():
        lab.hypervisor.xml.clear()
        lab.kernel.killed_after = steps
        try:
            lab.builder().dhcp_servers.sweep()
        except Killed:
            lab.kernel.killed_after = None
            cleanup = Cleanup(lab.builder(), folders=[], elsewhere=[], now=0.0)
            cleanup.run()
            assert cleanup.failed == [] and lab.daemons.keys() == set() and set(lab.kernel.there) == {"eth0"}
            lab.hypervisor.xml.update(kept)
            lab.builder().realise(first["ports"], is_new=True)
            lab.builder().dhcp_servers.make(first["ports"])
            continue
        break
    assert steps >= 4


def test_a_server_that_is_gone_is_not_called_failed_because_something_of_its_network_is_left(lab: Lab) -> None:
    server = asking(lab)
    lab.there(server)
    # Whose networks are still needed is asked once before its definition goes, and once after that.
    lab.hypervisor.fail("domains", HypervisorError("refused"), after=1)
    (outcome,) = lab.delete(server["uuid"])
    assert (outcome["outcome"], server["uuid"] in lab.hypervisor.xml, lab.daemons.keys()) == ("unknown", False, {KEY})
    lab.delete(server["uuid"])
    assert lab.daemons.keys() == set() and set(lab.kernel.there) == {"eth0"} and lab.left() == []


def test_a_cleanup_finds_the_same_in_check_mode(lab: Lab) -> None:
    lab.there(asking(lab))
    lab.hypervisor.xml.clear()
    for check_mode in (True, False):
        cleanup = Cleanup(lab.builder(check_mode=check_mode), folders=[], elsewhere=[], now=0.0)
        cleanup.run()
        assert [(item["path"], item["id"]) for item in cleanup.removed if item["kind"] == "network"] == [(outer_of(KEY), None), (BRIDGE, None)]
        assert cleanup.failed == [] and [item for item in cleanup.left if item["kind"] == "network"] == []
    assert lab.daemons.keys() == set() and set(lab.kernel.there) == {"eth0"}
