# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Two runs at once, each with facts that show nothing of the other: what the real ledger grants them, and what becomes of what they lose."""

from __future__ import annotations

import itertools
import typing as t

import pytest

from ansible_collections.kvmfleet.compute.plugins.module_utils.shapes import ReserveRequest
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.allocation.reservation import Refusal, refused_by
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.shapes import Network
from ansible_collections.kvmfleet.compute.tests.unit import make
from ansible_collections.kvmfleet.compute.tests.unit.plugins.plugin_utils.allocation.run import CLAIM_S, Registrar, Run, fleet

LAN = make.network(make.subnet("192.0.2.0/29", gateway_ip="192.0.2.1"), make.subnet("2001:db8::/64"))
ON_LAN = [make.requested_network(network=LAN)]


def two_hosts() -> t.Any:
    return fleet(make.host("h1"), make.host("h2"))


def servers(*names: str, network: Network | None = None, **changes: t.Any) -> t.Any:
    return [(make.instance(name, **changes), [make.requested_network(network=network or LAN)]) for name in names]


def test_two_runs_get_other_addresses_though_facts_show_the_same() -> None:
    registrar = Registrar("h1", "h2")
    one, two = (Run(registrar, two_hosts(), servers(*names), macs=itertools.count(start)) for names, start in ((("a", "b"), 1), (("c",), 100)))
    assert one.addresses("a") == two.addresses("c"), "as they were chosen from the facts alone"
    one.reserve()
    two.reserve()
    assert [one.addresses("a"), one.addresses("b"), two.addresses("c")] == [
        ["192.0.2.2", "2001:db8::1"],
        ["192.0.2.3", "2001:db8::2"],
        ["192.0.2.4", "2001:db8::3"],
    ]
    port = two.placed("c")["instance"]["ports"][0]
    assert [ip["cidr"] for ip in port["fixed_ips"]] == ["192.0.2.0/29", "2001:db8::/64"], "with what the guest must know of each subnet"


def test_the_deadline_of_a_host_is_by_its_own_clock_and_not_later_than_the_registrar_s() -> None:
    run = Run(Registrar("h1", "h2"), two_hosts(), servers("a", "b"))
    granted = run.reserve()["grants"]
    # The host was 5.5 s up at 100 s of the controller's clock, and was asked for at 110 s.
    deadline = {"boot_id": "boot of h1", "ends_at": 15 + CLAIM_S}
    assert granted["h1"] == {"epoch": {"number": 1, "id": "e"}, "ticket": 1, "deadline": deadline}
    assert set(granted) == set(run.round["placements"])
    assert run.asked[0]["max_skew_s"] == 10


def test_a_name_that_another_run_is_about_to_claim_fails_one_server_alone() -> None:
    registrar = Registrar("h1", "h2")
    Run(registrar, two_hosts(), [(make.instance("other", display_name="web"), ON_LAN)], macs=itertools.count(50)).reserve()
    run = Run(registrar, two_hosts(), [(make.instance("a", display_name="web"), ON_LAN), *servers("b")])
    run.reserve()
    assert (run.errors(), run.granted(), run.round["stage"]) == ({"a": "InstanceExists"}, ["b"], "claim")
    assert run.round["reserved"]["open"] == ["b"]


def test_a_run_gets_what_a_killed_one_had_reserved_once_the_facts_show_that_its_host_was_told() -> None:
    registrar = Registrar("h1")
    killed = Run(registrar, fleet(make.host("h1")), [(make.instance("killed", display_name="web"), ON_LAN)])
    killed.reserve()
    again = [(make.instance("a", display_name="web"), ON_LAN)]
    lost = Run(registrar, fleet(make.host("h1")), again, macs=itertools.count(50))
    lost.reserve()
    assert lost.errors() == {"a": "InstanceExists"}
    ticket = killed.agreement["ticket"]
    assert ticket
    told = make.host("h1", registrar=make.held(registrar.epoch, ended=[ticket["ticket"]]))
    run = Run(registrar, fleet(told), again, agreement=lost.agreement)
    run.reserve()
    assert (run.granted(), run.addresses("a")) == (["a"], killed.addresses("killed"))
    # What it has got now, others do not.
    late = Run(registrar, fleet(told), [(make.instance("b", display_name="web"), ON_LAN)], macs=itertools.count(100))
    late.reserve()
    assert late.errors() == {"b": "InstanceExists"}


