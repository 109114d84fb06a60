# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tables of nftables of a host: loaded before a guest runs, gone with it, made again where somebody has flushed them."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.kvmfleet.compute.plugins.module_utils.compute.cleanup import Cleanup
from ansible_collections.kvmfleet.compute.plugins.module_utils.compute.filter_gaps import gaps
from ansible_collections.kvmfleet.compute.plugins.module_utils.compute.group_members import Applied, GroupMembers
from ansible_collections.kvmfleet.compute.plugins.module_utils.errors import HypervisorError, ServerError
from ansible_collections.kvmfleet.compute.plugins.module_utils.network.filters.tables import TARGETS, ZONES
from ansible_collections.kvmfleet.compute.plugins.module_utils.network.on_demand.names import bridge_of
from ansible_collections.kvmfleet.compute.plugins.module_utils.shapes import Binding, Instance, Outcome
from ansible_collections.kvmfleet.compute.tests.unit import make
from ansible_collections.kvmfleet.compute.tests.unit.plugins.module_utils.compute.lab import Lab

LOCAL: Binding = {"type": "local", "name": "own"}
BRIDGE = bridge_of(LOCAL)


def with_6(lab: Lab, number: int = 0, **port: t.Any) -> Instance:
    """A server that speaks IPv6."""
    ips = [make.fixed_ip(ip_address=f"2001:db8::{number + 9:x}", version=6, cidr="2001:db8::/64")]
    return lab.web(number, ports=[{**lab.web(number)["ports"][0], "fixed_ips": ips, **port}])


def on_own_network(lab: Lab, number: int = 0, **port: t.Any) -> Instance:
    lab.links.bridge_of = lambda _device: BRIDGE  # type: ignore[method-assign]
    return lab.web(number, ports=[{**lab.web(number)["ports"][0], "binding": LOCAL, **port}])


def build(lab: Lab, *servers: Instance) -> list[Outcome]:
    lab.claim(*servers)
    return lab.build(*servers)


def told(lab: Lab) -> list[str]:
    return gaps(lab.hypervisor, str(lab.state), lab.ip_sets, lab.packet_rules, lab.packet_tables, lab.hypervisor.domains())


def apply(lab: Lab, *, check_mode: bool = False) -> Applied:
    return GroupMembers(lab.hypervisor, str(lab.state), lab.ip_sets, lab.packet_rules, lab.packet_tables, lambda: 1.0, check_mode=check_mode).tell([])


def clean(lab: Lab, *, check_mode: bool = False) -> Cleanup:
    made = Cleanup(lab.builder(check_mode=check_mode), folders=[], elsewhere=[], now=0.0)
    made.run()
    return made


def test_a_guests_addresses_are_known_before_it_is_there_and_go_with_it(lab: Lab) -> None:
    first, second = with_6(lab), with_6(lab, 1)
    there: list[set[str]] = []
    start = lab.hypervisor.start_paused

    def look(uuid: str) -> None:
        there.append(set(lab.packet_tables.jumps.get(TARGETS, {})))
        start(uuid)

    lab.hypervisor.start_paused = look  # type: ignore[method-assign]
    for server in (first, second):
        assert build(lab, server)[0]["outcome"] == "built"
    assert there == [{"tap0"}, {"tap0", "tap1"}] and told(lab) == []
    lab.delete(first["uuid"])
    assert set(lab.packet_tables.jumps[TARGETS]) == {"tap1"}
    lab.delete(second["uuid"])
    assert lab.packet_tables.there == {}


def test_who_needs_nothing_there_asks_for_nothing(lab: Lab) -> None:
    server = lab.web()
    build(lab, server)
    assert told(lab) == [] and apply(lab).changes == []
    lab.delete(server["uuid"])
    assert lab.packet_tables.asked == 0


def test_a_start_loads_what_a_reboot_took_away(lab: Lab) -> None:
    server = with_6(lab)
    build(lab, server)
    lab.packet_tables.flush()
    lab.hypervisor.states[server["uuid"]] = "shutdown"
    assert told(lab) == []
    lab.build(make.order(server, action="start"))
    assert lab.hypervisor.states[server["uuid"]] == "running" and set(lab.packet_tables.jumps[TARGETS]) == {"tap0"}


@pytest.mark.parametrize("method", ["define_filter", "start_paused", "live_interfaces"])
def test_a_build_that_fails_leaves_nothing_there(lab: Lab, method: str) -> None:
    lab.hypervisor.fail(method, HypervisorError("refused"))
    assert build(lab, with_6(lab))[0]["outcome"] == "failed"
    assert lab.packet_tables.there == {} and lab.left() == []


def test_a_build_fails_before_its_guest_is_there_if_the_rules_are_refused(lab: Lab) -> None:
    lab.packet_tables.errors = [ServerError("ProcessExecutionError", "nft: Error", reschedule=True)]
    (outcome,) = build(lab, with_6(lab))
    assert (outcome["outcome"], outcome["error"]["message"]) == ("failed", "nft: Error")
    assert "start_paused" not in lab.hypervisor.calls and lab.left() == []


