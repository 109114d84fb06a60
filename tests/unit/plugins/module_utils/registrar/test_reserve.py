"""What one transaction grants to the servers of a run."""

from __future__ import annotations

import pytest

from ansible_collections.kvmfleet.compute.tests.unit.plugins.module_utils.registrar.wishes import (
    CLAIM_S,
    LASTS_S,
    SKEW_S,
    Registrar,
    addresses,
    group,
    losses,
    pool,
    port,
    quota,
    server,
)

FEW = {"v4": pool("192.0.2.10", "192.0.2.12")}
DUAL = {**FEW, "v6": pool("2001:db8::10", "2001:db8::11")}


@pytest.fixture
def registrar() -> Registrar:
    return Registrar()


def test_the_lowest_address_that_nobody_holds_is_chosen_and_servers_of_a_request_see_each_other(registrar: Registrar) -> None:
    one, two = registrar.begin(), registrar.begin()
    first = registrar.reserve(one, server("a", "h1", port(1, ["v4"])), server("b", "h2", port(2, ["v4"])), pools=FEW)
    second = registrar.reserve(two, server("c", "h3", port(3, ["v4"])), server("d", "h3", port(4, ["v4"])), pools=FEW)
    assert addresses(first) == {"a": ["192.0.2.10"], "b": ["192.0.2.11"]}
    assert addresses(second) == {"c": ["192.0.2.12"]}
    assert losses(second) == {"d": "NoMoreFixedIps"}


def test_an_address_is_unique_in_its_segment_only(registrar: Registrar) -> None:
    registrar.reserve(registrar.begin(), server("a", "h1", port(1, ["v4"])), pools=FEW)
    pools = {"v4": pool("192.0.2.10", "192.0.2.12", segment="other")}
    answer = registrar.reserve(registrar.begin(), server("b", "h1", port(2, ["v4"], segment="other")), pools=pools)
    assert addresses(answer) == {"b": ["192.0.2.10"]}


def test_a_second_subnet_is_used_when_the_first_has_no_address_left(registrar: Registrar) -> None:
    pools = {"full": {**FEW["v4"], "free": []}, "v4": FEW["v4"]}
    answer = registrar.reserve(registrar.begin(), server("a", "h1", port(1, ["full", "v4"])), pools=pools)
    assert addresses(answer) == {"a": ["192.0.2.10"]}


def test_an_address_that_a_server_of_the_request_names_is_not_chosen_for_one_before_it(registrar: Registrar) -> None:
    answer = registrar.reserve(registrar.begin(), server("a", "h1", port(1, ["v4"])), server("b", "h1", port(2, "192.0.2.10")), pools=FEW)
    assert addresses(answer) == {"a": ["192.0.2.11"], "b": ["192.0.2.10"]}


def test_addresses_are_compared_by_what_they_are(registrar: Registrar) -> None:
    registrar.reserve(registrar.begin(), server("a", "h1", port(1, "2001:DB8:0::10", mac="FA:16:3E:00:00:AA")))
    answer = registrar.reserve(
        registrar.begin(),
        server("b", "h1", port(2, "2001:db8::10")),
        server("c", "h1", port(3, mac="fa:16:3e:00:00:aa")),
        server("d", "h1", port(4, ["v6"])),
        pools=DUAL,
    )
    assert losses(answer) == {"b": "FixedIpAlreadyInUse", "c": "MacAddressInUse"}
    assert addresses(answer) == {"d": ["2001:db8::11"]}


def test_names_and_ports_are_held_too_and_the_error_names_the_holder(registrar: Registrar) -> None:
    registrar.reserve(registrar.begin(), server("a", "h1", port(1), name="db"))
    other = {**server("elsewhere", name="db"), "project": "q"}
    answer = registrar.reserve(registrar.begin(), server("b", name="db"), server("c", "h1", {**port(1), "mac_address": "fa:16:3e:ff:ff:ff"}), other)
    assert losses(answer) == {"b": "InstanceExists", "c": "PortInUse"}
    assert answer["lost"][0]["error"]["message"] == "the name db in project p is reserved for server a, for 110 s at most"
    assert [held["server"] for held in answer["granted"]] == ["elsewhere"]