def test_a_project_s_groups_are_those_that_the_facts_show_and_those_that_other_runs_have_reserved() -> None:
    registrar, limit = Registrar("h1", "h2"), {"p": {"server_groups": {"limit": 2, "used": 1}}}
    there = make.fleet_record(make.instance("there", project_id="p", group=make.group(id="old", name="old")))

    def run(name: str, group: str, mac: int) -> Run:
        """With one server in a group."""
        asked = [(make.instance(name, project_id="p", group=make.group(id=group, name=group)), ON_LAN)]
        made = Run(registrar, fleet(make.host("h1", instances=[there]), make.host("h2")), asked, macs=itertools.count(mac), quotas=limit)
        made.reserve()
        return made

    assert [run(*server).errors() for server in (("a", "old", 1), ("b", "new", 10), ("c", "new", 20))] == [{}, {}, {}]
    assert run("d", "newer", 30).errors() == {"d": "ServerGroupLimitExceeded"}


def test_the_host_by_whose_word_a_ledger_is_stale_is_named() -> None:
    agreement: t.Any = {**Registrar("h1").begin(), "highest_ticket": 99, "highest_host": "h2"}
    told = str(refused_by("LedgerStale", "it has not drawn them", agreement))
    assert told.startswith("it has not drawn them; the highest is ticket 99 of host h2; if that can't be, give the host up by ansible-playbook")
    assert told.endswith("""registrar_operation=rebuild -e '{"registrar_give_up": ["h2"]}'""")
    assert str(refused_by("LedgerLost", "there is none", agreement)) == "there is none"


def test_addresses_run_out_over_both_runs() -> None:
    registrar = Registrar("h1", "h2")
    small = make.network(make.subnet("192.0.2.0/29", gateway_ip="192.0.2.1"))
    Run(registrar, two_hosts(), servers("a", "b", "c", network=small)).reserve()
    run = Run(registrar, two_hosts(), servers("d", "e", "f", network=small), macs=itertools.count(100))
    run.reserve()
    assert (run.errors(), run.addresses("d"), run.addresses("e")) == ({"f": "NoMoreFixedIps"}, ["192.0.2.5"], ["192.0.2.6"])
    error = run.round["servers"]["f"]["error"]
    assert error
    assert error["message"] == "no free address is left in the allocation pools 192.0.2.0/29 of network lan on bridge br0"


def test_subnets_of_one_version_are_used_in_their_order() -> None:
    wide = make.network(make.subnet("192.0.2.0/30", gateway_ip="192.0.2.1"), make.subnet("198.51.100.0/30", gateway_ip="198.51.100.1"))
    run = Run(Registrar("h1", "h2"), two_hosts(), servers("a", "b", network=wide))
    run.reserve()
    assert [run.addresses("a"), run.addresses("b")] == [["192.0.2.2"], ["198.51.100.2"]]


def test_a_mac_address_that_both_have_drawn_is_drawn_again() -> None:
    registrar = Registrar("h1", "h2")
    one, two = Run(registrar, two_hosts(), servers("a")), Run(registrar, two_hosts(), servers("b"))
    one.reserve()
    two.reserve()
    assert [run.placed(uuid)["instance"]["ports"][0]["mac_address"] for run, uuid in ((one, "a"), (two, "b"))] == ["fa:16:3e:00:00:01", "fa:16:3e:00:00:02"]
    assert (len(two.asked), two.placed("b")["attempts"]) == (2, [])


def test_a_mac_address_of_the_catalogue_is_never_drawn_again() -> None:
    registrar = Registrar("h1", "h2")
    made = [make.catalogue_port(id=f"{number}1111111-0000-4000-8000-000000000000", mac_address="52:54:00:00:00:01") for number in (1, 2)]
    for name, port in zip("ab", made, strict=True):
        run = Run(registrar, two_hosts(), [(make.instance(name), [make.requested_network(network=LAN, port=port)])])
        run.reserve()
    assert (run.errors(), len(run.asked)) == ({"b": "MacAddressInUse"}, 1)


