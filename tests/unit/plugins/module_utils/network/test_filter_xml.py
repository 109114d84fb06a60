"""What a network filter says of a port and of a security group."""

from __future__ import annotations

import ipaddress
import typing as t
import xml.etree.ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.kvmfleet.compute.plugins.module_utils.filter_parser import parse_filter
from ansible_collections.kvmfleet.compute.plugins.module_utils.network.filters.group_filter import group_filter
from ansible_collections.kvmfleet.compute.plugins.module_utils.network.filters.names import (
    GROUP,
    PORT,
    RuleSet,
    filter_uuid,
    group_filter_name,
    group_key,
    group_tag,
    is_group_filter,
    port_filter_name,
    rule_set,
    rule_set_name,
)
from ansible_collections.kvmfleet.compute.plugins.module_utils.network.filters.port_filter import ethertypes, link_local, port_filter
from ansible_collections.kvmfleet.compute.plugins.module_utils.network.filters.services import services, stands_in_set
from ansible_collections.kvmfleet.compute.plugins.module_utils.network.filters.set_entries import entries, prefixes
from ansible_collections.kvmfleet.compute.plugins.module_utils.network.vif.table import vif_of
from ansible_collections.kvmfleet.compute.plugins.module_utils.shapes import FilterRule, GroupRules, Port
from ansible_collections.kvmfleet.compute.tests.unit import make
from ansible_collections.kvmfleet.compute.tests.unit.make import rule

MAC = "fa:16:3e:00:00:01"
SIX = make.fixed_ip(ip_address="2001:db8::5", version=6, cidr="2001:db8::/64")
# (action, direction, element, its attributes)
Line = tuple[str, str, str, dict[str, str]]


def lines(xml: str) -> list[Line]:
    """The rules of a filter in the order in which libvirt goes through them."""
    rules = sorted(ET.fromstring(xml).findall("rule"), key=lambda rule: int(rule.get("priority", "500")))
    return [(rule.get("action", ""), rule.get("direction", ""), rule[0].tag, dict(rule[0].attrib)) for rule in rules]


def group(*rules: FilterRule) -> GroupRules:
    return {"id": "g", "name": "g", "rules": list(rules)}


def looks(ethertype: str) -> list[Line]:
    """The rules that every group has."""
    tag = {"IPv4": "all", "IPv6": "all-ipv6"}[ethertype]
    names = {direction: rule_set_name(group_key("g", "p"), ethertype, direction) for direction in ("ingress", "egress")}
    return [
        ("accept", "in", tag, {"ipset": names["ingress"], "ipsetflags": "src,dst"}),
        ("accept", "out", tag, {"ipset": names["egress"], "ipsetflags": "dst,dst"}),
    ]


@pytest.mark.parametrize(
    ("of", "expected"),
    [
        (rule(protocol="tcp", port_range_min=1, port_range_max=200), [("in", "tcp", {"dstportstart": "1", "dstportend": "200"})]),
        (
            rule(protocol="udp", remote=["192.0.2.1/32", "192.0.2.8/29", "0.0.0.0/0"]),
            [
                ("in", "udp", {"srcipaddr": "192.0.2.1", "srcipmask": "32"}),
                ("in", "udp", {"srcipaddr": "192.0.2.8", "srcipmask": "29"}),
                ("in", "udp", {}),
            ],
        ),
        (rule("egress", protocol="udplite", remote=["198.51.100.0/24"]), [("out", "udplite", {"dstipaddr": "198.51.100.0", "dstipmask": "24"})]),
        (rule("egress", protocol="udplite", remote=[]), []),
        (rule(protocol="icmp", port_range_min=3, port_range_max=4), [("in", "icmp", {"type": "3", "code": "4"})]),
        (rule(), []),
        (rule(protocol="tcp", port_range_min=80, port_range_max=207), []),
        (rule(protocol="icmp"), []),
        (rule(protocol="icmp", port_range_min=8), []),
        (rule(protocol="tcp", port_range_min=80, port_range_max=1000, remote_group="web"), []),
    ],
)
def test_the_filter_of_a_group_looks_into_its_sets_and_has_the_rules_that_these_cannot_say(
    of: FilterRule, expected: list[tuple[str, str, dict[str, str]]]
) -> None:
    assert lines(group_filter(group(of), "p", "IPv4")) == [*looks("IPv4"), *(("accept", *line) for line in expected)]
    assert lines(group_filter(group(of), "p", "IPv6")) == looks("IPv6")


