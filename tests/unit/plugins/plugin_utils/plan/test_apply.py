# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A plan is built as it is, or every value that has changed is told; what a plan may be applied to again is what it has made."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.kvmfleet.compute.tests.unit import make
from ansible_collections.kvmfleet.compute.tests.unit.plugins.plugin_utils.api.stage import asked
from ansible_collections.kvmfleet.compute.tests.unit.plugins.plugin_utils.plan.world import World, fleet, host, where

Change = t.Callable[[World], None]


def test_the_servers_are_those_of_the_plan_whatever_the_scheduler_would_choose_now() -> None:
    world = World(asked(min_count=2), asked(name="db", networks=[{"name": "lan", "fixed_ip": "192.0.2.77"}, {"name": "lan"}]))
    planned = world.round(world.validated())
    world = World(*world.requests)
    plan = world.plan()
    assert [server["host"] for server in plan["servers"]] == ["h1", "h2", "h1"]
    # Two hosts that would be better, and an address that would be the first free one.
    world.fleet = fleet(host("h3", memory_mb=1024 * 1024), host("h1"), host("h2"))
    validated = world.apply(plan)
    assert validated["errors"] == []
    built = world.round(validated)
    assert [one[2] for one in where(built)] == ["h1", "h2", "h1"]
    assert where(built) == where(planned)
    assert [server["placed"]["instance"] for server in built["servers"].values()] == [server["instance"] for server in plan["servers"]]
    assert all(not server["placed"]["alternates"] for server in built["servers"].values()), "it goes nowhere else"
    assert not any(port["preexisting"] for *_name, ports in where(built) for port in ports), "a plan's port goes with its server"
    assert validated["notes"][0] == "the plan of 2026-01-01T00:00:00Z: 3 servers to build as planned"


def test_ids_are_those_of_the_plan() -> None:
    world = World(asked(name="…"))
    plan = world.plan()
    later = World(*world.requests)
    instance = plan["servers"][0]["instance"]
    # Another run draws another id.
    instance["uuid"], instance["reservation_id"] = "11111111-1111-4111-8111-111111111111", "r-planned"
    instance["hostname"], instance["domain_name"] = f"Server-{instance['uuid']}", "Server-11111111-1111-4111-8111-111111111111-11111111"
    validated = later.apply(plan)
    assert validated["errors"] == []
    assert validated["request_specs"][0]["instance_uuids"] == [instance["uuid"]]
    made = validated["instances"][0]["instance"]
    assert [made[key] for key in ("uuid", "reservation_id", "hostname", "domain_name")] == [
        instance[key] for key in ("uuid", "reservation_id", "hostname", "domain_name")
    ]


def test_a_plan_is_applied_again() -> None:
    world = World()
    plan = world.plan()
    built = world.round(world.apply(plan))
    world.build(built)
    validated = world.apply(plan)
    assert validated["errors"] == [] and validated["request_specs"] == []
    assert [item["existing"]["action"] for item in validated["instances"]] == ["none", "none"]
    assert where(world.round(validated)) == where(built)
    assert validated["notes"][0] == "the plan of 2026-01-01T00:00:00Z: 0 servers to build as planned, 2 there already"


def test_a_plan_that_was_cut_off_is_finished() -> None:
    world = World()
    plan = world.plan()
    built = world.round(world.apply(plan))
    whole = where(built)
    del built["servers"][plan["servers"][1]["instance"]["uuid"]]
    world.build(built)
    validated = world.apply(plan)
    assert validated["errors"] == []
    assert where(world.round(validated)) == whole


def test_what_else_changes_on_a_host_matters_to_nobody() -> None:
    world = World()
    plan = world.plan()
    world.facts("h2").update(used={"MEMORY_MB": 1024, "VCPU": 3}, disk_available_least=50)
    assert world.errors(plan) == []
    world.facts("h2").update(used={"MEMORY_MB": 1025})
    assert world.errors(plan) == ["hosts.h2: free memory_mb 2048 -> 1023 (used 0 -> 1025), the plan needs 1024"]


def use_up(world: World) -> None:
    world.facts("h1").update(used={"MEMORY_MB": 1536, "VCPU": 40}, reserved={"VCPU": 1})


def lose(world: World) -> None:
    world.fleet["hosts"]["h1"].update(status="unreachable", state=None)


def with_record(name: str = "other", **changes: t.Any) -> Change:
    """Another server of the address that the plan has for web-1."""

    def change(world: World) -> None:
        port = make.port_of(make.requested_network(network=make.network(id="x")), "192.0.2.2", **changes)
        world.add(make.fleet_record(make.instance("o", display_name=name, project_id="q", ports=[port]), host="h2"))

    return change