def test_a_delete_that_was_cut_off_is_finished_by_the_next_one(lab: Lab) -> None:
    server = with_6(lab)
    build(lab, server)
    lab.packet_tables.errors = [ServerError("CommandTimeout", "nft did not end")]
    assert lab.delete(server["uuid"])[0]["outcome"] != "deleted"
    lab.packet_tables.errors = []
    assert lab.delete(server["uuid"])[0]["outcome"] == "deleted"
    assert lab.packet_tables.there == {} and lab.left() == []


def test_a_table_of_somebody_elses_is_left_alone(lab: Lab) -> None:
    server, theirs = with_6(lab), {TARGETS: {"prerouting": ["accept"]}}
    build(lab, server)
    lab.packet_tables.there = {TARGETS: {"prerouting": ["accept"]}}
    (outcome,) = build(lab, with_6(lab, 1))
    why = "the host has a table bridge kvmfleet of nftables that is not of this collection; it is left alone"
    assert (outcome["error"]["error_class"], outcome["error"]["message"], outcome["error"]["reschedule"]) == ("PortBindingFailed", why, True)
    assert told(lab) == [why] and apply(lab).problems == [why]
    assert lab.delete(server["uuid"])[0]["outcome"] == "deleted" and clean(lab).removed == []
    assert lab.packet_tables.there == theirs


def test_what_somebody_has_flushed_is_reported_and_made_again(lab: Lab) -> None:
    build(lab, with_6(lab), on_own_network(lab, 1))
    before = {family: dict(jumps) for family, jumps in lab.packet_tables.jumps.items()}
    assert set(before) == {TARGETS, ZONES} and told(lab) == []
    lab.packet_tables.flush()
    names = [lab.web(number)["display_name"] for number in range(2)]
    assert told(lab) == [f"the kernel lacks rules of nftables for {what}" for what in (f"tap0 of server {names[0]}", f"{BRIDGE} of server {names[1]}")]
    looked = apply(lab, check_mode=True)
    assert len(looked.changes) == 2 and lab.packet_tables.there == {}
    assert apply(lab).changes == looked.changes and lab.packet_tables.jumps == before
    assert apply(lab).changes == [] and told(lab) == []


def test_only_the_servers_own_rules_are_touched(lab: Lab) -> None:
    build(lab, with_6(lab))
    lab.packet_tables.flush()
    build(lab, with_6(lab, 1))
    assert set(lab.packet_tables.jumps[TARGETS]) == {"tap1"} and len(told(lab)) == 1


def test_a_network_that_is_made_has_a_zone_until_its_last_server_goes(lab: Lab) -> None:
    first, second = on_own_network(lab), on_own_network(lab, 1, port_security_enabled=False)
    build(lab, first, second)
    assert set(lab.packet_tables.jumps) == {ZONES} and set(lab.packet_tables.jumps[ZONES]) == {BRIDGE}
    kept = dict(lab.packet_tables.jumps[ZONES])
    lab.delete(first["uuid"])
    assert lab.packet_tables.jumps[ZONES] == kept
    lab.delete(second["uuid"])
    assert lab.packet_tables.there == {}


def test_the_zone_of_servers_that_go_at_once_goes_with_the_later_one(lab: Lab) -> None:
    first, second = on_own_network(lab), on_own_network(lab, 1)
    build(lab, first, second)
    filters, records = lab.builder().filters, [lab.hypervisor.record(server["uuid"]) for server in (first, second)]
    for record in records:
        # Each sees the other's domain still.
        filters.remove(record)
    assert lab.packet_tables.there != {}
    for record in records:
        lab.hypervisor.undefine(record["uuid"])
    filters.drop_sets(records[-1])
    assert lab.packet_tables.there == {}


def test_a_host_without_nft_carries_ports_that_nobody_filters(lab: Lab) -> None:
    lab.packet_tables.lacking = "no nft"
    server = on_own_network(lab, port_security_enabled=False)
    assert build(lab, server)[0]["outcome"] == "built" and lab.delete(server["uuid"])[0]["outcome"] == "deleted"
    assert clean(lab).failed == []


def test_a_cleanup_drops_what_was_undefined_by_hand_and_no_more(lab: Lab) -> None:
    gone, stays = with_6(lab), with_6(lab, 1)
    build(lab, gone, stays)
    lab.hypervisor.destroy(gone["uuid"])
    lab.hypervisor.undefine(gone["uuid"])
    looked = [item for item in clean(lab, check_mode=True).removed if item["kind"] == "rules"]
    assert [item["path"] for item in looked] == ["tap0"] and set(lab.packet_tables.jumps[TARGETS]) == {"tap0", "tap1"}
    assert [item for item in clean(lab).removed if item["kind"] == "rules"] == looked
    assert set(lab.packet_tables.jumps[TARGETS]) == {"tap1"} and told(lab) == []
