# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Members of security groups on a host: what it says of its own, what it keeps of others', and the sets that its rules look into."""

from __future__ import annotations

import threading
import typing as t

import pytest

from ansible_collections.kvmfleet.compute.plugins.module_utils.compute import locks, membership_file
from ansible_collections.kvmfleet.compute.plugins.module_utils.compute.filter_gaps import gaps
from ansible_collections.kvmfleet.compute.plugins.module_utils.compute.filters import Filters
from ansible_collections.kvmfleet.compute.plugins.module_utils.compute.group_members import GroupMembers
from ansible_collections.kvmfleet.compute.plugins.module_utils.errors import ServerError
from ansible_collections.kvmfleet.compute.plugins.module_utils.filter_parser import parse_filter
from ansible_collections.kvmfleet.compute.plugins.module_utils.network.filters.names import NETS, group_filter_name, group_key, port_filter_name, rule_set_name
from ansible_collections.kvmfleet.compute.plugins.module_utils.network.rules_number import digest
from ansible_collections.kvmfleet.compute.plugins.module_utils.shapes import FilterRule, GroupRules, Instance, MemberReport, Port, Record
from ansible_collections.kvmfleet.compute.tests.unit import make
from ansible_collections.kvmfleet.compute.tests.unit.plugins.module_utils.compute.lab import Lab

RULES: GroupRules = {"id": "db", "name": "db", "rules": [make.rule(remote_group="web")]}


def of_group(lab: Lab, group: str, number: int = 0) -> Instance:
    return lab.web(number, security_groups=[{"id": group, "name": group}])


def key(lab: Lab) -> str:
    return group_key("web", lab.web()["project_id"])


def set_name(lab: Lab, kind: str = NETS) -> str:
    """Of what the group db lets in."""
    return f"{rule_set_name(group_key('db', lab.web()['project_id']), 'IPv4', 'ingress')}{kind}"


def let_in(lab: Lab) -> set[str]:
    return lab.ip_sets.there[set_name(lab)]


def members(lab: Lab, *, check_mode: bool = False) -> GroupMembers:
    return GroupMembers(lab.hypervisor, str(lab.state), lab.ip_sets, lab.packet_rules, lab.packet_tables, lambda: 1000.0, check_mode=check_mode)


def build(lab: Lab, *servers: Instance) -> list[t.Any]:
    lab.claim(*servers)
    builder = lab.builder()
    builder.groups = {"db": RULES, "web": {"id": "web", "name": "web", "rules": []}}
    return lab.build(*servers, builder=builder)


def said(lab: Lab, number: int, *addresses: str, host: str = "h2") -> MemberReport:
    return {"host": host, "number": number, "groups": {key(lab): list(addresses)}}


def test_the_set_is_there_before_the_filter_that_looks_into_it(lab: Lab) -> None:
    there: list[bool] = []
    define = lab.hypervisor.define_filter

    def look(xml: str) -> None:
        there.append(set_name(lab) in lab.ip_sets.there)
        define(xml)

    lab.hypervisor.define_filter = look  # type: ignore[method-assign]
    assert build(lab, of_group(lab, "db"))[0]["outcome"] == "built"
    assert there and all(there)


def test_who_is_told_of_before_the_build_is_let_in_by_the_guest(lab: Lab) -> None:
    members(lab).ask("h1", [key(lab)])
    members(lab).tell([said(lab, 1, "192.0.2.77")])
    build(lab, of_group(lab, "db"))
    assert let_in(lab) == {"192.0.2.77"}


def test_a_host_without_ip_sets_is_none_for_a_filtered_port(lab: Lab) -> None:
    lab.ip_sets.lacking = "no ipset"
    (outcome,) = build(lab, of_group(lab, "db", 1))
    assert (outcome["outcome"], outcome["error"]["error_class"], outcome["error"]["message"]) == ("failed", "PortBindingFailed", "no ipset")
    assert outcome["error"]["reschedule"]


