# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who counts as a member of a security group by what hosts have said, in whichever order."""

from __future__ import annotations

import json
import typing as t

import hypothesis
import pytest
from hypothesis import strategies as st

from ansible_collections.kvmfleet.compute.plugins.module_utils.errors import ServerError
from ansible_collections.kvmfleet.compute.plugins.module_utils.network.filters.names import rule_set_name
from ansible_collections.kvmfleet.compute.plugins.module_utils.network.ip_sets import as_written, to_add
from ansible_collections.kvmfleet.compute.plugins.module_utils.network.membership import (
    Membership,
    NoReport,
    read_membership,
    read_report,
    read_rules,
)
from ansible_collections.kvmfleet.compute.plugins.module_utils.shapes import FilterRule, MemberReport, Record
from ansible_collections.kvmfleet.compute.tests.unit import make

WEB, OTHER = "p/web", "p/other"


def report(host: str, number: int, *addresses: str, key: str = WEB) -> MemberReport:
    return read_report({"host": host, "number": number, "groups": {key: list(addresses)} if addresses else {}})


def server(number: int, address: str, *groups: str, **changes: t.Any) -> Record:
    port = make.port(fixed_ips=[make.fixed_ip(ip_address=address)], **changes)
    return make.record(make.numbered(number, ports=[port], project_id="p", security_groups=[{"id": name, "name": name} for name in groups]))


def wanting(*keys: str) -> Membership:
    made = Membership()
    made.want(keys)
    return made


def bring(kept: Membership, key: str, *rules: FilterRule) -> None:
    assert kept.bring(key, {"id": key, "name": key, "rules": list(rules)})


def test_a_host_says_who_of_its_own_is_in_which_group() -> None:
    pair = [{"mac_address": "fa:16:3e:00:00:09", "ip_address": "198.51.100.0/24"}]
    records = [
        server(1, "192.0.2.1", "web"),
        server(2, "192.0.2.2", "web", "other", allowed_address_pairs=pair),
        server(3, "192.0.2.3", "web", port_security_enabled=False),
    ]
    found = Membership().report("h1", records, 5)
    assert found == {"host": "h1", "number": 5, "groups": {WEB: ["192.0.2.1", "192.0.2.2", "198.51.100.0/24"], OTHER: ["192.0.2.2", "198.51.100.0/24"]}}


def test_who_is_about_to_be_deleted_is_in_no_group() -> None:
    one, two = server(1, "192.0.2.1", "web"), server(2, "192.0.2.2", "web")
    assert Membership(leaving=[one["uuid"]]).report("h1", [one, two], 1)["groups"] == {WEB: ["192.0.2.2"]}


def test_the_number_grows_though_the_clock_goes_back_and_though_all_was_lost() -> None:
    kept = Membership()
    assert [kept.report("h1", [], now)["number"] for now in (100, 50, 50, 1000)] == [100, 101, 102, 1000]
    assert Membership().report("h1", [], 1001)["number"] == 1001


def test_what_is_not_wanted_is_not_kept() -> None:
    kept = wanting(WEB)
    kept.take([report("h1", 1, "192.0.2.1"), report("h2", 1, "192.0.2.2", key=OTHER)])
    assert kept.members(WEB) == {"192.0.2.1/32"} and list(kept.wanted) == [WEB]


def test_a_group_that_is_wanted_later_gets_what_is_older_than_what_was_said_of_another() -> None:
    kept = wanting(WEB)
    both = read_report({"host": "h1", "number": 7, "groups": {WEB: ["192.0.2.1"], OTHER: ["192.0.2.2"]}})
    kept.take([{**both, "number": 8}])
    kept.want([OTHER])
    kept.take([both])
    assert kept.members(OTHER) == {"192.0.2.2/32"}


@hypothesis.given(st.permutations([(host, number) for host in ("h1", "h2") for number in range(1, 5)]), st.integers(0, 8))
def test_the_order_in_which_reports_arrive_does_not_matter(order: list[tuple[str, int]], twice: int) -> None:
    def said(host: str, number: int) -> MemberReport:
        # The last word of h2 is that it has none.
        return report(host, number, *([] if (host, number) == ("h2", 4) else [f"192.0.{host[1]}.{number}"]))

    kept = wanting(WEB)
    for host, number in [*order, *order[:twice]]:
        kept.take([said(host, number)])
    assert kept.members(WEB) == {"192.0.1.4/32"}


def test_a_host_that_is_gone_has_no_members_once_all_that_are_left_have_spoken() -> None:
    kept = wanting(WEB)
    kept.take([report("h1", 1, "192.0.2.1"), report("gone", 1, "192.0.2.2")])
    kept.keep_only({"h1"})
    assert kept.members(WEB) == {"192.0.2.1/32"}


def test_of_groups_without_a_filter_nothing_is_kept_nor_of_members_whom_no_rule_names() -> None:
    kept = wanting(WEB, OTHER, "p/gone")
    bring(kept, WEB, make.rule(remote_group="other"))
    bring(kept, "p/gone", make.rule(remote_group="gone"))
    bring(kept, "p/claimed")
    kept.forget_rules([rule_set_name(WEB, "IPv6", "egress"), "mine"], ["p/claimed", "p/unknown"])
    kept.forget_members()
    assert list(kept.rules) == [WEB, "p/claimed"] and list(kept.wanted) == [OTHER]