def test_a_server_is_granted_whole_or_loses_whole(registrar: Registrar) -> None:
    """The IPv4 address of a server that gets no IPv6 address is the next one's."""
    pools = {"v4": pool("192.0.2.10", "192.0.2.10"), "v6": {**DUAL["v6"], "free": []}}
    answer = registrar.reserve(registrar.begin(), server("a", "h1", port(1, ["v4"], ["v6"])), server("b", "h1", port(2, ["v4"])), pools=pools)
    assert losses(answer) == {"a": "NoMoreFixedIps"}
    assert addresses(answer) == {"b": ["192.0.2.10"]}
    assert [held["server"] for held in registrar.held()] == ["b"]


def test_one_server_gets_no_address_twice(registrar: Registrar) -> None:
    answer = registrar.reserve(
        registrar.begin(),
        server("a", "h1", port(1, ["v4"], ["v4"]), port(2, ["v4"])),
        server("b", "h1", port(3, "198.51.100.1"), port(4, "198.51.100.1")),
        pools=FEW,
    )
    assert addresses(answer) == {"a": ["192.0.2.10", "192.0.2.11", "192.0.2.12"]}
    assert losses(answer) == {"b": "FixedIpAlreadyInUse"}


def test_the_same_request_again_has_the_same_answer_with_a_later_deadline(registrar: Registrar) -> None:
    ticket = registrar.begin()
    servers = [server("a", "h1", port(1, ["v4"], ["v6"])), server("b", "h2", port(2, ["v4"], ["v6"]))]
    first = registrar.reserve(ticket, *servers, pools=DUAL)
    registrar.now += 5
    again = registrar.reserve(ticket, *reversed(servers), pools=DUAL)
    assert addresses(again) == addresses(first)
    assert {held["deadline"] for held in again["granted"]} == {registrar.now + CLAIM_S}
    assert len(registrar.held()) == 2


def test_a_retry_takes_addresses_along_to_another_host_and_another_segment(registrar: Registrar) -> None:
    ticket = registrar.begin()
    nets = {host: pool("192.0.2.10", "192.0.2.12", segment=f"{host}/net") for host in ("h1", "h2")}
    registrar.reserve(ticket, server("a", "h1", port(1, ["h1"], segment="h1/net")), server("b", "h1", port(2, ["h1"], segment="h1/net")), pools=nets)
    answer = registrar.reserve(ticket, server("c", "h2", port(3, ["h2"], segment="h2/net")), server("b", "h2", port(2, ["h2"], segment="h2/net")), pools=nets)
    assert addresses(answer) == {"c": ["192.0.2.10"], "b": ["192.0.2.11"]}
    assert {(held["server"], held["host"]) for held in registrar.held()} == {("a", "h1"), ("b", "h2"), ("c", "h2")}


def test_an_address_that_others_took_while_it_was_free_is_not_had_again(registrar: Registrar) -> None:
    """The claim was settled, its build undone: meanwhile another run's facts had the address free."""
    ticket = registrar.begin()
    registrar.reserve(ticket, server("a", "h1", port(1, ["v4"])), pools=FEW)
    registrar.settle(ticket, claimed=["a"])
    registrar.reserve(registrar.begin(), server("b", "h1", port(2, ["v4"])), pools=FEW)
    answer = registrar.reserve(ticket, server("a", "h2", port(1, ["v4"])), pools=FEW)
    assert addresses(answer) == {"a": ["192.0.2.11"]}


def test_servers_of_one_retry_may_change_places(registrar: Registrar) -> None:
    ticket = registrar.begin()
    groups = {"g": group("anti-affinity")}
    registrar.reserve(ticket, server("a", "h1", group="g"), server("b", "h2", group="g"), groups=groups)
    answer = registrar.reserve(ticket, server("a", "h2", group="g"), server("b", "h1", group="g"), groups=groups)
    assert len(answer["granted"]) == 2