def test_a_host_says_who_is_a_member_on_it_from_the_claim_until_it_leaves(lab: Lab) -> None:
    server = of_group(lab, "web")
    lab.claim(server)
    assert members(lab).ask("h1").report == {"host": "h1", "number": 1000000, "groups": {key(lab): ["192.0.2.9"]}}
    build(lab, server)
    left = members(lab).ask("h1", leaving=[server["uuid"], "somebody else's"])
    assert left.changed and left.report == {"host": "h1", "number": 1000001, "groups": {}}
    # It is to be deleted still, unless it is started again.
    assert members(lab).ask("h1").report["groups"] == {}
    assert members(lab).ask("h1", staying=[server["uuid"]]).report["groups"] == {key(lab): ["192.0.2.9"]}
    members(lab).ask("h1", leaving=[server["uuid"]])
    lab.delete(server["uuid"])
    members(lab).ask("h1")
    assert membership_file.read(str(lab.state)).leaving == []


def test_a_host_tells_what_changed(lab: Lab) -> None:
    build(lab, of_group(lab, "db"))
    one, who = members(lab), f"members of security group {key(lab)}"
    assert one.tell([said(lab, 2, "192.0.2.77", "2001:db8::7")]).changes == [f"{who}: 2, 2 more and 0 less than before"]
    assert let_in(lab) == {"192.0.2.77"}
    assert one.tell([said(lab, 2, "192.0.2.77", "2001:db8::7")]).changes == []
    assert one.tell([said(lab, 1)]).changes == []
    assert one.tell([said(lab, 3)]).changes == [f"{who}: 0, 0 more and 2 less than before"]
    assert let_in(lab) == set()


def test_sets_that_somebody_has_emptied_or_a_reboot_has_taken_are_filled_again(lab: Lab) -> None:
    build(lab, of_group(lab, "db"))
    members(lab).tell([said(lab, 1, "192.0.2.77")])
    lab.ip_sets.there[set_name(lab)] = set()
    assert members(lab).tell([]).changes == ["IP sets of security group db, which were not as they must be"]
    assert let_in(lab) == {"192.0.2.77"}
    lab.ip_sets.there.clear()
    server = of_group(lab, "db")
    lab.hypervisor.states[server["uuid"]] = "shutdown"
    lab.build(make.order(server, action="start"), builder=lab.builder())
    assert let_in(lab) == {"192.0.2.77"}


def test_check_mode_says_what_it_would_do(lab: Lab) -> None:
    build(lab, of_group(lab, "db"))
    kept, sets = membership_file.read(str(lab.state)), lab.ip_sets.contents()
    one = members(lab, check_mode=True)
    assert one.ask("h1", ["p/other"], leaving=[of_group(lab, "db")["uuid"]]).changed
    assert len(one.tell([said(lab, 1, "192.0.2.77")]).changes) == 1
    assert (membership_file.read(str(lab.state)), lab.ip_sets.there) == (kept, sets)


def test_sets_go_with_the_last_rule_that_looks_into_them_but_not_while_a_claim_waits_for_them(lab: Lab) -> None:
    one, two, claimed = of_group(lab, "db"), of_group(lab, "db", 1), of_group(lab, "db", 2)
    build(lab, one, two)
    lab.delete(one["uuid"])
    assert set_name(lab) in lab.ip_sets.there
    lab.claim(claimed)
    lab.delete(two["uuid"])
    assert list(membership_file.read(str(lab.state)).wanted) == [key(lab)]
    build(lab, claimed)
    lab.delete(claimed["uuid"])
    assert lab.ip_sets.there == {} and membership_file.read(str(lab.state)).wanted == {}


def test_claims_that_go_at_once_take_what_was_kept_for_them_along(lab: Lab) -> None:
    servers = [of_group(lab, "db", number) for number in range(2)]
    lab.claim(*servers)
    members(lab).ask("h1", [key(lab)])
    members(lab).tell([said(lab, 1, "192.0.2.77")])
    assert list(membership_file.read(str(lab.state)).wanted) == [key(lab)]
    both, remove = threading.Barrier(2), Filters.remove

    def together(self: Filters, record: Record) -> None:
        remove(self, record)
        both.wait(timeout=60)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Filters, "remove", together)
        lab.release(*(server["uuid"] for server in servers))
    assert lab.ip_sets.there == {} and membership_file.read(str(lab.state)).wanted == {}