def with_domain(world: World) -> None:
    domain = {"name": "old", "uuid": "d", "mac_addresses": ["FA:16:3E:00:00:01"], "foreign": True}
    world.facts("h2").update(domains=[domain])


def with_own_address(world: World) -> None:
    world.facts("h2").update(addresses=["192.0.2.2"])


def with_kept_port(world: World) -> None:
    world.catalogue["ports"] = {"kept": {"network": "lan", "fixed_ips": [{"ip_address": "192.0.2.2"}]}}


def in_zone(world: World) -> None:
    world.fleet["aggregates"] = [make.zone("az2", "h1")]


def another_machine(world: World) -> None:
    world.facts("h1").update(uuid="new")


def another_fleet(world: World) -> None:
    for name in ("h1", "h2"):
        world.facts(name).update(registrar=make.held(make.epoch(fleet="epoch 9")))


def entry(kind: str, name: str, **fields: t.Any) -> Change:
    def change(world: World) -> None:
        world.catalogue[kind][name] = {**world.catalogue[kind][name], **fields}

    return change


def request(**fields: t.Any) -> Change:
    def change(world: World) -> None:
        world.requests[0] = {**world.requests[0], **fields}

    return change


def project(world: World) -> None:
    world.project = "q"


TOGETHER = {"key_name": "ops", "security_groups": [{"name": "web"}], "scheduler_hints": {"group": "apart"}}
KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIExampleExampleExampleExampleExampleExampleF"
CHANGES: list[tuple[Change, list[str]]] = [
    (use_up, ["free memory_mb 2048 -> 512 (used 0 -> 1536), the plan needs 1024", "free vcpu 32 -> -12 (reserved 0 -> 1, used 0 -> 40), the plan needs 1"]),
    (with_record(), ['servers[0].networks[0]: "192.0.2.2": is web-1\'s in the plan, and other on host h2 has it now']),
    (with_record(mac_address="fa:16:3e:00:00:01"), ['"fa:16:3e:00:00:01": is web-1\'s in the plan, and other on host h2', '"192.0.2.2"']),
    (with_domain, ['"fa:16:3e:00:00:01": is web-1\'s in the plan, and domain old on host h2 has it now']),
    (with_own_address, ['"192.0.2.2": is web-1\'s in the plan, and host h2 itself has it now']),
    (with_kept_port, ['"192.0.2.2": is web-1\'s in the plan, and a port of compute_ports has it now']),
    (in_zone, ['servers[0].availability_zone: "az2": was "nova" when it was planned']),
    (another_machine, ["hosts.h1: is another machine than when it was planned: its uuid is new, not uuid of h1"]),
    (entry("flavors", "small", memory_mb=2048), ["compute_flavors.small.memory_mb: 2048: was 1024 when it was planned"]),
    (entry("flavors", "small", root_gb=20), ["compute_flavors.small.root_gb: 20: was 10 when it was planned"]),
    (
        entry("flavors", "small", extra_specs={"quota:vif_inbound_average": "5"}),
        ['compute_flavors.small.extra_specs.quota:vif_inbound_average: "5": was not there'],
    ),
    (entry("images", "debian", min_ram=1), ["compute_images.debian.min_ram: 1: was 256 when it was planned"]),
    (entry("keypairs", "ops", public_key=KEY), ["compute_keypairs.ops.public_key: "]),
    (entry("server_groups", "apart", policy="soft-anti-affinity"), ['compute_server_groups.apart.policy: "soft-anti-affinity": was "anti-affinity"']),
    (entry("networks", "lan", mtu=1400), ["compute_networks.lan.mtu: 1400: was not there when it was planned"]),
    (
        entry("networks", "lan", subnets=[{"cidr": "192.0.2.0/24", "gateway_ip": "192.0.2.254"}]),
        ['compute_networks.lan.gateway_ip: "192.0.2.254": was "192.0.2.1" when it was planned'],
    ),
    (entry("networks", "lan", subnets=[{"cidr": "198.51.100.0/24"}]), ["network lan: fixed IP 192.0.2.2 is in none", "192.0.2.3 is in none"]),
    (request(flavor="gone"), ["servers[0].flavor", "is disabled"]),
    (request(tags=["a"]), ['servers[0].tags: "<a list of 1>": was not there when it was planned']),
    (request(networks=[{"name": "lan"}, {"name": "lan"}]), ['servers[0].networks: "<a list of 2>": was "<a list of 1>" when it was planned']),
    (request(user_data="aGVsbG8="), ['servers[0].user_data: "<hidden>": is not what it was when it was planned']),
    (project, ['compute_project: "q": the plan is one of project p']),
]