def test_a_port_made_beforehand_and_an_address_that_is_asked_for_are_held_as_they_are() -> None:
    registrar = Registrar("h1", "h2")
    port = make.catalogue_port(mac_address="52:54:00:00:00:01", fixed_ips=[{"ip_address": "192.0.2.5"}])
    one = Run(registrar, two_hosts(), [(make.instance("a"), [make.requested_network(network=LAN, port=port)])])
    one.reserve()
    assert one.addresses("a") == ["192.0.2.5"]
    asked = make.requested_network(network=LAN, fixed_ip="192.0.2.5")
    two = Run(registrar, two_hosts(), [(make.instance("b"), [asked]), *servers("c")], macs=itertools.count(100))
    two.reserve()
    assert two.errors() == {"b": "FixedIpAlreadyInUse"}
    again = Run(registrar, two_hosts(), [(make.instance("d"), [make.requested_network(network=LAN, port=port)])], macs=itertools.count(200))
    again.reserve()
    assert again.errors() == {"d": "PortInUse"}


def test_a_server_that_loses_its_host_to_a_group_member_is_placed_again() -> None:
    registrar = Registrar("h1", "h2", "h3")
    facts = fleet(make.host("h1", memory_mb=9000), make.host("h2"), make.host("h3"))
    group = make.group(policy="anti-affinity")
    # Both begin before one has reserved.
    begun = registrar.begin(), registrar.begin()
    one = Run(registrar, facts, servers("a", group=group), agreement=begun[0])
    two = Run(registrar, facts, servers("b", "c", group=group), agreement=begun[1], macs=itertools.count(100))
    assert (one.placed("a")["host"], two.placed("b")["host"], two.placed("c")["host"]) == ("h1", "h1", "h2")
    one.reserve()
    two.reserve()
    assert (one.placed("a")["host"], two.placed("b")["host"], two.placed("c")["host"]) == ("h1", "h3", "h2")
    (attempt,) = two.placed("b")["attempts"]
    assert (attempt["host"], attempt["stage"]) == ("h1", "reserve")
    assert two.round["placements"] == {"h3": ["b"], "h2": ["c"]}
    assert set(two.round["grants"]) == {"h2", "h3"}
    third = Run(registrar, facts, servers("d", group=group), agreement=registrar.begin(), macs=itertools.count(200))
    third.reserve()
    assert third.errors() == {"d": "NoValidHost"}
    assert third.round["stage"] == "done"


def test_an_affinity_group_comes_together_where_the_first_run_is() -> None:
    registrar = Registrar("h1", "h2")
    group = make.group(policy="affinity")
    one = Run(registrar, fleet(make.host("h1", memory_mb=9000), make.host("h2")), servers("a", group=group))
    two = Run(registrar, fleet(make.host("h1"), make.host("h2", memory_mb=9000)), servers("b", "c", group=group), macs=itertools.count(100))
    one.reserve()
    two.reserve()
    assert [two.placed(uuid)["host"] for uuid in "bc"] == [one.placed("a")["host"]] * 2 == ["h1", "h1"]


def test_a_server_that_is_to_be_on_one_host_is_placed_nowhere_else() -> None:
    registrar = Registrar("h1", "h2")
    group = make.group(policy="anti-affinity")
    target = {"zone": None, "host": "h1", "node": None}
    Run(registrar, two_hosts(), servers("a", group=group), target=target).reserve()
    two = Run(registrar, two_hosts(), servers("b", group=group), macs=itertools.count(100), target=target)
    two.reserve()
    assert (two.granted(), two.placed("b")["host"]) == ([], "h1")


def test_attempts_are_bounded() -> None:
    registrar = Registrar("h1", "h2", "h3")
    facts = fleet(make.host("h1", memory_mb=9000), make.host("h2"), make.host("h3"))
    group = make.group(policy="anti-affinity")
    Run(registrar, facts, servers("a", group=group)).reserve()
    two = Run(registrar, facts, servers("b", group=group), macs=itertools.count(100), max_attempts=1)
    two.reserve()
    assert (two.errors(), len(two.asked)) == ({"b": "GroupAffinityViolation"}, 1)


def test_what_the_other_run_has_of_a_quota_counts() -> None:
    registrar = Registrar("h1", "h2")
    quotas = {"p": {"instances": {"limit": 2, "used": 0}}}
    Run(registrar, two_hosts(), servers("a")).reserve()
    run = Run(registrar, two_hosts(), servers("b", "c"), quotas=quotas, macs=itertools.count(100))
    run.reserve()
    assert (run.errors(), run.granted()) == ({"c": "TooManyInstances"}, ["b"])


