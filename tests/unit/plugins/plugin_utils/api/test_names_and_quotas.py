from __future__ import annotations

import typing as t

import pytest

WEB, DB = "11111111-1111-4111-8111-111111111111", "22222222-2222-4222-8222-222222222222"
SUBNETS = [{"cidr": "192.0.2.0/24"}]
TWINS: dict[str, t.Any] = {
    "security_groups": {"one": {"id": WEB, "name": "web"}, "web": {"id": DB}, "own": {}},
    "networks": {"one": {"id": WEB, "name": "lan", "bridge": "a", "subnets": SUBNETS}, "lan": {"bridge": "b", "subnets": SUBNETS}},
}


def groups(api: t.Any, *wanted: str) -> list[str]:
    result = api.check(api.request(security_groups=[{"name": name} for name in wanted], networks="none"), catalogue=TWINS)
    return [group["id"] for group in result["instances"][0]["instance"]["security_groups"]]


def test_a_group_by_name_or_id_is_one_group(api: t.Any) -> None:
    assert groups(api, WEB, WEB.upper(), "one") == [WEB]
    assert len(groups(api, "own", DB, "own", "default")) == 3


def test_a_name_of_two_is_no_name(api: t.Any) -> None:
    result = api.check(api.request(security_groups=[{"name": "web"}], networks=[{"name": "lan"}]), catalogue=TWINS)
    found = [(error["path"], error["error_class"], error["http_status"]) for error in result["errors"]]
    assert found == [("servers[0].security_groups[0].name", "NoUniqueMatch", 409), ("servers[0].networks[0].name", "NoUniqueMatch", 409)]
    assert WEB in result["errors"][0]["rule"] and DB in result["errors"][0]["rule"]
    assert api.check(api.request(networks=[{"name": "one"}]), catalogue=TWINS)["instances"][0]["networks"][0]["network"]["binding"]["name"] == "a"
    assert api.check(api.request(networks=[{"uuid": WEB}]), catalogue=TWINS)["errors"] == []


def test_a_port_of_the_catalogue_needs_one_network(api: t.Any) -> None:
    errors = api.check(catalogue={**TWINS, "ports": {"p": {"network": "lan"}}})["errors"]
    assert [(error["path"], "2 entries" in error["rule"]) for error in errors] == [("compute_ports.p.network", True)]


def test_a_group_named_default_takes_the_place_of_the_implied_one(api: t.Any) -> None:
    result = api.check(api.request(), catalogue={"security_groups": {"own": {"id": WEB, "name": "default"}}})
    assert result["instances"][0]["instance"]["security_groups"] == [{"id": WEB, "name": "default"}]


QUOTA_GROUPS = {"server_groups": {"a": {"policy": "affinity"}, "b": {"policy": "affinity"}}}


def grouped(api: t.Any, name: str, group: str, **more: t.Any) -> dict[str, t.Any]:
    return api.request(name=name, scheduler_hints={"group": group}, **more)


def test_members_of_a_group_count_over_the_run(api: t.Any) -> None:
    catalogue = {**QUOTA_GROUPS, "quotas": {"server_group_members": 2, "instances": -1, "cores": -1}}
    assert api.faults(grouped(api, "x", "a", min_count=2), grouped(api, "z", "b"), catalogue=catalogue) == []
    faults = api.faults(grouped(api, "x", "a", min_count=2), grouped(api, "y", "a"), catalogue=catalogue)
    assert [fault[1:] for fault in faults] == [("OverQuota", 403)]


def test_server_groups_count_by_project(api: t.Any) -> None:
    catalogue = {**QUOTA_GROUPS, "quotas": {"projects": {"p": {"server_groups": 1}}}}
    assert api.faults(grouped(api, "x", "a"), grouped(api, "y", "a"), catalogue=catalogue) == []
    assert api.faults(grouped(api, "x", "a"), grouped(api, "y", "b"), catalogue=catalogue)[0][1:] == ("ServerGroupLimitExceeded", 403)


@pytest.mark.parametrize(("ports", "least", "count", "error_class"), [(3, 1, 3, None), (3, 4, 0, "PortLimitExceeded"), (0, 1, 0, "PortLimitExceeded")])
def test_ports_shrink_max_count_and_refuse_below_min_count(api: t.Any, ports: int, least: int, count: int, error_class: str | None) -> None:
    result = api.check(api.request(min_count=least, max_count=5), catalogue={"quotas": {"ports": ports}})
    assert (len(result["instances"]), [error["error_class"] for error in result["errors"]]) == (count, [error_class] if error_class else [])


def test_a_port_of_the_catalogue_is_not_made_for_the_server(api: t.Any) -> None:
    catalogue = {"quotas": {"ports": 0}, "ports": {"p": {"id": WEB, "network": "lan"}}}
    assert api.check(api.request(networks=[{"port": WEB}]), catalogue=catalogue)["errors"] == []


def test_metadata_items_have_a_limit_for_each_project(api: t.Any) -> None:
    request = api.request(metadata={"a": "1", "b": "2"})
    assert api.faults(request, catalogue={"quotas": {"projects": {"p": {"metadata_items": 1}}}}) == [("metadata", "MetadataLimitExceeded", 403)]
    assert api.faults(request, catalogue={"quotas": {"projects": {"q": {"metadata_items": 1}}}}) == []
