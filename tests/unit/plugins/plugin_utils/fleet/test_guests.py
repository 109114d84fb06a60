# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Servers as hosts of an inventory: under which name, in which groups, and at which address; a host can take nothing that is another's."""

from __future__ import annotations

import typing as t

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.kvmfleet.compute.plugins.plugin_utils.fleet.guests import Entries, entries_of, groups_of, guests_of
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.shapes import Fleet, FleetInstance, Guest
from ansible_collections.kvmfleet.compute.tests.unit import make


def record(name: str, uuid: str, address: str | None = "192.0.2.5", host: str = "h1", **changes: t.Any) -> FleetInstance:
    of_record = {key: changes.pop(key) for key in ("vm_state", "power_state", "migrating") if key in changes}
    ports = [make.port(fixed_ips=[make.fixed_ip(ip_address=address)])] if address else []
    made = make.fleet_record(make.web(**{"uuid": uuid, "display_name": name, "ports": ports, **changes}), host)
    whole: t.Any = {**made, **of_record}
    found: FleetInstance = whole
    return found


def fleet(*records: FleetInstance, **hosts: t.Any) -> Fleet:
    """A fleet of the hosts that the records name."""
    by_host: dict[str, list[FleetInstance]] = {}
    for item in records:
        by_host.setdefault(item["host"], []).append(item)
    entries: t.Any = {name: {"status": "ok", "error": None, "state": make.host(name, instances=found)} for name, found in by_host.items()}
    return {"version": 1, "hosts": {**entries, **hosts}, "aggregates": [make.zone("az9", "h1")]}


def entries(*records: FleetInstance, network: str | None = None, prefix: str = "", groups: t.Collection[str] = ("all",), **ids: t.Any) -> Entries:
    behind_hosts = ids.pop("behind_hosts", False)
    return entries_of(guests_of(fleet(*records)), make.inventory_names(prefix, groups, **ids), network, behind_hosts=behind_hosts)


def names(found: Entries) -> dict[str, str]:
    return {entry.guest["id"]: entry.name for entry in found.entries}


def test_a_server_has_its_name_its_address_and_its_groups() -> None:
    of = make.group(name="web apart")
    found = entries(record("web-1", "u1", tags=["ci", "a-b"], metadata={"role": "front end", "empty": ""}, group=of, availability_zone="az1"))
    (entry,) = found.entries
    assert (entry.name, entry.login.address, entry.is_there, found.warnings) == ("web-1", "192.0.2.5", False, [])
    assert entry.groups == [
        "kvmfleet_servers",
        "kvmfleet_project_p",
        "kvmfleet_host_h1",
        "kvmfleet_zone_az1",
        "kvmfleet_group_web_apart",
        "kvmfleet_tag_ci",
        "kvmfleet_tag_a_b",
        "kvmfleet_metadata_role_front_end",
        "kvmfleet_metadata_empty",
    ]
    assert (entry.guest["state"], entry.guest["flavor"], entry.guest["image"]) == ("ACTIVE", "small", "debian")


def test_they_are_in_the_order_of_their_names() -> None:
    of_one_host = [record(name, f"u{number}", address=f"192.0.2.{number + 5}") for number, name in enumerate(["web-2", "db", "web-1"])]
    assert [entry.name for entry in entries(*of_one_host).entries] == ["db", "web-1", "web-2"]


def test_the_zone_is_that_of_the_hypervisor_if_the_record_has_none() -> None:
    assert entries(record("web", "u1", availability_zone=None)).entries[0].guest["zone"] == "az9"


def test_what_is_being_built_or_comes_by_a_migration_is_not_there_yet() -> None:
    found = entries(record("a", "u1", vm_state="building"), record("b", "u2", migrating=True, host="h2"), record("b", "u2"))
    assert names(found) == {"u2": "b"}
    assert found.entries[0].guest["host"] == "h1"


def test_servers_of_one_name_give_it_up_aloud() -> None:
    found = entries(record("web", "u1"), record("web", "u2", "192.0.2.6", project_id="ci"), record("db", "u3", "192.0.2.7"))
    assert names(found) == {"u1": "p_web", "u2": "ci_web", "u3": "db"}
    assert found.warnings == [
        "server 'web' of project 'p' on host h1 is p_web in the inventory: 2 servers would be web",
        "server 'web' of project 'ci' on host h1 is ci_web in the inventory: 2 servers would be web",
    ]


def test_servers_of_one_name_and_project_have_their_ids_behind_them() -> None:
    # One of them may be a lie: neither gets the name that somebody's play has in mind.
    found = entries(record("web", "u1"), record("web", "u2", "192.0.2.6", host="h2"))
    assert names(found) == {"u1": "p_web_u1", "u2": "p_web_u2"}


@pytest.mark.parametrize("name", ["h1", "all", "localhost", "kvmfleet_servers", "kvmfleet_tag_ci", "static"])
def test_a_name_that_is_taken_is_not_taken_again(name: str) -> None:
    found = entries(record(name, "u1", tags=["ci"]), static=None)
    assert names(found) == {"u1": f"p_{name}"}
    assert len(found.warnings) == 1


def test_with_a_prefix_they_keep_their_names() -> None:
    assert entries(record("h1", "u1"), prefix="vm-", static=None) == Entries([*entries(record("h1", "u1"), prefix="vm-").entries], [])
    assert names(entries(record("h1", "u1"), prefix="vm-")) == {"u1": "vm-h1"}


def test_a_host_that_is_there_with_the_server_s_id_is_the_server() -> None:
    found = entries(record("static", "u1"), static="u1")
    assert [(entry.name, entry.is_there) for entry in found.entries] == [("static", True)]