def test_a_retry_keeps_its_addresses_and_what_was_refused_is_free() -> None:
    registrar = Registrar("h1", "h2")
    run = Run(registrar, two_hosts(), servers("a", "b"))
    run.reserve()
    before = run.addresses("a")
    assert run.conduct(a="refused")["reserved"] == {"open": [], "claimed": ["b"], "absent": ["a"]}
    run.reserve()
    assert (run.addresses("a"), run.round["reserved"]) == (before, {"open": ["a"], "claimed": ["b"], "absent": []})
    assert [wish["uuid"] for wish in run.asked[-1]["servers"]] == ["a"], "the other one is claimed"
    run.conduct()
    run.settle()
    assert all(held["released_at"] for held in registrar.ledger.reservations.values())


def test_what_nobody_knows_stays_held_and_what_is_gone_does_not() -> None:
    registrar = Registrar("h1", "h2")
    run = Run(registrar, two_hosts(), servers("a", "b", "c"), max_attempts=1)
    run.reserve()
    run.conduct(a="unknown", b="refused")
    run.settle()
    held = {server: reservation["released_at"] for (_ticket, server), reservation in registrar.ledger.reservations.items()}
    assert held["a"] is None
    assert "b" not in held
    assert held["c"]


@pytest.mark.parametrize("late_s", [3601])
def test_a_run_whose_ticket_is_over_claims_nothing(late_s: int) -> None:
    registrar = Registrar("h1", "h2")
    run = Run(registrar, two_hosts(), servers("a"))
    registrar.now += late_s
    run.reserve()
    assert (run.errors(), run.round["stage"], run.round["grants"]) == ({"a": "TicketOver"}, "done", {})


def test_nothing_is_claimed_if_the_registrar_can_t_be_reached() -> None:
    class Unreachable(Registrar):
        def ask(self, request: ReserveRequest) -> t.Any:
            raise Refusal("RegistrarUnreachable", "no")

    run = Run(Unreachable("h1", "h2"), two_hosts(), servers("a", "b"))
    run.reserve()
    assert (run.errors(), run.round["placements"]) == ({"a": "RegistrarUnreachable", "b": "RegistrarUnreachable"}, {})


def test_a_host_that_has_not_told_its_clock_takes_no_claim() -> None:
    registrar = Registrar("h1", "h2")
    agreement = registrar.begin()
    del agreement["clocks"]["h1"]
    facts = fleet(make.host("h1", memory_mb=9000), make.host("h2"))
    run = Run(registrar, facts, servers("a"), agreement=agreement)
    run.reserve()
    assert (run.placed("a")["host"], set(run.round["grants"])) == ("h2", {"h2"})


@pytest.mark.parametrize(
    "lie",
    [
        None,
        [],
        {"granted": []},
        {"granted": [], "lost": [], "members": {}},
        {"granted": [{"server": "b", "host": "h1", "ports": []}], "lost": [], "members": {}},
        {"granted": [{"server": "a", "host": "h9", "ports": []}], "lost": [], "members": {}},
        {"granted": [{"server": "a", "host": "h1", "ports": [{"id": "port 1 of a", "ip_addresses": ["192.0.2.2"]}]}], "lost": [], "members": {}},
        {"granted": [{"server": "a", "host": "h1", "ports": [{"id": "port 1 of a", "ip_addresses": ["10.0.0.1", "2001:db8::1"]}]}], "lost": [], "members": {}},
        {"granted": [{"server": "a", "host": "h1", "ports": [{"id": "port 1 of a", "ip_addresses": ["x", "y"]}]}], "lost": [], "members": {}},
        {"granted": [], "lost": [{"server": "a", "error": "no"}], "members": {}},
    ],
)
def test_an_answer_that_is_none_grants_nothing(lie: t.Any) -> None:
    class Liar(Registrar):
        def ask(self, request: ReserveRequest) -> t.Any:
            return lie

    run = Run(Liar("h1", "h2"), two_hosts(), servers("a"))
    before = run.addresses("a")
    run.reserve()
    assert (run.errors(), run.round["grants"], run.addresses("a")) == ({"a": "RegistrarUnreachable"}, {}, before)
    error = run.round["servers"]["a"]["error"]
    assert error
    assert error["message"].startswith("the registrar's answer is none: ")