@pytest.mark.parametrize(("change", "sentences"), CHANGES, ids=[sentences[0] for _change, sentences in CHANGES])
def test_each_change_is_told_once_with_its_values(change: Change, sentences: list[str]) -> None:
    world = World(asked(min_count=2, **TOGETHER))
    plan = world.plan()
    change(world)
    validated = world.apply(plan)
    told = [error["message"] for error in validated["errors"]]
    assert len(told) == len(sentences), told
    for sentence in sentences:
        assert any(sentence in message for message in told), told
    assert validated["instances"] == validated["request_specs"] == []


def test_what_only_a_port_made_beforehand_says_is_not_told_of_its_network() -> None:
    world = World(asked(networks=[{"port": "kept"}]))
    world.catalogue["ports"] = {"kept": {"network": "lan", "allowed_address_pairs": [{"ip_address": "192.0.2.8"}]}}
    plan = world.plan()
    world.catalogue["ports"]["kept"]["allowed_address_pairs"] = [{"ip_address": "192.0.2.9"}]
    [told] = world.errors(plan)
    assert 'servers[0].networks[0].allowed_address_pairs[0].ip_address: "192.0.2.9": was "192.0.2.8"' in told


def test_a_host_that_cannot_be_read_is_named_with_its_servers() -> None:
    world = World()
    plan = world.plan()
    lose(world)
    assert "hosts.h1" in " ".join(world.errors(plan))
    world.fleet["hosts"].pop("h1")
    assert world.errors(plan) == ["hosts.h1: is not in the play, or is not read, and the plan has web-1 there"]


def test_a_plan_of_another_fleet_says_so() -> None:
    world = World()
    for name in ("h1", "h2"):
        world.facts(name).update(registrar=make.held(make.epoch()))
    plan = world.plan()
    assert world.errors(plan) == []
    another_fleet(world)
    assert world.errors(plan) == ['compute_plan_file: "epoch 1": is the fleet that it was planned for, and this one is epoch 9']


def test_a_fleet_that_was_enrolled_after_the_plan_is_the_same_one() -> None:
    world = World()
    plan = world.plan()
    another_fleet(world)
    assert world.errors(plan) == []


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        (
            {"uuid": "22222222-2222-4222-8222-222222222222"},
            "web-1 is there on host h1 as 22222222-2222-4222-8222-222222222222, which is not the server of the plan",
        ),
        ({"host": "h2"}, "web-1 is on host h2, and was planned on host h1"),
    ],
)
def test_a_server_that_somebody_else_has_made_or_moved_is_not_that_of_the_plan(changes: dict[str, t.Any], sentence: str) -> None:
    world = World()
    plan = world.plan()
    record = make.fleet_record(plan["servers"][0]["instance"], host="h1")
    world.add({**record, **changes})
    assert any(sentence in message for message in world.errors(plan)), world.errors(plan)


def test_a_server_that_was_there_and_is_gone_is_not_built() -> None:
    world = World()
    world.build(world.round(world.validated()))
    plan = world.plan()
    assert not any(server["is_new"] for server in plan["servers"])
    world.facts("h1").update(instances=[], used={})
    assert world.errors(plan) == ['servers[0]: "web-1": web-1 was there on host h1 when it was planned, and is gone']


def test_fewer_servers_than_planned_are_told() -> None:
    world = World(asked(min_count=1, max_count=2))
    plan = world.plan()
    world.catalogue["quotas"] = {"instances": 1}
    assert world.errors(plan) == ['servers[0]: "web-2": web-2 is in the plan and would not be built now: quotas leave room for fewer servers']
    plan = world.plan()
    world.catalogue["quotas"] = {"instances": 2}
    assert world.errors(plan) == ['servers[0]: "web-2": web-2 is asked for, and the plan has no such server']


def test_another_version_that_builds_otherwise_is_named() -> None:
    world = World()
    plan = world.plan()
    world.version = "2.0.0"
    assert world.errors(plan) == [], "what comes of it is the same"
    for server in plan["servers"]:
        server["instance"]["disks"][0]["bus"] = "sata"
    assert all("by kvmfleet.compute 1.0.0; this is 2.0.0" in message for message in world.errors(plan)) and world.errors(plan)


def test_no_secret_is_in_a_plan() -> None:
    world = World(asked(user_data="c2VjcmV0IHdvcmQ=", adminPass="pass-word"), asked(name="db", user_data="c2VjcmV0IHdvcmQ="))
    plan = world.plan()
    assert plan["requests"][0]["adminPass"] == "given"
    assert plan["requests"][0]["user_data"] == plan["requests"][1]["user_data"]
    assert plan["requests"][0]["user_data"].startswith("pbkdf2:")
    assert "c2VjcmV0" not in str(plan) and "pass-word" not in str(plan)
    # A new password is no other plan.
    world.requests[0] = {**world.requests[0], "adminPass": "other"}
    assert world.errors(plan) == []