def test_a_set_that_somebodys_own_rule_looks_into_stays_and_holds_up_nobody(lab: Lab) -> None:
    server = of_group(lab, "db")
    build(lab, server)
    lab.ip_sets.in_use = {set_name(lab)}
    assert lab.delete(server["uuid"])[0]["outcome"] == "deleted"
    assert set(lab.ip_sets.there) == {set_name(lab)}
    lab.ip_sets.in_use = set()
    members(lab).tell([])
    assert lab.ip_sets.there == {}


def test_edited_rules_reach_the_ports_that_are_there(lab: Lab) -> None:
    build(lab, of_group(lab, "db"))
    members(lab).tell([said(lab, 1, "192.0.2.77")])
    assert members(lab).tell([], {"db": RULES}) == ([], [])
    edited: GroupRules = {**RULES, "rules": [make.rule(remote_group="admin"), make.rule(remote=["198.51.100.0/24"])]}
    asked = members(lab).ask("h1", groups={"db": edited})
    admin = group_key("admin", of_group(lab, "db")["project_id"])
    assert asked.changed and admin in asked.wanted
    filters, sets = dict(lab.hypervisor.network_filters), lab.ip_sets.contents()
    assert members(lab, check_mode=True).tell([], {"db": edited}).changes == ["rules of security group db"]
    assert lab.ip_sets.there == sets
    told = members(lab).tell([{"host": "h2", "number": 2, "groups": {admin: ["192.0.2.78"]}}], {"db": edited})
    assert told.changes[0] == "rules of security group db" and told.problems == []
    assert let_in(lab) == {"192.0.2.78", "198.51.100.0/24"} and lab.hypervisor.network_filters == filters
    assert members(lab).tell([], {"db": edited}) == ([], [])


def numbered(fleet: int, *rules: FilterRule) -> GroupRules:
    return {"id": "db", "name": "db", "rules": list(rules), "number": {"fleet": fleet, "local": 0, "digest": digest(rules)}}


def test_rules_that_come_late_are_not_taken_and_whoever_brings_them_is_told(lab: Lab) -> None:
    build(lab, of_group(lab, "db"))
    one, two = make.rule(remote=["192.0.2.0/24"]), make.rule(remote=["198.51.100.0/24"])
    assert members(lab).tell([], {"db": numbered(2, two)}).changes == ["rules of security group db"]
    later = members(lab).tell([], {"db": numbered(1, one)})
    assert later.changes == [] and "security group db keeps the rules that another run has brought meanwhile" in later.problems[0]
    assert let_in(lab) == {"198.51.100.0/24"}
    number = members(lab).ask("h1").numbers[group_key("db", lab.web()["project_id"])]
    assert (number.fleet, number.digest) == (2, digest([two]))
    # The same rules with a later number are no change, but what comes between is older.
    assert members(lab).tell([], {"db": numbered(5, two)}) == ([], [])
    assert members(lab).tell([], {"db": numbered(4, one)}).problems and let_in(lab) == {"198.51.100.0/24"}
    assert members(lab).tell([], {"db": numbered(6, one)}) == (["rules of security group db"], [])


def test_a_build_with_older_rules_keeps_those_of_the_host_and_says_so(lab: Lab) -> None:
    server = of_group(lab, "db")
    lab.claim(server)
    # An edit comes between its claim and its build; another server goes meanwhile, and takes nothing of it along.
    members(lab).tell([], {"db": numbered(2, make.rule(remote=["198.51.100.0/24"]))})
    other = of_group(lab, "web", 1)
    build(lab, other)
    lab.delete(other["uuid"])
    builder = lab.builder()
    builder.groups = {"db": numbered(1, make.rule(remote=["192.0.2.0/24"]))}
    (outcome,) = lab.build(server, builder=builder)
    assert outcome["outcome"] == "built" and let_in(lab) == {"198.51.100.0/24"}
    assert [warning for warning in outcome["warnings"] if "security group db keeps the rules that another run" in warning]