@pytest.mark.parametrize(("name", "expected"), [("My server: 1", "My_server__1"), ("-x", "_x"), ("a\nb\x1b[31m", "a_b__31m"), ("größe", "größe")])
def test_names_can_be_written_in_patterns_and_shown(name: str, expected: str) -> None:
    assert names(entries(record(name, "u1"))) == {"u1": expected}


def test_one_id_on_two_hosts_is_nobody_s() -> None:
    found = entries(record("web", "u1"), record("web", "u1", "192.0.2.6", host="h2"), record("db", "u2", "192.0.2.7"))
    assert names(found) == {"u2": "db"}
    assert found.warnings == ["server 'u1' is on h1 and on h2: it is left out"]


@pytest.mark.parametrize("address", ["127.0.0.1", "::1", "0.0.0.0", "fe80::1", "::ffff:127.0.0.1", "224.0.0.1", "255.255.255.255", "192.0.2.10"])
def test_no_play_for_a_server_goes_to_the_controller_or_to_a_hypervisor(address: str) -> None:
    # 192.0.2.10 is what Ansible connects to for the hosts of this fleet.
    found = entries(record("web", "u1", address))
    assert found.entries == []
    assert address in found.warnings[0] and "left out" in found.warnings[1]


def test_an_address_of_two_servers_is_nobody_s() -> None:
    found = entries(record("web", "u1"), record("evil", "u2", host="h2"), record("db", "u3", "192.0.2.7"))
    assert names(found) == {"u3": "db"}
    assert "192.0.2.5" in found.warnings[0] and "h1" in found.warnings[0] and "h2" in found.warnings[0]


def test_behind_their_hosts_servers_may_share_an_address() -> None:
    found = entries(record("web", "u1"), record("db", "u2", host="h2"), record("a", "u3", "192.0.2.7"), record("b", "u4", "192.0.2.7"), behind_hosts=True)
    assert names(found) == {"u1": "web", "u2": "db"}
    assert len(found.warnings) == 1 and "192.0.2.7" in found.warnings[0]


def behind(name: str, uuid: str, number: int | None, host: str = "h1") -> FleetInstance:
    """A server on a network without privileges; without a number by slirp."""
    binding = make.user(ssh_port=number) if number else make.user("slirp")
    return record(name, uuid, host=host, ports=[make.port(network_name="user", binding=binding)])


def test_servers_that_only_their_host_reaches_are_at_its_ports() -> None:
    servers = (behind("a", "u1", 20000), behind("b", "u2", 20000, "h2"), behind("c", "u3", 20001), behind("d", "u4", 20001), behind("e", "u5", None))
    found = entries(*servers, network="user")
    assert {entry.guest["id"]: entry.login for entry in found.entries} == {"u1": ("127.0.0.1", 20000), "u2": ("127.0.0.1", 20000)}
    assert found.warnings == [
        "without an address in network user and left out: server 'e' of project 'p' on host h1",
        "port 20001 of host h1 is the address of several servers, which are left out: "
        "server 'c' of project 'p' on host h1, server 'd' of project 'p' on host h1",
    ]
    assert [address.get("ssh_port") for address in found.entries[0].guest["addresses"]["user"]] == [20000]


def test_the_address_is_that_of_the_network_ipv4_first() -> None:
    ports = [
        make.port(network_name="lan", fixed_ips=[make.fixed_ip(ip_address="2001:db8::5", version=6), make.fixed_ip(ip_address="192.0.2.5")]),
        make.port(network_name="mgmt", fixed_ips=[make.fixed_ip(ip_address="198.51.100.5")]),
    ]
    of = record("web", "u1", ports=ports)
    assert [entries(of, network=network).entries[0].login.address for network in (None, "lan", "mgmt")] == ["192.0.2.5", "192.0.2.5", "198.51.100.5"]
    found = entries(of, record("bare", "u2", None), network="other")
    assert found.entries == []
    assert found.warnings == [
        "without an address in network other and left out: server 'web' of project 'p' on host h1, server 'bare' of project 'p' on host h1"
    ]


def test_hosts_that_could_not_be_read_are_told() -> None:
    entry: t.Any = {"status": "unreachable", "error": "no route", "state": None}
    assert guests_of(fleet(h7=entry))["unread"] == {"h7": "no route"}


SOME = st.sampled_from(["a", "b", "a_a", "p_a", "h1", "all", "a b"])


@given(st.lists(st.tuples(SOME, st.sampled_from(["p", "a", "p_a"]), st.sampled_from(["u1-aaaaa", "u2", "u3", "u1-aaaab"])), max_size=6))
def test_no_two_servers_have_one_name_and_none_that_is_taken(given_servers: list[tuple[str, str, str]]) -> None:
    records = [record(name, uuid, f"192.0.2.{20 + number}", project_id=project) for number, (name, project, uuid) in enumerate(given_servers)]
    found = entries(*records, groups=("all", "ungrouped"), static=None)
    called = [entry.name for entry in found.entries]
    assert len(set(called)) == len(called)
    assert not {"h1", "all", "static"} & set(called)
    assert {guest for _n, _p, guest in given_servers} >= set(names(found))


@given(st.text(), st.text(), st.dictionaries(st.text(), st.text()))
def test_groups_have_plain_names(project: str, tag: str, metadata: dict[str, str]) -> None:
    made: Guest = guests_of(fleet(record("web", "u1")))["guests"][0]
    groups = groups_of({**made, "project": project, "tags": [tag], "metadata": metadata})
    assert all(group.isascii() and group.isidentifier() and group.startswith("kvmfleet_") and len(group) <= 100 for group in groups)
