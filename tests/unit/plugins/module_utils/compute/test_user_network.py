# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Servers on a network without privileges: the host's port of each is chosen with its claim and stays."""

from __future__ import annotations

import socket
import threading
import xml.etree.ElementTree as ET

import pytest

from ansible_collections.kvmfleet.compute.plugins.module_utils.compute.builder import Builder
from ansible_collections.kvmfleet.compute.plugins.module_utils.network import ssh_ports
from ansible_collections.kvmfleet.compute.plugins.module_utils.shapes import Instance
from ansible_collections.kvmfleet.compute.tests.unit import make
from ansible_collections.kvmfleet.compute.tests.unit.plugins.module_utils.compute.lab import Lab


def server(lab: Lab, number: int) -> Instance:
    found = lab.web(number)
    return {**found, "ports": [{**port, "binding": make.user(), "port_security_enabled": False} for port in found["ports"]]}


def by_slirp(lab: Lab, number: int) -> Instance:
    found = lab.web(number)
    return {**found, "ports": [{**port, "binding": make.user("slirp"), "port_security_enabled": False} for port in found["ports"]]}


def having_passt(lab: Lab) -> Builder:
    builder = lab.builder()
    builder.user_backends = lambda _hypervisor: {"passt": None, "slirp": None}
    return builder


def chosen(lab: Lab, of: Instance) -> int:
    return lab.hypervisor.record(of["uuid"])["ports"][0]["binding"]["ssh_port"]


def forwarded(lab: Lab, of: Instance) -> int:
    element = ET.fromstring(lab.hypervisor.xml[of["uuid"]]).find("devices/interface/portForward/range")
    assert element is not None
    return int(element.get("start", ""))


def test_each_server_has_a_port_of_its_host_that_its_record_and_its_domain_name(lab: Lab) -> None:
    first, second = server(lab, 1), server(lab, 2)
    builder = having_passt(lab)
    assert [outcome["error"] for outcome in (*lab.claim(first, second, builder=builder), *lab.build(first, second, builder=builder))] == [None] * 4
    assert chosen(lab, first) != chosen(lab, second)
    for one in (first, second):
        assert ssh_ports.FIRST <= chosen(lab, one) <= ssh_ports.LAST and forwarded(lab, one) == chosen(lab, one)


def test_the_port_of_a_server_that_is_off_is_not_given_to_another_and_that_of_a_deleted_one_is(lab: Lab) -> None:
    first, second, third = (server(lab, number) for number in (1, 2, 3))
    lab.claim(first, builder=having_passt(lab))
    lab.claim(second, builder=having_passt(lab))
    before = chosen(lab, first)
    assert chosen(lab, second) != before
    lab.release(first["uuid"])
    lab.claim(third, builder=having_passt(lab))
    assert chosen(lab, third) == before


def test_a_host_without_passt_builds_nothing_and_leaves_nothing(lab: Lab) -> None:
    one = server(lab, 1)
    builder = lab.builder()
    builder.user_backends = lambda _hypervisor: {"passt": "passt is not installed on the host"}
    lab.claim(one, builder=builder)
    (outcome,) = lab.build(one, builder=builder)
    assert outcome["error"] is not None and outcome["error"]["reschedule"]
    assert outcome["error"]["message"].endswith("passt is not installed on the host")
    assert lab.left() == []


def test_the_outcome_tells_the_port(lab: Lab) -> None:
    one, other = server(lab, 1), lab.web(2)
    lab.claim(one, other, builder=having_passt(lab))
    built = lab.build(one, other, builder=having_passt(lab))
    assert [outcome.get("ssh_ports") for outcome in built] == [{one["ports"][0]["id"]: chosen(lab, one)}, None]


@pytest.mark.parametrize(("greeting", "expected"), [(b"SSH-2.0-guest\r\n", None), (b"", "no SSH banner from the host within 0 s; the server is left as it is")])
def test_the_host_asks_for_the_ssh_that_nobody_else_reaches(lab: Lab, greeting: bytes, expected: str | None) -> None:
    one = server(lab, 1)
    lab.claim(one, builder=having_passt(lab))

    def greet(guest: socket.socket) -> None:
        connection, _address = guest.accept()
        connection.sendall(greeting)
        connection.close()

    with socket.create_server(("127.0.0.1", chosen(lab, one))) as guest:
        threading.Thread(target=greet, args=(guest,), daemon=True).start()
        (outcome,) = lab.build(one, builder=having_passt(lab), wait_for="ssh", wait_from="controller")
    assert (outcome["error"]["message"] if outcome["error"] else None) == expected


def test_nobody_waits_for_the_ssh_of_a_server_that_nobody_reaches(lab: Lab) -> None:
    one, other = by_slirp(lab, 1), lab.web(2)
    lab.claim(one, other, builder=having_passt(lab))
    mine, controllers = lab.build(one, other, builder=having_passt(lab), wait_for="ssh", wait_from="controller")
    assert mine["error"] is not None and mine["error"]["message"].startswith("nobody can log in to it, as no port of its host leads to its SSH")
    assert lab.hypervisor.states[one["uuid"]] == "running"
    assert controllers["error"] is None
