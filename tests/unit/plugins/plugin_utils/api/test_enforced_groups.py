"""Which rules hosts get of the catalogue's security groups."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.kvmfleet.compute.plugins.module_utils.network.rules_number import digest
from ansible_collections.kvmfleet.compute.plugins.module_utils.shapes import GroupRules
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.api.group_numbers import rules_for
from ansible_collections.kvmfleet.compute.tests.unit import make
from ansible_collections.kvmfleet.compute.tests.unit.plugins.plugin_utils.api.stage import CATALOGUE, asked, check, fleet_of, rules

WEB = {"direction": "ingress", "protocol": "tcp", "port_range_min": 80, "port_range_max": 80}
Short = tuple[str, str, str | None, str | None]


def groups_of(catalogue: dict[str, t.Any], *names: str, **context: t.Any) -> dict[str, GroupRules]:
    """The groups of a server in these of the catalogue, by name."""
    found = check(asked(security_groups=[{"name": name} for name in names]), catalogue={**CATALOGUE, "security_groups": catalogue}, **context)
    assert found["errors"] == []
    return {group["name"]: group for group in found["security_groups"]}


def short(groups: dict[str, GroupRules], name: str) -> list[Short]:
    names = {group["id"]: group["name"] for group in groups.values()}
    rules = groups[name]["rules"]
    return [(rule["direction"], rule["ethertype"], rule["protocol"], names.get(rule["remote_group"] or "", rule["remote_group"])) for rule in rules]


OUT = [("egress", "IPv4", None, None), ("egress", "IPv6", None, None)]


def test_the_default_group_is_neutrons() -> None:
    for catalogue in ({}, {"default": {}}):
        groups = groups_of(catalogue, "default")
        assert short(groups, "default") == [*OUT, ("ingress", "IPv4", None, "default"), ("ingress", "IPv6", None, "default")]


def test_a_server_that_names_no_group_is_in_the_default_one() -> None:
    assert [group["name"] for group in check(asked())["security_groups"]] == ["default"]


def test_a_direction_with_rules_has_these_alone() -> None:
    assert short(groups_of({"web": {"rules": [WEB]}}, "web"), "web") == [*OUT, ("ingress", "IPv4", "tcp", None)]
    closed = {"direction": "egress", "protocol": 17, "ethertype": "IPv6"}
    assert short(groups_of({"default": {"rules": [closed]}}, "default"), "default") == [
        ("ingress", "IPv4", None, "default"),
        ("ingress", "IPv6", None, "default"),
        ("egress", "IPv6", "udp", None),
    ]


def test_a_rule_names_a_group_by_its_id_whether_or_not_a_server_of_the_run_is_in_it() -> None:
    web = groups_of({"web": {"rules": [WEB]}}, "web")["web"]["id"]
    groups = groups_of({"web": {"rules": [WEB]}, "db": {"rules": [{"direction": "ingress", "remote_group": "web"}]}}, "db")
    assert list(groups) == ["db"]
    assert short(groups, "db") == [*OUT, ("ingress", "IPv4", None, web)]


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        ({"protocol": "gre"}, "its rule 1 can't be enforced: libvirt's network filters don't know protocol gre of IPv4, but ah, esp, icmp"),
        ({"protocol": 47}, "protocol 47 of IPv4"),
        ({"protocol": "igmp", "ethertype": "IPv6"}, "protocol igmp of IPv6"),
        ({"protocol": "udplite", "port_range_min": 1, "port_range_max": 2}, "don't know ports of udplite"),
        ({"protocol": "udplite", "remote_group": "odd"}, "its rule 1 can't be enforced: IP sets don't know ports of udplite"),
        ({"protocol": "tcp", "remote_group": "odd"}, "with a remote_group a rule of tcp has at most 128 ports, not 65536; without a protocol it lets"),
        ({"protocol": "udp", "remote_group": "odd", "port_range_min": 1, "port_range_max": 129}, "at most 128 ports, not 129"),
    ],
)
def test_what_hosts_cannot_enforce_is_refused(rule: dict[str, t.Any], words: str) -> None:
    catalogue = {**CATALOGUE, "security_groups": {"odd": {"rules": [{"direction": "ingress", **rule}]}}}
    result = check(asked(security_groups=[{"name": "odd"}]), catalogue=catalogue)
    assert rules(result) == [("servers[0].security_groups[0].name", "SecurityGroupCannotBeApplied")]
    assert words in result["errors"][0]["message"]
    assert check(asked(), catalogue=catalogue)["errors"] == []


@pytest.mark.parametrize("protocol", ["tcp", "6", 6, "any", None, "ipv6-icmp", "icmp", 58, 0])
def test_a_protocol_is_the_same_by_name_and_number(protocol: object) -> None:
    rule = {"direction": "ingress", "ethertype": "IPv6", "protocol": protocol}
    names = {"tcp": "tcp", "6": "tcp", "any": None, "None": None, "0": None, "ipv6-icmp": "icmp", "icmp": "icmp", "58": "icmp"}
    assert short(groups_of({"web": {"rules": [rule]}}, "web"), "web")[-1] == ("ingress", "IPv6", names[str(protocol)], None)


def test_a_rule_for_a_prefix_has_it_without_host_bits() -> None:
    rules = [{"direction": "ingress", "remote_ip_prefix": "192.0.2.9/24"}, {"direction": "ingress"}]
    groups = groups_of({"web": {"rules": rules}}, "web")
    assert [rule["remote"] for rule in groups["web"]["rules"][2:]] == [["192.0.2.0/24"], None]


@pytest.mark.parametrize(
    ("rules", "wanted", "concerned"),
    [
        ([WEB], [], False),
        ([WEB], ["p/other", "other/{web}"], False),
        ([WEB], ["p/{web}"], True),
        ([{"direction": "ingress", "remote_group": "web"}], [], True),
    ],
)
def test_hosts_are_asked_for_members_if_a_rule_here_or_there_names_a_group(rules: list[dict[str, t.Any]], wanted: list[str], concerned: bool) -> None:
    catalogue = {**CATALOGUE, "security_groups": {"web": {"rules": rules}}}
    web = groups_of({"web": {}}, "web")["web"]["id"]
    fleet = fleet_of()
    state = fleet["hosts"]["h1"]["state"]
    assert state is not None
    state["networks"] = {**make.networks(), "wanted_groups": [key.format(web=web) for key in wanted]}
    found = check(asked(security_groups=[{"name": "web"}]), catalogue=catalogue, fleet=fleet)
    assert found["errors"] == [] and found["member_groups"] == ([f"p/{web}"] if concerned else [])


def test_a_server_without_a_filtered_port_is_in_no_group_that_counts() -> None:
    networks = {"lan": {**CATALOGUE["networks"]["lan"], "port_security_enabled": False}}
    for found in (check(asked(networks="none")), check(asked(), catalogue={**CATALOGUE, "networks": networks})):
        assert (found["errors"], found["security_groups"], found["member_groups"]) == ([], [], [])


def test_a_host_that_does_not_filter_as_it_must_is_said_and_named() -> None:
    fleet = fleet_of()
    state = fleet["hosts"]["h1"]["state"]
    assert state is not None
    state["networks"] = {**make.networks(), "gaps": ["the kernel lacks rules for tap0 of server db"]}
    found = check(asked(), fleet=fleet)
    assert found["errors"] == [] and found["hosts_with_gaps"] == ["h1"]
    assert "host h1 does not filter its guests as it must: the kernel lacks rules for tap0 of server db; the next" in found["warnings"][0]


def seen(project: str = "p", **number: t.Any) -> tuple[GroupRules, GroupRules, list[str]]:
    """(the group web as the host gets it that has rules with this number, as one gets it that has none, a run's warnings)."""
    fleet = fleet_of()
    state = fleet["hosts"]["h1"]["state"]
    assert state is not None
    (web,) = groups_of({"web": {"rules": [WEB]}}, "web").values()
    state["networks"] = {**make.networks(), "rules_numbers": {f"{project}/{web['id']}": {"fleet": 3, "local": 1, "digest": digest(web["rules"]), **number}}}
    catalogue = {**CATALOGUE, "security_groups": {"web": {"rules": [WEB]}}}
    found = check(asked(security_groups=[{"name": "web"}]), catalogue=catalogue, fleet=fleet)
    (there,), (elsewhere,) = (list(rules_for(found["security_groups"], host)) for host in ("h1", "h2"))
    assert there["rules"] == elsewhere["rules"] == web["rules"]
    return there, elsewhere, found["warnings"]


def test_rules_that_a_host_has_keep_their_number_and_on_another_one_they_are_the_first() -> None:
    there, elsewhere, warnings = seen()
    assert there["number"] == {"fleet": 3, "local": 1, "digest": digest(there["rules"])}
    assert elsewhere["number"] == {"fleet": 0, "local": 1, "digest": digest(there["rules"])} and warnings == []


def test_rules_that_were_edited_get_the_next_number_and_who_has_others_is_said() -> None:
    there, _elsewhere, warnings = seen(digest="other")
    assert there["number"] == {"fleet": 3, "local": 2, "digest": digest(there["rules"])}
    assert "security group web has other rules on h1 than in the catalogue of this run: the playbook security_groups" in warnings[0]


def test_the_rules_of_another_project_are_nobodys_edit() -> None:
    there, _elsewhere, warnings = seen(project="q", digest="other")
    assert there["number"]["local"] == 2 and warnings == []


@pytest.mark.parametrize("fleet", [None, fleet_of(), fleet_of(status="unreachable")])
def test_where_it_is_not_known_what_hosts_have_rules_get_no_number(fleet: dict[str, t.Any] | None) -> None:
    found = check(asked(security_groups=[{"name": "web"}]), fleet=fleet, unreachable_hosts="ignore")
    assert found["errors"] == [] and ["number" in group for group in rules_for(found["security_groups"], "h1")] == [False]