def test_a_server_that_loses_holds_nothing_any_more(registrar: Registrar) -> None:
    ticket = registrar.begin()
    registrar.reserve(ticket, server("a", "h1", port(1, ["v4"])), pools=FEW)
    registrar.reserve(registrar.begin(), server("b", "h2", group="g"), groups={"g": group("anti-affinity")})
    answer = registrar.reserve(ticket, server("a", "h2", port(1, ["v4"]), group="g"), pools=FEW, groups={"g": group("anti-affinity")})
    assert losses(answer) == {"a": "GroupAffinityViolation"}
    assert [held["server"] for held in registrar.held()] == ["b"]


def test_one_server_in_the_hands_of_two_runs_is_in_its_own_way_on_another_host_only(registrar: Registrar) -> None:
    one, two = registrar.begin(), registrar.begin()
    registrar.reserve(one, server("a", "h1", port(1, "192.0.2.10")))
    elsewhere = registrar.reserve(two, server("a", "h2", port(1, "192.0.2.10")))
    assert elsewhere["lost"][0]["error"]["message"] == "server a is reserved on host h1 by another run"
    assert addresses(registrar.reserve(two, server("a", "h1", port(1, "192.0.2.10")))) == {"a": ["192.0.2.10"]}
    # The second run gives up nothing of the first one's.
    registrar.settle(two, absent=["a"])
    assert losses(registrar.reserve(registrar.begin(), server("b", "h1", name="a"))) == {"b": "InstanceExists"}


@pytest.mark.parametrize(("used", "granted"), [(0, 3), (2, 2), (5, 0)])
def test_a_quota_counts_facts_and_reservations_of_all_runs(registrar: Registrar, used: int, granted: int) -> None:
    registrar.reserve(registrar.begin(), server("mine", amounts={"cores": 1}), {**server("others"), "project": "q", "amounts": {"cores": 9}})
    asked = [server(name, amounts={"cores": 2}) for name in "abc"]
    answer = registrar.reserve(registrar.begin(), *asked, quotas=quota(7, used))
    assert len(answer["granted"]) == granted
    if used:
        why = answer["lost"][0]["error"]["message"]
        assert why == f"quota of project p exceeded for cores: requested 2, already used or reserved {used + 1 + 2 * granted} of 7"


def test_the_groups_of_a_project_are_counted_once_each_by_facts_and_reservations_of_all_runs(registrar: Registrar) -> None:
    groups = {name: group("soft-affinity") for name in ("shown", "theirs", "ours", "one more")}
    theirs = [server("a", group="theirs"), server("b", group="theirs"), {**server("c", group="one more"), "project": "q"}]
    registrar.reserve(registrar.begin(), *theirs, groups=groups)
    asked = [server(f"in {name} {number}", group=name) for name in ("shown", "theirs", "ours", "one more") for number in (1, 2)]
    answer = registrar.reserve(
        registrar.begin(), *asked, server("in none"), groups=groups, quotas=quota(3, 1, "server_groups"), project_groups={"p": ["shown"]}
    )
    assert losses(answer) == {"in one more 1": "ServerGroupLimitExceeded", "in one more 2": "ServerGroupLimitExceeded"}
    assert answer["lost"][0]["error"]["message"] == "quota of project p exceeded for server_groups: requested 1, already used or reserved 3 of 3"


def test_no_limit_refuses_nothing_and_ports_have_their_own_error(registrar: Registrar) -> None:
    asked = server("a", amounts={"cores": 5, "ports": 2})
    assert registrar.reserve(registrar.begin(), asked, quotas=quota(-1, 99))["granted"]
    both = {"p": {**quota(1)["p"], **quota(1, resource="ports")["p"]}}
    assert losses(registrar.reserve(registrar.begin(), {**asked, "uuid": "b", "name": "b"}, quotas=both)) == {"b": "PortLimitExceeded"}
    members = quota(0, resource="server_group_members of g by u")
    joining = server("c", amounts={"server_group_members of g by u": 1})
    assert losses(registrar.reserve(registrar.begin(), joining, quotas=members)) == {"c": "OverQuota"}