def test_rules_that_the_host_has_lost_leave_its_sets_as_they_are_until_somebody_brings_them(lab: Lab) -> None:
    build(lab, of_group(lab, "db"))
    members(lab).tell([said(lab, 1, "192.0.2.77")])
    (lab.state / membership_file.FILE).unlink()
    (why,) = reported(lab)
    assert "server web-0: the rules of security group db are not given, and the host does not know them" in why
    told = members(lab).tell([])
    assert (told.changes, len(told.problems), let_in(lab)) == ([], 1, {"192.0.2.77"})
    members(lab).tell([said(lab, 1, "192.0.2.77")], {"db": RULES})
    assert (reported(lab), let_in(lab)) == ([], {"192.0.2.77"})


def test_a_filter_that_is_gone_or_was_edited_is_made_again(lab: Lab) -> None:
    server = of_group(lab, "db")
    build(lab, server)
    there, name = dict(lab.hypervisor.network_filters), port_filter_name(server["ports"][0]["id"])
    del lab.hypervisor.network_filters[name]
    assert members(lab).tell([]).changes == ["network filter of a port of server web-0, which was missing"]
    assert lab.hypervisor.network_filters == there
    lab.hypervisor.network_filters[name] = there[name].replace("drop", "accept")
    assert members(lab).tell([]).changes == ["network filter of a port of server web-0"]
    assert lab.hypervisor.network_filters == there
    del lab.hypervisor.network_filters[group_filter_name("db", server["project_id"], "IPv4")]
    # The kernel's rules look into it all the same.
    lab.ip_sets.in_use = {set_name(lab)}
    assert members(lab).tell([]) == (["network filter of security group db, which was missing"], [])
    assert lab.hypervisor.network_filters == there


def reported(lab: Lab) -> list[str]:
    return gaps(lab.hypervisor, str(lab.state), lab.ip_sets, lab.packet_rules, lab.packet_tables, lab.hypervisor.domains())


def test_rules_that_are_missing_in_the_kernel_are_made_again_of_a_definition_that_is_another_one(lab: Lab) -> None:
    server = of_group(lab, "db")
    build(lab, server)
    name = port_filter_name(server["ports"][0]["id"])
    there, defined = lab.hypervisor.network_filters[name], []
    define = lab.hypervisor.define_filter

    def look(xml: str) -> None:
        defined.append(parse_filter(xml)["content"])
        define(xml)

    lab.hypervisor.define_filter = look  # type: ignore[method-assign]
    lab.packet_rules.flushed = {server["ports"][0]["device"]}
    assert members(lab, check_mode=True).tell([]).changes == ["rules in the kernel for tap0 of server web-0, which were missing"]
    assert defined == []
    assert members(lab).tell([]).changes == ["rules in the kernel for tap0 of server web-0, which were missing"]
    assert len(defined) == 2 and defined[0] != defined[1] and lab.hypervisor.network_filters[name] == there
    lab.hypervisor.states[server["uuid"]] = "shutdown"
    assert members(lab).tell([]).changes == []


