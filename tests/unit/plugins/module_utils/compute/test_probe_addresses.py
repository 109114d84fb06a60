# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A build asks for the addresses of its guest first, where that is asked for."""

from __future__ import annotations

from ansible_collections.kvmfleet.compute.plugins.module_utils.shapes import Error, Outcome
from ansible_collections.kvmfleet.compute.tests.unit import make
from ansible_collections.kvmfleet.compute.tests.unit.plugins.module_utils.compute.lab import Lab


def built(lab: Lab, probe: bool = True, bridge: str | None = "virbr0") -> Outcome:
    lab.hypervisor.nets["default"] = {"name": "default", "bridge": bridge, "active": True}
    lab.claim(lab.web())
    (outcome,) = lab.build(lab.web(), builder=lab.builder(probe=probe))
    return outcome


def failed(lab: Lab, outcome: Outcome) -> Error:
    assert outcome["outcome"] == "failed" and outcome["error"] is not None
    assert lab.left() == []
    return outcome["error"]


def test_a_server_whose_address_answers_is_not_built_and_nothing_of_it_is_left(lab: Lab) -> None:
    lab.strangers = {"192.0.2.9": "0a:00:00:00:00:02"}
    error = failed(lab, built(lab))
    assert (error["error_class"], error["reschedule"]) == ("FixedIpAlreadyInUse", False)
    assert "192.0.2.9 is in use outside the fleet, 0a:00:00:00:00:02 answers for it on virbr0; keep it out of the allocation pools" in error["message"]


def test_the_addresses_are_asked_for_on_the_network_s_bridge_and_silence_is_good(lab: Lab) -> None:
    lab.strangers = {"192.0.2.200": "0a:00:00:00:00:02"}
    assert built(lab)["outcome"] == "built"
    assert lab.asked == [("virbr0", ["192.0.2.9"])]


def test_nobody_is_asked_where_that_is_not_asked_for(lab: Lab) -> None:
    lab.strangers = {"192.0.2.9": "0a:00:00:00:00:02"}
    assert built(lab, probe=False)["outcome"] == "built"
    assert lab.asked == []


def test_a_port_without_an_address_has_nothing_to_ask_for(lab: Lab) -> None:
    web = lab.web(ports=[make.port(binding=make.libvirt_network(), fixed_ips=[])])
    lab.claim(web)
    assert lab.build(web, builder=lab.builder(probe=True))[0]["outcome"] == "built"
    assert lab.asked == []


def test_a_host_that_may_not_ask_leaves_the_server_to_another_one(lab: Lab) -> None:
    lab.may_ask = False
    error = failed(lab, built(lab))
    assert (error["error_class"], error["reschedule"]) == ("PortBindingFailed", True)
    assert "can't be asked on virbr0 whether its addresses are in use" in error["message"]


def test_a_network_without_a_bridge_is_never_silently_taken_for_free(lab: Lab) -> None:
    error = failed(lab, built(lab, bridge=None))
    assert (error["error_class"], error["reschedule"]) == ("PortBindingFailed", True)
    assert "the host has no device in it" in error["message"]