def test_a_server_that_the_facts_show_already_counts_once(registrar: Registrar) -> None:
    one, two = registrar.begin(), registrar.begin()
    registrar.reserve(one, server("a", amounts={"cores": 1}))
    registrar.settle(one, claimed=["a"])
    request = server("b", amounts={"cores": 1})
    assert registrar.reserve(two, request, quotas=quota(2, 1), seen=["a"])["granted"]
    assert losses(registrar.reserve(two, request, quotas=quota(2, 1))) == {"b": "TooManyInstances"}


def test_anti_affinity_holds_over_the_fleet_and_the_loser_learns_who_is_where(registrar: Registrar) -> None:
    groups = {"g": group("anti-affinity", 2, {"old": "h1"})}
    registrar.reserve(registrar.begin(), server("a", "h1", group="g"), server("b", "h2", group="g"), groups=groups)
    answer = registrar.reserve(registrar.begin(), server("c", "h1", group="g"), server("d", "h2", group="g"), groups=groups)
    assert [held["server"] for held in answer["granted"]] == ["d"]
    (lost,) = answer["lost"]
    assert (lost["error"]["error_class"], lost["error"]["reschedule"]) == ("GroupAffinityViolation", True)
    assert lost["error"]["message"] == "anti-affinity group the group allows 2 per host, 2 on host h1: a, old"
    assert (lost["member"], lost["host"]) == ("a", "h1")
    assert answer["members"] == {"g": {"old": "h1", "a": "h1", "b": "h2", "d": "h2"}}


def test_the_first_member_of_an_affinity_group_decides_for_all_runs(registrar: Registrar) -> None:
    groups = {"g": group("affinity")}
    answer = registrar.reserve(registrar.begin(), server("a", "h1", group="g"), server("b", "h1", group="g"), server("c", "h2", group="g"), groups=groups)
    assert losses(answer) == {"c": "GroupAffinityViolation"}
    other = registrar.reserve(registrar.begin(), server("d", "h2", group="g"), groups=groups)
    assert (other["lost"][0]["member"], other["lost"][0]["host"]) == ("a", "h1")
    assert other["lost"][0]["error"]["message"] == "affinity group the group lives on host h1 with member a, not on host h2"


def test_a_member_of_an_affinity_group_that_only_old_facts_show_keeps_nobody_from_the_others(registrar: Registrar) -> None:
    """A run with old facts must not go where the group was, when it lives elsewhere by now."""
    registrar.reserve(registrar.begin(), server("new", "h2", group="g"), groups={"g": group("affinity")})
    stale = {"g": group("affinity", members={"gone": "h1"})}
    answer = registrar.reserve(registrar.begin(), server("a", "h1", group="g"), server("b", "h2", group="g"), groups=stale)
    assert losses(answer) == {"a": "GroupAffinityViolation", "b": "GroupAffinityViolation"}


@pytest.mark.parametrize("policy", ["soft-affinity", "soft-anti-affinity"])
def test_a_soft_policy_refuses_nothing(registrar: Registrar, policy: str) -> None:
    groups = {"g": group(policy, members={"old": "h1"})}
    answer = registrar.reserve(registrar.begin(), *(server(name, host, group="g") for name, host in (("a", "h1"), ("b", "h1"), ("c", "h2"))), groups=groups)
    assert len(answer["granted"]) == 3


def test_a_grant_carries_its_deadline_and_its_host(registrar: Registrar) -> None:
    answer = registrar.reserve(registrar.begin(), server("a", "h2"))
    (held,) = answer["granted"]
    assert (held["host"], held["deadline"], held["expires"]) == ("h2", registrar.now + CLAIM_S, registrar.now + CLAIM_S + SKEW_S)
    assert answer["ticket"]["deadline"] == registrar.now + LASTS_S
