"""The api stage as a whole."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.kvmfleet.compute.plugins.module_utils.network.vif.table import BINDINGS
from ansible_collections.kvmfleet.compute.tests.unit.plugins.plugin_utils.api.stage import CATALOGUE, PUBLIC_KEY, asked, check, fleet_of, rules


def test_an_ordinary_request() -> None:
    result = check(asked(min_count=2, key_name="ops", user_data_text="#!/bin/sh", scheduler_hints={"group": "apart"}))
    assert result["errors"] == []
    first = result["instances"][0]["instance"]
    assert (first["display_name"], first["hostname"], first["domain_name"]) == ("web-1", "web-1", "web-1-00000000")
    assert first["keypair"]["public_key"] == PUBLIC_KEY
    assert first["group"]["name"] == "apart"
    assert result["instances"][0]["secrets_given"] == {"user_data": True, "admin_pass": None}
    spec = result["request_specs"][0]
    assert (spec["num_instances"], spec["min_count"], spec["group"]) == (2, 2, first["group"]["id"])
    binding = {"type": "bridge", "name": "br0"}
    needed = {"port_security_enabled": True, "mtu": None, "limited": False, "served": False}
    assert spec["networks"] == [{"name": "lan", "binding": binding, **needed}]


@pytest.mark.parametrize(
    ("fields", "path", "error_class"),
    [
        ({"flavor": "huge"}, "flavor", "FlavorNotFound"),
        ({"flavor": "gone"}, "flavor", "FlavorNotFound"),
        ({"image": "none"}, "image", "ImageNotFound"),
        ({"networks": [{"name": "none"}]}, "networks[0].name", "NetworkNotFound"),
        ({"networks": [{"name": "bare"}]}, "networks[0].name", "NetworkRequiresSubnet"),
        ({"networks": "auto"}, "networks", "NetworkAmbiguous"),
        ({"networks": [{"name": "lan", "fixed_ip": "203.0.113.9"}]}, "networks[0].fixed_ip", "InvalidInput"),
        ({"networks": [{"name": "lan", "fixed_ip": "192.0.2.1"}]}, "networks[0].fixed_ip", "FixedIpAlreadyInUse"),
        ({"networks": [{"name": "lan", "fixed_ip": "192.0.2.9"}], "max_count": 2}, "networks[0].fixed_ip", "InvalidInput"),
        ({"networks": [{"port": "11111111-1111-4111-8111-111111111111"}]}, "networks[0].port", "PortNotFound"),
        ({"key_name": "none"}, "key_name", "KeypairNotFound"),
        ({"security_groups": [{"name": "none"}]}, "security_groups[0].name", "SecurityGroupNotFound"),
        ({"hostname": "one", "max_count": 2}, "hostname", "HTTPBadRequest"),
        ({"min_count": 3, "max_count": 2}, "min_count", "HTTPBadRequest"),
        ({"metadata": {f"k{i}": "v" for i in range(129)}}, "metadata", "MetadataLimitExceeded"),
        ({"block_device_mapping_v2": [{"source_type": "volume", "destination_type": "volume", "uuid": "x"}]}, "block_device_mapping_v2[0]", "VolumeNotFound"),
        ({"nmae": "x"}, "nmae", "ValidationError"),
        ({"personality": []}, "personality", "ValidationError"),
        ({"flavorRef": "small"}, "flavor", "ValidationError"),
        ({"min_count": 0}, "min_count", "ValidationError"),
        ({"user_data": "n?"}, "user_data", "ValidationError"),
        ({"scheduler_hints": {"group": "none"}}, "scheduler_hints.group", "InstanceGroupNotFound"),
        ({"os:scheduler_hints": {"group": "none"}}, "os:scheduler_hints.group", "InstanceGroupNotFound"),
        ({"networks": [{"port": "none"}]}, "networks[0].port", "PortNotFound"),
    ],
)
def test_what_is_refused_and_where(fields: dict, path: str, error_class: str) -> None:
    found = [(where.removeprefix("servers[0]."), what) for where, what in rules(check(asked(**fields)))]
    assert (path, error_class) in found


def test_every_error_of_every_request_at_once() -> None:
    result = check(asked(flavor="x", image="y"), {"name": ""}, "not a mapping", catalogue={**CATALOGUE, "flavors": {"bad": {"vcpu": 1}}})
    paths = [error["path"] for error in result["errors"]]
    assert "compute_flavors.bad.vcpu" in paths
    assert {"servers[0].flavor", "servers[0].image", "servers[1].name", "servers[1].flavor", "servers[1].networks", "servers[2]"} <= set(paths)
    assert result["instances"] == []


def test_a_near_name_is_suggested() -> None:
    assert "did you mean networks?" in check(asked(network="lan"))["errors"][0]["message"]


def test_secret_values_are_hidden() -> None:
    result = check(asked(adminPass={"a": "swordfish"}, user_data="swordfish?"), asked(personality=[{"contents": "swordfish"}]))
    assert len(result["errors"]) >= 3
    assert "swordfish" not in str(result)


def test_an_unreachable_host_stops_unless_ignored() -> None:
    assert rules(check(asked(), fleet=fleet_of(status="unreachable"))) == [("hosts.h1", "HostUnreachable")]
    assert check(asked(), fleet=fleet_of(status="unreachable"), unreachable_hosts="ignore")["errors"] == []


def test_zones_and_forced_hosts_must_exist() -> None:
    assert rules(check(asked(availability_zone="az9"), fleet=fleet_of())) == [("servers[0].availability_zone", "InvalidRequest")]
    assert rules(check(asked(availability_zone="az1:h9"), fleet=fleet_of())) == [("servers[0].availability_zone", "ComputeHostNotFound")]
    assert check(asked(availability_zone="az1:H1"), fleet=fleet_of())["request_specs"][0]["target"] == {"zone": "az1", "host": "h1", "node": None}


def test_a_binding_that_cannot_filter_is_refused_unless_its_ports_are_to_be_open(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(BINDINGS["bridge"], "is_filtered", False)
    (error,) = check(asked())["errors"]
    assert (error["path"], error["error_class"]) == ("servers[0].networks[0].name", "SecurityGroupCannotBeApplied")
    assert "port_security_enabled: false" in error["rule"]
    open_lan = {"lan": {**CATALOGUE["networks"]["lan"], "port_security_enabled": False}}
    assert check(asked(), catalogue={**CATALOGUE, "networks": open_lan})["errors"] == []


def test_a_port_is_found_by_its_name_and_an_unknown_one_is_suggested() -> None:
    catalogue = {**CATALOGUE, "ports": {"front": {"network": "lan", "mac_address": "fa:16:3e:00:00:01"}}}
    found = check(asked(networks=[{"port": "front"}]), catalogue=catalogue)
    assert found["errors"] == [] and found["instances"][0]["networks"][0]["port"]["name"] == "front"
    wrong = check(asked(networks=[{"port": "frnot"}]), catalogue=catalogue)["errors"]
    assert [error["message"] for error in wrong] == ['servers[0].networks[0].port: "frnot": unknown port; did you mean front?']


def test_an_unknown_group_is_no_wrong_uuid_but_in_a_body_of_nova_s() -> None:
    [error] = check(asked(scheduler_hints={"group": "aprt"}))["errors"]
    assert error["message"] == 'servers[0].scheduler_hints.group: "aprt": unknown server group; did you mean apart?'
    server = {"name": "web", "flavorRef": "small", "imageRef": "x", "networks": "none"}
    errors = check({"server": server, "os:scheduler_hints": {"group": "aprt"}})["errors"]
    assert ("servers[0].os:scheduler_hints.group", "must be a UUID") in [(error["path"], error["rule"]) for error in errors]


def test_what_many_requests_share_is_said_once() -> None:
    catalogue = {**CATALOGUE, "flavors": {"small": {**CATALOGUE["flavors"]["small"], "extra_specs": {"quota:cpu_quota": "1"}}}}
    notes = check(*(asked(name=f"s{number}") for number in range(5)), catalogue=catalogue)["notes"]
    assert notes == ["servers[0] (s0), servers[1] (s1), servers[2] (s2) and 2 more: extra specs of flavor small that have no effect yet: quota:cpu_quota"]


def test_a_project_has_a_name() -> None:
    result = check(asked(), project=" ")
    assert rules(result) == [("compute_project", "ValidationError")]


def test_enormous_and_endless_counts_are_refused() -> None:
    assert rules(check(asked(max_count=10**9))) == [("servers[0].max_count", "TooManyInstances")]
    assert rules(check(asked(min_count=float("inf")))) == [("servers[0].min_count", "ValidationError")]


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


FIELDS = [
    "name",
    "flavor",
    "flavorRef",
    "image",
    "imageRef",
    "networks",
    "min_count",
    "max_count",
    "metadata",
    "tags",
    "user_data",
    "user_data_text",
    "key_name",
]
FIELDS += [
    "security_groups",
    "block_device_mapping_v2",
    "block_device_mapping",
    "availability_zone",
    "scheduler_hints",
    "hostname",
    "config_drive",
    "server",
    "adminPass",
]


@given(st.dictionaries(st.sampled_from(FIELDS), ANYTHING, max_size=6), st.booleans())
def test_no_request_gives_a_traceback(fields: dict, good_base: bool) -> None:
    result = check({**(asked() if good_base else {}), **fields}, fleet=fleet_of())
    assert bool(result["errors"]) != bool(result["instances"])


@given(st.dictionaries(st.sampled_from([*CATALOGUE, "ports", "quotas"]), ANYTHING, max_size=3))
def test_no_catalogue_gives_a_traceback(parts: dict) -> None:
    check(asked(), catalogue={**CATALOGUE, **parts})


def test_an_unknown_name_is_told_with_what_may_have_been_meant() -> None:
    errors = check(asked(flavor="smal", image="centos"))["errors"]
    assert [error["rule"] for error in errors] == ["unknown flavor; did you mean small?", "unknown image; known: debian"]


def test_a_name_whose_entry_has_a_fault_is_no_second_fault() -> None:
    broken = {kind: {**CATALOGUE[kind], name: {}} for kind, name in (("flavors", "bad"), ("images", "bad"), ("networks", "bad"))}
    wanted = asked(flavor="bad", image="bad", networks=[{"name": "bad"}])
    paths = [error["path"] for error in check(wanted, catalogue={**CATALOGUE, **broken})["errors"]]
    assert {path.split(".")[0] for path in paths} == {"compute_flavors", "compute_images", "compute_networks"}


def test_a_zone_that_the_forced_host_is_not_in_is_dropped_with_a_warning() -> None:
    fleet = fleet_of()
    fleet["aggregates"].append({"name": "az2", "hosts": ["h2"], "metadata": {"availability_zone": "az2"}})
    result = check(asked(availability_zone="az2:h1"), fleet=fleet)
    assert result["warnings"] == ["servers[0] (web): availability zone az2 is ignored: host h1 is in zone az1"]
    assert result["request_specs"][0]["target"] == {"zone": None, "host": "h1", "node": None}


def test_a_requested_destination_is_found_whatever_its_case_or_refused() -> None:
    assert rules(check(asked(host="h9", hypervisor_hostname="h1"), fleet=fleet_of())) == [("servers[0].host", "ComputeHostNotFound")]
    assert check(asked(host="H1"), fleet=fleet_of())["request_specs"][0]["requested_destination"] == {"host": "h1", "node": None}
