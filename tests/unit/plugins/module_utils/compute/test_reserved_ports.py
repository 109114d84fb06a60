# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reservations of a host's servers in its libvirt networks: there before a guest asks, gone with it, and nobody else's."""

from __future__ import annotations

import pytest

from ansible_collections.kvmfleet.compute.plugins.module_utils.errors import HypervisorError
from ansible_collections.kvmfleet.compute.plugins.module_utils.network_parser import CONFIG, LIVE, parse_dhcp
from ansible_collections.kvmfleet.compute.plugins.module_utils.shapes import Instance
from ansible_collections.kvmfleet.compute.tests.unit import make
from ansible_collections.kvmfleet.compute.tests.unit.plugins.module_utils.compute.lab import Lab

SERVED = "<network><ip address='192.0.2.1' prefix='24'><dhcp><range start='192.0.2.200' end='192.0.2.250'/>{}</dhcp></ip></network>"
THEIRS = "<host mac='52:54:00:00:00:01' name='printer' ip='192.0.2.77'/>"


def serve(lab: Lab, hosts: str = THEIRS) -> None:
    for layer in (CONFIG, LIVE):
        lab.hypervisor.net_xml["default", layer] = SERVED.format(hosts)


def asking(lab: Lab, number: int = 0) -> Instance:
    (port,) = lab.web(number)["ports"]
    return lab.web(number, ports=[{**port, "fixed_ips": [{**ip, "address_mode": "dhcp"} for ip in port["fixed_ips"]]}])


def reserved(lab: Lab, layer: str = LIVE) -> list[tuple[str | None, ...]]:
    return [tuple(host) for subnet in parse_dhcp(lab.hypervisor.net_xml["default", layer], layer) for host in subnet.hosts]


PRINTER = ("52:54:00:00:00:01", "192.0.2.77", "printer")
WEB = ("fa:16:3e:00:00:00", "192.0.2.9", "host-192-0-2-9")


def test_an_address_is_reserved_before_the_guest_is_there_and_goes_with_it(lab: Lab) -> None:
    serve(lab)
    server = asking(lab)
    lab.claim(server)
    assert [outcome["outcome"] for outcome in lab.build(server)] == ["built"]
    assert reserved(lab, LIVE) == reserved(lab, CONFIG) == [PRINTER, WEB]
    calls = lab.hypervisor.calls
    assert max(number for number, call in enumerate(calls) if call == "add_dhcp_host") < calls.index("start_paused")
    lab.delete(server["uuid"])
    assert reserved(lab, LIVE) == reserved(lab, CONFIG) == [PRINTER]


def test_a_guest_that_is_told_its_address_needs_no_reservation(lab: Lab) -> None:
    serve(lab)
    server = lab.web()
    lab.claim(server)
    lab.build(server)
    lab.delete(server["uuid"])
    assert not {"dhcp_subnets", "add_dhcp_host", "remove_dhcp_host"} & set(lab.hypervisor.calls)


@pytest.mark.parametrize(("method", "after"), [("add_dhcp_host", 1), ("start_paused", 0), ("live_interfaces", 0)])
def test_a_build_that_fails_leaves_no_reservation(lab: Lab, method: str, after: int) -> None:
    serve(lab)
    server = asking(lab)
    lab.claim(server)
    lab.hypervisor.fail(method, HypervisorError("refused"), after=after)
    assert lab.build(server)[0]["outcome"] == "failed"
    assert reserved(lab, LIVE) == reserved(lab, CONFIG) == [PRINTER]
    assert lab.left() == []


def test_a_reservation_in_the_way_fails_the_build_and_stays(lab: Lab) -> None:
    theirs = "<host mac='52:54:00:00:00:02' ip='192.0.2.9'/>"
    serve(lab, theirs)
    server = asking(lab)
    lab.claim(server)
    (outcome,) = lab.build(server)
    assert (outcome["outcome"], outcome["error"]["error_class"], outcome["error"]["reschedule"]) == ("failed", "PortBindingFailed", True)
    assert reserved(lab) == [("52:54:00:00:00:02", "192.0.2.9", None)]
    assert lab.left() == []


def test_a_server_that_is_started_again_has_its_reservation_again(lab: Lab) -> None:
    serve(lab)
    server = asking(lab)
    lab.claim(server)
    lab.build(server)
    lab.hypervisor.states[server["uuid"]] = "shutdown"
    # As when somebody has defined the network anew, and started it again.
    serve(lab)
    assert lab.build(make.order(server, action="start"))[0]["outcome"] == "started"
    assert reserved(lab, LIVE) == reserved(lab, CONFIG) == [PRINTER, WEB]
    lab.hypervisor.states[server["uuid"]] = "shutdown"
    before = lab.hypervisor.calls.count("add_dhcp_host")
    assert lab.build(make.order(server, action="start"))[0]["outcome"] == "started"
    assert lab.hypervisor.calls.count("add_dhcp_host") == before


def test_a_network_without_a_dhcp_server_of_its_own_gets_none(lab: Lab) -> None:
    lab.hypervisor.net_xml["default", CONFIG] = "<network><ip address='192.0.2.1' prefix='24'/></network>"
    server = asking(lab)
    lab.claim(server)
    assert lab.build(server)[0]["outcome"] == "built"
    assert "add_dhcp_host" not in lab.hypervisor.calls


def test_a_network_that_is_gone_keeps_no_server_from_being_deleted(lab: Lab) -> None:
    serve(lab)
    server = asking(lab)
    lab.claim(server)
    lab.build(server)
    lab.hypervisor.net_xml.clear()
    assert lab.delete(server["uuid"])[0]["outcome"] == "deleted"
    assert lab.left() == []