def test_sets_have_what_rules_say_and_the_addresses_of_members_of_the_same_project() -> None:
    kept = wanting(WEB, "q/web")
    kept.take([report("h1", 1, "192.0.2.1", "2001:db8::5", "2001:db8:1::/64"), report("h2", 1, "192.0.2.1")])
    kept.take([report("h3", 1, "192.0.2.3", key="q/web")])
    bring(kept, OTHER, make.rule(remote_group="web"), make.rule(ethertype="IPv6", remote_group="web", protocol="tcp", port_range_min=80, port_range_max=81))
    four, six, unknown = (rule_set_name(key, version, "ingress") for key, version in ((OTHER, "IPv4"), (OTHER, "IPv6"), (WEB, "IPv4")))
    assert kept.sets([four, six, unknown, "mine", f"{four}a"]) == {
        four: {f"{four}a", f"{four}p"},
        f"{four}a": {"192.0.2.1"},
        f"{four}p": set(),
        six: {f"{six}a", f"{six}p"},
        f"{six}a": set(),
        f"{six}p": {f"{who},tcp:{port}" for who in ("2001:db8::5", "2001:db8:1::/64") for port in (80, 81)},
    }
    assert kept.groups_of([six, unknown]) == [OTHER]


def test_types_of_icmp_are_listed_by_their_names() -> None:
    assert as_written("192.0.2.1,icmp:echo-request") == "192.0.2.1,icmp:8/0"
    assert as_written("::1,ipv6-icmp:echo-request") == "::1,icmpv6:128/0"
    assert as_written("::1,ipv6-icmp:139/0") == "::1,icmpv6:139/0"
    for entry in ("192.0.2.1,tcp:80", "192.0.2.0/24", "kvmfleet-4-aaaaaaaaaa-ia"):
        assert as_written(entry) == entry


def test_a_list_is_made_after_the_sets_that_it_has() -> None:
    made = to_add({"kvmfleet-6-aaaaaaaaaa-e": ["kvmfleet-6-aaaaaaaaaa-ea"], "kvmfleet-6-aaaaaaaaaa-ea": [], "kvmfleet-6-aaaaaaaaaa-ep": ["::1,tcp:80"]})
    assert made.splitlines() == [
        "create -exist kvmfleet-6-aaaaaaaaaa-ea hash:net family inet6 maxelem 1048576",
        "create -exist kvmfleet-6-aaaaaaaaaa-ep hash:net,port family inet6 maxelem 1048576",
        "add -exist kvmfleet-6-aaaaaaaaaa-ep ::1,tcp:80",
        "create -exist kvmfleet-6-aaaaaaaaaa-e list:set",
        "add -exist kvmfleet-6-aaaaaaaaaa-e kvmfleet-6-aaaaaaaaaa-ea",
    ]
    with pytest.raises(ValueError, match="no set of ours"):
        to_add({"mine": []})


def test_what_is_kept_is_read_again() -> None:
    kept = wanting(WEB)
    kept.report("h1", [], 9)
    kept.take([report("h1", 1, "192.0.2.1")])
    bring(kept, OTHER, make.rule(remote=["192.0.2.0/24"]), make.rule(protocol="tcp", port_range_min=80, port_range_max=80, remote_group="web"))
    assert read_membership(json.loads(json.dumps(kept.as_dict()))) == kept


@pytest.mark.parametrize(("version", "rules"), [(1, {}), (2, {"rules": {WEB: [make.rule()]}})])
def test_what_was_kept_when_rules_had_no_number_is_read_without_them(version: int, rules: dict[str, t.Any]) -> None:
    kept = {**wanting(WEB).as_dict(), "version": version}
    del kept["rules"]
    assert read_membership({**kept, **rules}) == wanting(WEB)


@pytest.mark.parametrize(
    "given",
    [None, [], {}, {"host": "h1", "number": "x", "groups": {}}, {"host": "h1", "number": 1, "groups": []}, {"host": "h1", "number": 1, "groups": {WEB: 5}}],
)
def test_what_is_no_report_is_refused(given: object) -> None:
    with pytest.raises(NoReport, match="this is no report"):
        read_report(given)


@pytest.mark.parametrize("number", [{}, {"number": {"fleet": 1, "local": 0, "digest": "d"}}])
def test_rules_are_read_as_they_were_given(number: dict[str, t.Any]) -> None:
    given: t.Any = {"id": "web", "name": "web", "rules": [make.rule(remote=["192.0.2.0/24"])], **number}
    assert read_rules(given) == given


@pytest.mark.parametrize(
    "changes",
    [
        {"id": None, "rules": None},
        {"rules": [{}]},
        {"rules": [make.rule(remote=["192.0.2.0/24; flush"])]},
        {"rules": "all"},
        {"number": 5},
        {"number": {"fleet": 1}},
    ],
)
def test_what_is_no_group_is_refused(changes: dict[str, t.Any]) -> None:
    with pytest.raises(ServerError, match="security_groups: these are no rules of a security group: "):
        read_rules({"id": "web", "name": "web", "rules": [], **changes})


@pytest.mark.parametrize("address", ["192.0.2.1\nflush kvmfleet-ipv4-0", "web", ""])
def test_what_is_no_address_is_refused(address: str) -> None:
    with pytest.raises(NoReport):
        read_report({"host": "h1", "number": 1, "groups": {WEB: [address]}})