@pytest.mark.parametrize(("protocol", "tag"), [("tcp", "tcp-ipv6"), ("udplite", "udplite-ipv6")])
def test_protocols_of_ipv6_have_other_names(protocol: str, tag: str) -> None:
    assert lines(group_filter(group(rule("egress", "IPv6", protocol=protocol)), "p", "IPv6"))[2:] == [("accept", "out", tag, {})]
    redirected = rule(ethertype="IPv6", protocol="icmp", port_range_min=137)
    assert lines(group_filter(group(redirected), "p", "IPv6"))[2:] == [("accept", "in", "icmpv6", {"type": "137"})]


def test_a_port_may_only_send_from_its_addresses() -> None:
    found = lines(port_filter(make.port(), [], "p"))
    sent = [line for line in found if line[1] == "out" and line[2] in ("arp", "ip", "ipv6", "mac", "vlan")]
    own = {"srcmacaddr": MAC, "srcipaddr": "192.0.2.5", "srcipmask": "32"}
    arp = {"srcmacaddr": MAC, "arpsrcmacaddr": MAC, "arpsrcipaddr": "192.0.2.5", "arpsrcipmask": "32"}
    assert sent[0] == ("drop", "out", "ip", {"protocol": "udp", "srcportstart": "67", "dstportstart": "68"})
    assert ("accept", "out", "ip", own) in sent and ("accept", "out", "arp", arp) in sent
    assert all(line[3].get("srcmacaddr") == MAC for line in sent if line[0] == "accept")
    assert found[-1] == ("drop", "inout", "mac", {})


def test_what_no_rule_lets_through_is_dropped() -> None:
    found = lines(port_filter(make.port(fixed_ips=[make.fixed_ip(), SIX]), ["g"], "p"))
    assert [line for line in found if line[1] == "inout" and line[0] == "drop"] == [("drop", "inout", tag, {}) for tag in ("all", "all-ipv6", "mac")]
    # After what groups let through.
    element = ET.fromstring(port_filter(make.port(), ["g"], "p"))
    drops = [int(rule.get("priority", "")) for rule in element.findall("rule") if rule.get("action") == "drop" and rule.get("direction") == "inout"]
    assert all(500 < priority <= 1000 for priority in drops)


def test_nobody_is_a_router_or_a_dhcp_server() -> None:
    found = lines(port_filter(make.port(fixed_ips=[SIX]), [], "p"))
    dropped = [line[3] for line in found if line[:3] == ("drop", "out", "ipv6")]
    assert dropped == [
        {"protocol": "icmpv6", "type": "134"},
        {"protocol": "icmpv6", "type": "137"},
        {"protocol": "udp", "srcportstart": "547", "dstportstart": "546"},
    ]
    assert found[: len(dropped)] == [("drop", "out", "ipv6", attributes) for attributes in dropped]


@pytest.mark.parametrize(("ips", "spoken"), [([make.fixed_ip()], ["IPv4"]), ([SIX], ["IPv6"]), ([make.fixed_ip(), SIX], ["IPv4", "IPv6"]), ([], [])])
def test_a_port_speaks_the_ip_versions_of_its_addresses(ips: list[t.Any], spoken: list[str]) -> None:
    port = make.port(fixed_ips=ips)
    assert ethertypes(port) == spoken
    xml = port_filter(port, ["g"], "p")
    assert parse_filter(xml)["refers_to"] == [group_filter_name("g", "p", ethertype) for ethertype in spoken]
    tags = {line[2] for line in lines(xml)}
    assert ("ip" in tags, "all" in tags) == ("IPv4" in spoken,) * 2 and ("ipv6" in tags, "all-ipv6" in tags) == ("IPv6" in spoken,) * 2


def test_an_address_pair_is_as_good_as_an_own_address() -> None:
    pairs = [{"mac_address": "00:00:5e:00:01:01", "ip_address": "192.0.2.0/28"}, {"mac_address": MAC, "ip_address": "2001:db8::/64"}]
    port = make.port(allowed_address_pairs=pairs)
    found = lines(port_filter(port, [], "p"))
    assert ("accept", "out", "ip", {"srcmacaddr": "00:00:5e:00:01:01", "srcipaddr": "192.0.2.0", "srcipmask": "28"}) in found
    assert ("accept", "out", "ipv6", {"srcmacaddr": MAC, "srcipaddr": "2001:db8::", "srcipmask": "64"}) in found
    assert ethertypes(port) == ["IPv4", "IPv6"]