def test_an_address_in_place_of_the_one_that_was_asked_for_is_none() -> None:
    class Liar(Registrar):
        def ask(self, request: ReserveRequest) -> t.Any:
            answer = super().ask(request)
            answer["granted"][0]["ports"][0]["ip_addresses"] = ["192.0.2.6"]
            return answer

    run = Run(Liar("h1", "h2"), two_hosts(), [(make.instance("a"), [make.requested_network(network=LAN, fixed_ip="192.0.2.5")])])
    run.reserve()
    assert run.errors() == {"a": "RegistrarUnreachable"}


def test_what_is_there_and_what_a_dead_run_left_needs_no_grant() -> None:
    registrar = Registrar("h1", "h2")
    run = Run(registrar, two_hosts(), servers("a"))
    run.placed("a")["action"] = "finish"
    run.reserve()
    assert (run.asked, run.granted(), run.round["grants"]) == ([], ["a"], {})


def test_who_is_placed_again_finds_no_room_that_the_run_has_given_away() -> None:
    registrar = Registrar("h1", "h2", "h3")
    facts = fleet(make.host("h1", memory_mb=9000), make.host("h2", memory_mb=8000), make.host("h3", memory_mb=5000))
    group = make.group(policy="anti-affinity")
    begun = registrar.begin(), registrar.begin()
    Run(registrar, facts, servers("a", group=group), agreement=begun[0]).reserve()
    # The second server takes what h2 has.
    large = make.instance("c", flavor=make.flavor(memory_mb=8000))
    two = Run(registrar, facts, [*servers("b", group=group), (large, ON_LAN)], agreement=begun[1], macs=itertools.count(100))
    assert (two.placed("b")["host"], two.placed("c")["host"]) == ("h1", "h2")
    two.reserve()
    assert (two.placed("b")["host"], two.placed("c")["host"]) == ("h3", "h2")


def planned_network() -> t.Any:
    wanted = make.requested_network(network=LAN)
    ips = [make.fixed_ip(ip_address="192.0.2.5"), make.fixed_ip(ip_address="2001:db8::77", version=6)]
    return {**wanted, "planned": make.port(id="planned", mac_address="fa:16:3e:00:00:63", fixed_ips=ips)}


def test_what_a_plan_has_is_asked_for_and_nothing_else() -> None:
    registrar = Registrar("h1", "h2")
    run = Run(registrar, two_hosts(), [(make.instance("a"), [planned_network()])])
    run.reserve()
    (port,) = run.placed("a")["instance"]["ports"]
    assert (port["id"], port["mac_address"], port["preexisting"]) == ("planned", "fa:16:3e:00:00:63", False)
    assert run.addresses("a") == ["192.0.2.5", "2001:db8::77"]
    assert [wish["pools"] for wish in run.asked[0]["servers"][0]["ports"][0]["addresses"]] == [[], []]


@pytest.mark.parametrize(("theirs", "error_class"), [({"fixed_ip": "192.0.2.5"}, "FixedIpAlreadyInUse"), ({}, "MacAddressInUse")])
def test_what_a_plan_has_and_another_run_is_about_to_take_is_lost(theirs: dict[str, t.Any], error_class: str) -> None:
    registrar = Registrar("h1", "h2")
    macs = itertools.count(0x63 if error_class == "MacAddressInUse" else 1)
    Run(registrar, two_hosts(), [(make.instance("b"), [make.requested_network(network=LAN, **theirs)])], macs=macs).reserve()
    run = Run(registrar, two_hosts(), [(make.instance("a"), [planned_network()])], macs=itertools.count(500))
    run.reserve()
    assert run.errors() == {"a": error_class}
    assert len(run.asked) == 1, "no other address or MAC address is tried"


def test_an_address_that_a_guest_makes_follows_the_mac_address_that_was_drawn_anew() -> None:
    lan = make.network(make.subnet("192.0.2.0/29"), make.subnet("2001:db8::/64", ipv6_address_mode="slaac"))
    registrar = Registrar("h1", "h2")
    Run(registrar, two_hosts(), servers("a", network=lan), macs=itertools.count(1)).reserve()
    run = Run(registrar, two_hosts(), servers("b", network=lan), macs=itertools.count(1))
    assert run.addresses("b") == ["192.0.2.1", "2001:db8::f816:3eff:fe00:1"]
    run.reserve()
    assert run.addresses("b") == ["192.0.2.2", "2001:db8::f816:3eff:fe00:2"]
    assert run.placed("b")["instance"]["ports"][0]["mac_address"] == "fa:16:3e:00:00:02"