def test_gaps_are_reported(lab: Lab) -> None:
    server = of_group(lab, "db")
    assert reported(lab) == []
    build(lab, server)
    assert reported(lab) == []
    lab.packet_rules.flushed = {server["ports"][0]["device"]}
    assert reported(lab) == ["the kernel lacks rules for tap0 of server web-0"]
    lab.packet_rules.flushed = set()
    lab.ip_sets.there[set_name(lab)] = {"192.0.2.1"}
    assert reported(lab) == [f"the IP set {set_name(lab)} is not what it must be"]
    lab.ip_sets.lacking = "the tool ipset is not installed"
    assert reported(lab) == [lab.ip_sets.lacking]
    lab.ip_sets.lacking = None
    lab.ip_sets.there[set_name(lab)] = set()
    port, group = port_filter_name(server["ports"][0]["id"]), group_filter_name("db", server["project_id"], "IPv4")
    kept = dict(lab.hypervisor.network_filters)
    lab.hypervisor.network_filters[port] = kept[port].replace("drop", "accept")
    assert reported(lab) == ["the network filter of a port of server web-0 is not what it must be"]
    del lab.hypervisor.network_filters[port]
    assert reported(lab) == ["the network filter of a port of server web-0 is missing"]
    del lab.hypervisor.network_filters[group]
    assert sorted(reported(lab)) == ["the network filter of a port of server web-0 is missing", "the network filter of security group db is missing"]


def test_who_is_at_work_on_a_server_sees_to_its_filters(lab: Lab) -> None:
    server = of_group(lab, "db")
    build(lab, server)
    kept, port = dict(lab.hypervisor.network_filters), port_filter_name(server["ports"][0]["id"])
    lab.packet_rules.flushed, lab.ip_sets.in_use = {server["ports"][0]["device"]}, {set_name(lab)}
    with locks.instance_lock(str(lab.state), server["uuid"]):
        # It is being deleted: a filter that is made again now would stay for good.
        for name in (port, group_filter_name("db", server["project_id"], "IPv4")):
            del lab.hypervisor.network_filters[name]
            assert (reported(lab), members(lab).tell([])) == ([], ([], []))
        lab.hypervisor.network_filters = dict(kept)
        edited: GroupRules = {**RULES, "rules": []}
        assert members(lab).tell([], {"db": edited}).changes == ["rules of security group db"]
    assert "rules of security group db" in members(lab).tell([], {"db": RULES}).changes
    del lab.hypervisor.network_filters[port]
    domains = lab.hypervisor.domains()
    lab.hypervisor.undefine(server["uuid"])
    lab.hypervisor.domains = lambda *, live=False: domains  # type: ignore[method-assign]
    # It was there when the domains were read.
    assert (reported(lab), members(lab).tell([])) == ([], ([], []))


def test_what_is_missing_for_a_moment_only_is_no_gap(lab: Lab) -> None:
    server = of_group(lab, "db")
    build(lab, server)
    looked = []

    def look(ports: t.Collection[Port]) -> list[Port]:
        looked.append(list(ports))
        return looked[0] if len(looked) == 1 else []

    lab.packet_rules.unfiltered_ports = look  # type: ignore[method-assign]
    assert reported(lab) == [] and [len(ports) for ports in looked] == [1, 1]


def test_a_server_that_is_being_built_has_no_gaps_yet(lab: Lab) -> None:
    lab.claim(of_group(lab, "db"))
    assert reported(lab) == []


def test_a_host_that_is_not_of_the_fleet_any_more_has_no_members(lab: Lab) -> None:
    build(lab, of_group(lab, "db"))
    members(lab).tell([said(lab, 1, "192.0.2.77", host="gone"), said(lab, 1, "192.0.2.78")])
    lab.hold(make.epoch(hosts=["h1", "h2"]))
    members(lab).tell([])
    assert let_in(lab) == {"192.0.2.78"}
    # Without a registrar nobody has said who is of the fleet.
    lab.hold({**make.epoch(hosts=["h1"]), "store": "none"})
    members(lab).tell([])
    assert let_in(lab) == {"192.0.2.78"}


@pytest.mark.parametrize("content", ["", "[]", '{"version": 2}', '{"version": 1, "number": 1, "leaving": [], "wanted": {"p/web": {"h": 1}}}'])
def test_what_is_kept_and_cannot_be_read_is_said(lab: Lab, content: str) -> None:
    lab.state.mkdir(exist_ok=True)
    (lab.state / membership_file.FILE).write_text(content)
    with pytest.raises(ServerError, match=r"security_groups\.json, can't be read"):
        members(lab).ask("h1")
