"""Which rules hosts get of the catalogue's security groups."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.kvmfleet.compute.plugins.module_utils.shapes import Port
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.conductor.group_rules import group_rules, prefixes
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.shapes import EnforcedGroup, RoundServer
from ansible_collections.kvmfleet.compute.tests.unit import make
from ansible_collections.kvmfleet.compute.tests.unit.plugins.plugin_utils.api.stage import CATALOGUE, asked, check, fleet_of, rules

WEB = {"direction": "ingress", "protocol": "tcp", "port_range_min": 80, "port_range_max": 80}
Short = tuple[str, str, str | None, str | None]


def groups_of(catalogue: dict[str, t.Any], *names: str, **context: t.Any) -> dict[str, EnforcedGroup]:
    """The groups of a server in these of the catalogue, by name."""
    found = check(asked(security_groups=[{"name": name} for name in names]), catalogue={**CATALOGUE, "security_groups": catalogue}, **context)
    assert found["errors"] == []
    return {group["name"]: group for group in found["security_groups"]}


def short(groups: dict[str, EnforcedGroup], name: str) -> list[Short]:
    names = {group["id"]: group["name"] for group in groups.values()}
    return [(rule["direction"], rule["ethertype"], rule["protocol"], names.get(rule["remote_group"] or "")) for rule in groups[name]["rules"]]


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


def test_a_rule_names_a_group_that_no_server_of_the_run_is_in() -> None:
    groups = groups_of({"web": {"rules": [WEB]}, "db": {"rules": [{"direction": "ingress", "remote_group": "web"}]}}, "db")
    assert short(groups, "db") == [*OUT, ("ingress", "IPv4", None, "web")]
    # Its members count, its rules are for hosts with servers in it.
    assert groups["web"]["rules"] == []


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        ({"protocol": "gre"}, "its rule 1 can't be enforced: libvirt's network filters don't know protocol gre of IPv4, but ah, esp, icmp"),
        ({"protocol": 47}, "protocol 47 of IPv4"),
        ({"protocol": "igmp", "ethertype": "IPv6"}, "protocol igmp of IPv6"),
        ({"protocol": "udplite", "port_range_min": 1, "port_range_max": 2}, "don't know ports of udplite"),
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


def record(name: str, address: str, **changes: t.Any) -> t.Any:
    port = make.port(id=f"port of {name}", mac_address=f"fa:16:3e:00:01:{address[-1]}0", fixed_ips=[make.fixed_ip(ip_address=address)], **changes)
    group = groups_of({"web": {}}, "web")["web"]
    return {"name": name, "ports": [port], "security_groups": [{"id": group["id"], "name": "web"}]}


def test_members_are_the_servers_of_the_project_whose_ports_are_filtered() -> None:
    there = [
        record("one", "192.0.2.101"),
        record("pair", "192.0.2.102", allowed_address_pairs=[{"mac_address": "fa:16:3e:00:01:20", "ip_address": "198.51.100.0/24"}]),
        record("open", "192.0.2.103", port_security_enabled=False),
        {**record("stranger", "192.0.2.104"), "project": "other"},
    ]
    made = [
        make.fleet_record(
            make.web(
                uuid=f"00000000-0000-4000-8000-00000000010{number}",
                display_name=item["name"],
                ports=item["ports"],
                security_groups=item["security_groups"],
                project_id=item.get("project", "p"),
            )
        )
        for number, item in enumerate(there)
    ]
    groups = groups_of({"web": {}}, "web", fleet=fleet_of(*made))
    assert groups["web"]["members"] == ["192.0.2.101", "192.0.2.102", "198.51.100.0/24"]


def group(name: str, *members: str, remote: str | None = None, prefix: str | None = None) -> EnforcedGroup:
    rule = {
        "direction": "ingress",
        "ethertype": "IPv4",
        "protocol": None,
        "port_range_min": None,
        "port_range_max": None,
        "remote_ip_prefix": prefix,
        "remote_group": remote,
    }
    return t.cast(EnforcedGroup, {"id": name, "name": name, "rules": [rule], "members": list(members)})


def server(status: str, address: str, action: str = "build") -> RoundServer:
    ports: list[Port] = [make.port(fixed_ips=[make.fixed_ip(ip_address=address)])]
    placed = make.placed(make.web(ports=ports, security_groups=[{"id": "web", "name": "web"}]))
    return t.cast(RoundServer, {"placed": {**placed, "action": action}, "status": status})


def test_a_rule_for_a_group_has_the_addresses_of_its_members_there_and_on_their_way() -> None:
    servers = [server("claimed", "192.0.2.2"), server("failed", "192.0.2.9"), server("claimed", "192.0.2.77", "start")]
    (found,) = group_rules([group("web", "192.0.2.3", "192.0.2.8", remote="web")], servers)
    assert found["rules"][0]["remote"] == ["192.0.2.2/31", "192.0.2.8/32"]


def test_a_rule_for_a_prefix_has_it_without_host_bits_and_one_for_all_has_none() -> None:
    found = group_rules([group("a", prefix="192.0.2.9/24"), group("b"), group("c", remote="c")], [])
    assert [item["rules"][0]["remote"] for item in found] == [["192.0.2.0/24"], None, []]


def test_addresses_of_the_other_ip_version_are_left_out() -> None:
    assert prefixes(["192.0.2.1", "2001:db8::1", "2001:db8::/32"], 6) == ["2001:db8::/32"]