def test_the_link_local_address_follows_from_the_mac_address() -> None:
    assert link_local("fa:16:3e:00:00:01") == "fe80::f816:3eff:fe00:1"


def test_the_interface_of_a_port_refers_to_its_filter_if_it_has_port_security() -> None:
    for secured in (True, False):
        port = make.port(port_security_enabled=secured)
        found = vif_of(port["binding"]).element(port, "virtio").findall("filterref")
        assert [reference.attrib for reference in found] == ([{"filter": port_filter_name(port["id"])}] if secured else [])


def test_a_project_has_groups_of_its_own() -> None:
    names = {group_filter_name(group_id, project, ethertype) for group_id in "ab" for project in "pq" for ethertype in ("IPv4", "IPv6")}
    assert len(names) == 8


ADDRESSES = st.ip_addresses().map(str)
PORTS = st.builds(
    lambda uuid, ips, pairs: make.port(
        id=str(uuid),
        fixed_ips=[make.fixed_ip(ip_address=ip) for ip in ips],
        allowed_address_pairs=[{"mac_address": MAC, "ip_address": ip} for ip in pairs],
    ),
    st.uuids(),
    st.lists(ADDRESSES, max_size=3),
    st.lists(st.builds(lambda ip, bits: str(ipaddress.ip_network(f"{ip}/{bits}", strict=False)), ADDRESSES, st.integers(0, 32)), max_size=2),
)


@given(PORTS, st.lists(st.uuids().map(str), max_size=3), st.text(max_size=5))
def test_every_filter_is_marked_as_ours_and_names_ours_only(port: Port, groups: list[str], project: str) -> None:
    xml = port_filter(port, groups, project)
    found = parse_filter(xml)
    assert xml == port_filter(port, groups, project)
    assert found["name"] == f"{PORT}{port['id']}" and found["uuid"] == filter_uuid(found["name"])
    assert all(name.startswith(GROUP) and is_group_filter(name, filter_uuid(name)) for name in found["refers_to"])
    assert not is_group_filter(found["name"], found["uuid"])


@given(PORTS, st.lists(st.uuids().map(str), max_size=2))
def test_nothing_is_let_out_without_the_ports_mac_address_nor_into_it_by_default(port: Port, groups: list[str]) -> None:
    found = lines(port_filter(port, groups, "p"))
    frames = ("arp", "ip", "ipv6", "mac")
    assert all("srcmacaddr" in line[3] for line in found if line[:2] == ("accept", "out") and line[2] in frames)
    packets = [line for line in found if line[0] == "accept" and line[2] not in frames]
    assert all(line[3] for line in packets)


TYPES = st.none() | st.integers(0, 255)


ENDS = st.tuples(st.integers(0, 65535), st.integers(0, 65535)).map(sorted) | st.just([None, None])
RULES = st.builds(
    lambda direction, ethertype, may, everybody: rule(
        direction,
        ethertype,
        protocol=may[0],
        port_range_min=may[1],
        port_range_max=may[2],
        remote=None if everybody else [{"IPv4": "198.51.100.0/24", "IPv6": "2001:db8::/48"}[ethertype]],
    ),
    st.sampled_from(["ingress", "egress"]),
    st.sampled_from(["IPv4", "IPv6"]),
    st.sampled_from([None, "igmp", "esp", "ah", "udplite"]).map(lambda name: (name, None, None))
    | st.tuples(st.sampled_from(["tcp", "udp", "sctp"]), ENDS).map(lambda of: (of[0], *of[1]))
    | st.tuples(st.just("icmp"), TYPES, TYPES),
    st.booleans(),
)


@given(st.text(), st.text(), st.sampled_from(["IPv4", "IPv6"]), st.sampled_from(["ingress", "egress"]))
def test_a_set_has_a_name_that_the_kernel_takes_and_that_tells_what_is_in_it(group_id: str, project: str, ethertype: str, direction: str) -> None:
    key = group_key(group_id, project)
    of = rule_set(rule_set_name(key, ethertype, direction))
    assert of == RuleSet(ethertype, group_tag(key), direction)
    for kind in ("", "a", "p"):
        name = of._replace(kind=kind).name
        assert len(name) <= 31 and rule_set(name) == of._replace(kind=kind)


@pytest.mark.parametrize("name", ["kvmfleet-4-web", "kvmfleet-new-4", "mine", "kvmfleet-4-aaaaaaaaaa", "kvmfleet-4-aaaaaaaaaa-ix", "kvmfleet-5-aaaaaaaaaa-i"])
def test_a_set_of_another_name_is_somebody_elses(name: str) -> None:
    assert rule_set(name) is None


@pytest.mark.parametrize(
    ("protocol", "first", "last", "ethertype", "expected"),
    [
        (None, None, None, "IPv4", []),
        ("tcp", 80, 81, "IPv4", ["tcp:80", "tcp:81"]),
        ("udp", 53, 53, "IPv6", ["udp:53"]),
        # With what answers; of all types those that ask.
        ("icmp", 8, None, "IPv4", ["icmp:8/0", "icmp:0/0"]),
        ("icmp", 3, 4, "IPv4", ["icmp:3/4"]),
        ("icmp", 128, 0, "IPv6", ["icmpv6:128/0", "icmpv6:129/0"]),
        ("icmp", None, None, "IPv6", ["icmpv6:128/0", "icmpv6:139/0", "icmpv6:129/0", "icmpv6:140/0"]),
        ("esp", None, None, "IPv4", ["esp:0"]),
    ],
)
def test_a_set_has_what_a_rule_lets_through(protocol: str | None, first: int | None, last: int | None, ethertype: str, expected: list[str]) -> None:
    assert services(rule(ethertype=ethertype, protocol=protocol, port_range_min=first, port_range_max=last)) == expected


@pytest.mark.parametrize(
    ("of", "nets", "with_services"),
    [
        (rule(), {"0.0.0.0/1", "128.0.0.0/1"}, set()),
        (rule("egress"), set(), set()),
        (rule(ethertype="IPv6"), set(), set()),
        (rule(remote=[]), set(), set()),
        (rule(remote=["198.51.100.0/24", "192.0.2.1/32"]), {"198.51.100.0/24", "192.0.2.1"}, set()),
        (rule(protocol="tcp", port_range_min=80, port_range_max=80), set(), {"0.0.0.0/1,tcp:80", "128.0.0.0/1,tcp:80"}),
        (rule(protocol="tcp", port_range_min=80, port_range_max=1000), set(), set()),
        (rule(remote_group="web"), {"192.0.2.7"}, set()),
        (rule(protocol="tcp", port_range_min=80, port_range_max=81, remote_group="web"), set(), {"192.0.2.7,tcp:80", "192.0.2.7,tcp:81"}),
        (rule(remote_group="other"), set(), set()),
    ],
)
def test_a_set_has_who_a_rule_is_for(of: FilterRule, nets: set[str], with_services: set[str]) -> None:
    a_set = RuleSet("IPv4", "aaaaaaaaaa", "ingress")
    members = {"web": ["192.0.2.7", "2001:db8::7"]}
    found = entries(a_set, [of], lambda name: members.get(name, []))
    names = ["kvmfleet-4-aaaaaaaaaa-ia", "kvmfleet-4-aaaaaaaaaa-ip"]
    assert found == {names[0]: nets, names[1]: with_services, "kvmfleet-4-aaaaaaaaaa-i": set(names)}


@given(RULES)
def test_a_rule_stands_in_the_sets_or_in_the_filter(of: FilterRule) -> None:
    found = entries(RuleSet(of["ethertype"], "aaaaaaaaaa", of["direction"]), [of], lambda _name: [])
    in_sets = any(of_set for name, of_set in found.items() if name[-1] in "ap")
    assert in_sets == stands_in_set(of)
    assert in_sets != bool(lines(group_filter(group(of), "p", of["ethertype"]))[2:])


def test_a_prefix_that_every_address_has_is_two() -> None:
    assert prefixes(["0.0.0.0/0", "::/0"], 4) == {"0.0.0.0/1", "128.0.0.0/1"}
    assert prefixes(["0.0.0.0/0", "::/0"], 6) == {"::/1", "8000::/1"}


def test_what_libvirt_writes_of_a_filter_is_what_was_said() -> None:
    said = group_filter(group(rule(protocol="tcp", port_range_min=80, port_range_max=880)), "p", "IPv4")
    written = said.replace("action=", "priority='500' action=").replace("<rule", "\n  <rule").replace("<uuid>", "\n  <uuid>")
    assert said != written and parse_filter(written) == parse_filter(said)
    assert parse_filter(said)["sets"] == sorted(line[3]["ipset"] for line in looks("IPv4"))
    assert parse_filter(said.replace("src,dst", "dst,dst"))["content"] != parse_filter(said)["content"]
