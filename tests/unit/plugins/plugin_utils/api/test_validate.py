from __future__ import annotations

import itertools
import typing as t

import make
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.kvmfleet.compute.plugins.plugin_utils.api import names, quotas, secrets
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.api.validate import validate
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.hardware import constraints

SUM = "sha256:" + "0" * 64
PUBLIC_KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIExampleExampleExampleExampleExampleExampleE"
CATALOGUE: dict[str, t.Any] = {
    "flavors": {"small": {"vcpus": 1, "memory_mb": 512, "root_gb": 10}, "gone": {"vcpus": 1, "memory_mb": 1, "root_gb": 1, "disabled": True}},
    "images": {"debian": {"source": "https://example.org/d.qcow2", "checksum": SUM, "min_ram": 256, "virtual_size": 2**31}},
    "networks": {
        "lan": {"bridge": "br0", "subnets": [{"cidr": "192.0.2.0/24", "gateway_ip": "192.0.2.1"}]},
        "bare": {"bridge": "br1"},
    },
    "keypairs": {"ops": {"public_key": PUBLIC_KEY}},
    "server_groups": {"apart": {"policy": "anti-affinity"}},
    "security_groups": {"web": {"rules": [{"direction": "ingress", "protocol": "tcp", "port_range_min": 80, "port_range_max": 80}]}},
}


def asked(**fields: t.Any) -> dict[str, t.Any]:
    return {"name": "web", "flavor": "small", "image": "debian", "networks": [{"name": "lan"}], **fields}


def check(*requests: t.Any, catalogue: dict[str, t.Any] | None = None, fleet: dict | None = None, **options: t.Any) -> dict[str, t.Any]:
    numbers = itertools.count(1)
    return validate(
        list(requests),
        catalogue or CATALOGUE,
        fleet=fleet,
        context={"project_id": "p", "user_id": "u"},
        options=options,
        new_uuid=lambda: f"00000000-0000-4000-8000-{next(numbers):012d}",
        new_reservation_id=lambda: "r-00000000",
    )


def fleet_of(*records: dict[str, t.Any], status: str = "ok") -> dict[str, t.Any]:
    state = {"name": "h1", "node": "h1", "instances": [dict(record, host="h1") for record in records], "domains": [], "images": []}
    hosts = {"h1": {"status": status, "error": None if status == "ok" else "no route", "state": state if status == "ok" else None}}
    return {"version": 1, "hosts": hosts, "aggregates": [{"name": "az1", "hosts": ["h1"], "metadata": {"availability_zone": "az1"}}]}


def record_of(result: dict[str, t.Any], **fields: t.Any) -> dict[str, t.Any]:
    """The record that an instance would leave, through the codec."""
    request = result["instances"][0]
    return make.fleet_record({**request["instance"], "ports": [make.port_of(item) for item in request["networks"]]}, **fields)


def rules(result: dict[str, t.Any]) -> list[tuple[str, str]]:
    return [(error["path"], error["error_class"]) for error in result["errors"]]


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
    assert spec["networks"] == [{"name": "lan", "binding": {"type": "bridge", "name": "br0"}}]


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
        ({"scheduler_hints": {"group": "none"}}, "scheduler_hints.group", "ValidationError"),
    ],
)
def test_what_is_refused_and_where(fields: dict, path: str, error_class: str) -> None:
    found = [(where.removeprefix("servers[0]."), what) for where, what in rules(check(asked(**fields)))]
    if path.startswith("scheduler_hints"):
        found = [(where.replace("os:", ""), what) for where, what in found]
    assert (path, error_class) in found


def test_every_error_of_every_request_at_once() -> None:
    result = check(asked(flavor="x", image="y"), {"name": ""}, "not a mapping", catalogue={**CATALOGUE, "flavors": {"bad": {"vcpu": 1}}})
    paths = [error["path"] for error in result["errors"]]
    assert "compute_flavors.bad.vcpu" in paths
    assert {"servers[0].flavor", "servers[0].image", "servers[1].name", "servers[1].flavorRef", "servers[1].networks", "servers[2]"} <= set(paths)
    assert result["instances"] == []


def test_a_near_name_is_suggested() -> None:
    assert "did you mean networks?" in check(asked(network="lan"))["errors"][0]["message"]


def test_secret_values_are_hidden() -> None:
    result = check(asked(adminPass={"a": "swordfish"}, user_data="swordfish?"), asked(personality=[{"contents": "swordfish"}]))
    assert len(result["errors"]) >= 3
    assert "swordfish" not in str(result)


def test_existing_servers_are_matched_and_drift_is_told() -> None:
    record = record_of(check(asked()))
    again = check(asked(), fleet=fleet_of(record))
    assert again["request_specs"] == []
    found = again["instances"][0]
    assert (found["instance"]["uuid"], found["existing"]["action"], found["existing"]["drift"]) == (record["uuid"], "none", [])
    other = check(asked(metadata={"a": "b"}), fleet=fleet_of(dict(record, power_state="shutdown")))["instances"][0]["existing"]
    assert (other["action"], [item["path"] for item in other["drift"]]) == ("start", ["metadata"])


def test_a_building_server_is_a_conflict_only_while_its_run_lives() -> None:
    record = record_of(check(asked()), vm_state="building", run={"id": "other"})
    assert check(asked(), fleet=fleet_of(record))["instances"][0]["existing"]["action"] == "finish"
    live = dict(record, live=True)
    result = check(asked(), fleet=fleet_of(live))
    assert rules(result) == [("servers[0].name", "InstanceIsBuilding")]
    assert "compute_take_over" in result["errors"][0]["rule"]
    assert check(asked(), fleet=fleet_of(live), take_over=True)["instances"][0]["existing"]["action"] == "finish"


def test_multi_create_grows_and_never_shrinks() -> None:
    three = [record_of({"instances": [item]}) for item in check(asked(min_count=3))["instances"]]
    more = check(asked(min_count=4), fleet=fleet_of(*three))
    assert [item["instance"]["display_name"] for item in more["instances"]] == ["web-1", "web-2", "web-3", "web-4"]
    assert more["request_specs"][0]["display_names"] == ["web-4"]
    assert more["instances"][3]["instance"]["reservation_id"] == three[0]["reservation_id"]
    fewer = check(asked(min_count=2), fleet=fleet_of(*three))
    assert fewer["errors"] == []
    assert "none is deleted" in fewer["notes"][0]


def test_one_name_twice_in_a_run() -> None:
    assert ("servers[1].name", "InstanceExists") in rules(check(asked(), asked()))


def test_an_unreachable_host_stops_unless_ignored() -> None:
    assert rules(check(asked(), fleet=fleet_of(status="unreachable"))) == [("hosts.h1", "HostUnreachable")]
    assert check(asked(), fleet=fleet_of(status="unreachable"), unreachable_hosts="ignore")["errors"] == []


def test_zones_and_forced_hosts_must_exist() -> None:
    assert rules(check(asked(availability_zone="az9"), fleet=fleet_of())) == [("servers[0].availability_zone", "InvalidRequest")]
    assert rules(check(asked(availability_zone="az1:h9"), fleet=fleet_of())) == [("servers[0].availability_zone", "ComputeHostNotFound")]
    assert check(asked(availability_zone="az1:H1"), fleet=fleet_of())["request_specs"][0]["target"] == {"zone": "az1", "host": "h1", "node": None}


def test_quotas_shrink_max_count_and_refuse_below_min_count() -> None:
    limited = {**CATALOGUE, "quotas": {"instances": 2, "cores": -1, "ram": -1}}
    shrunk = check(asked(min_count=1, max_count=5), catalogue=limited)
    assert len(shrunk["instances"]) == 2
    assert "quotas leave room for 2" in shrunk["notes"][0]
    refused = check(asked(min_count=3), catalogue=limited)
    assert rules(refused) == [("servers[0].min_count", "TooManyInstances")]
    assert "requested 3, already used 0 of 2" in refused["errors"][0]["rule"]


def test_rules_of_a_security_group_are_warned_about() -> None:
    assert "not enforced" in check(asked(security_groups=[{"name": "web"}]))["warnings"][0]


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


@pytest.mark.parametrize(("name", "host"), [("My Server", "my-server"), ("web_1.example.org", "web-1-example-org"), ("云", ""), ("Café", "café"), ("-x-", "x")])
def test_host_names(name: str, host: str) -> None:
    assert names.sanitize_hostname(name) == host


def test_domain_names_are_safe() -> None:
    assert names.domain_name("Café/../x", "12345678-aaaa") == "Caf--..-x-12345678"


def test_passwords_have_every_kind_of_symbol() -> None:
    import random

    password = secrets.generate_password(random.Random(1))
    assert len(password) == 12
    assert all(any(symbol in group for symbol in password) for group in secrets.PASSWORD_SYMBOLS)


@given(st.integers(1, 5), st.integers(0, 5), st.integers(-1, 30), st.integers(0, 30))
def test_granted_is_never_beyond_a_limit(least: int, extra: int, limit: int, used: int) -> None:
    need = {"instances": 1, "cores": 2}
    try:
        number = quotas.granted(need, least, least + extra, lambda name: limit, {"instances": used, "cores": used})
    except quotas.OverQuota:
        assert limit >= 0
        return
    assert least <= number <= least + extra
    assert limit < 0 or used + 2 * number <= limit


def test_what_can_not_be_built_is_refused_and_what_has_no_effect_is_said() -> None:
    flavors = {
        "pinned": {"vcpus": 2, "memory_mb": 512, "root_gb": 10, "extra_specs": {"hw:cpu_policy": "dedicated"}},
        "capped": {"vcpus": 2, "memory_mb": 512, "root_gb": 10, "extra_specs": {"quota:cpu_quota": "1000", "hw:cpu_cores": "2"}},
        "odd": {"vcpus": 2, "memory_mb": 512, "root_gb": 10, "extra_specs": {"hw:cpu_policy": "bogus"}},
    }
    catalogue = {**CATALOGUE, "flavors": flavors}
    assert rules(check(asked(flavor="pinned"), catalogue=catalogue)) == [("servers[0].flavor", "UnsupportedHardware")]
    assert rules(check(asked(flavor="odd"), catalogue=catalogue)) == [("servers[0].flavor", "InvalidCPUAllocationPolicy")]
    capped = check(asked(flavor="capped"), catalogue=catalogue)
    assert capped["errors"] == []
    assert any("quota:cpu_quota" in note and "hw:cpu_cores" not in note for note in capped["notes"])


SPEC_NAMES = [
    "cpu_policy",
    "cpu_thread_policy",
    "cpu_dedicated_mask",
    "cpu_realtime",
    "cpu_realtime_mask",
    "emulator_threads_policy",
    "numa_nodes",
    "numa_cpus.0",
]
SPEC_NAMES += ["numa_mem.0", "mem_page_size", "cpu_sockets", "cpu_max_cores", "serial_port_count", "mem_encryption", "pmu", "locked_memory"]
SPEC_VALUES = (
    st.sampled_from(["", "0", "1", "4", "-1", "x", "dedicated", "mixed", "isolate", "0-3", "^0", "0,1", "2MB", "1GB", "large", "any", "yes"]) | ANYTHING
)


@given(
    st.dictionaries(st.sampled_from([f"hw:{name}" for name in SPEC_NAMES]), SPEC_VALUES, max_size=5),
    st.dictionaries(st.sampled_from([f"hw_{name}" for name in SPEC_NAMES]), SPEC_VALUES, max_size=5),
)
def test_no_extra_spec_or_property_gives_a_traceback(specs: dict, properties: dict) -> None:
    try:
        found = constraints.constraints({"vcpus": 4, "memory_mb": 1024, "extra_specs": specs}, properties)
    except constraints.ConstraintError:
        return
    sockets, cores, threads = found["topology"]
    assert sockets * cores * threads == 4
    if found["numa"]:
        assert sorted(cpu for cell in found["numa"] for cpu in cell["cpus"]) == [0, 1, 2, 3]
        assert sum(cell["memory_mb"] for cell in found["numa"]) == 1024


PORT = "11111111-1111-4111-8111-1111111111ab"
WITH_PORT = {**CATALOGUE, "ports": {"kept": {"id": PORT, "network": "lan", "fixed_ips": [{"ip_address": "192.0.2.77"}]}}}


@pytest.mark.parametrize(
    ("networks", "fault"),
    [
        ([{"name": "lan", "fixed_ip": "192.0.2.9"}, {"name": "lan", "fixed_ip": "192.0.2.9"}], ("servers[0].networks[1].fixed_ip", "FixedIpAlreadyInUse")),
        ([{"port": PORT}, {"port": PORT.upper()}], ("servers[0].networks[1].port", "HTTPBadRequest")),
        ([{"name": "lan", "fixed_ip": "192.0.2.77"}], ("servers[0].networks[0].fixed_ip", "FixedIpAlreadyInUse")),
    ],
)
def test_an_address_or_a_port_is_given_once(networks: list[dict[str, str]], fault: tuple[str, str]) -> None:
    assert rules(check(asked(networks=networks), catalogue=WITH_PORT)) == [fault]


def test_a_name_in_another_project_is_another_server() -> None:
    there = record_of(check(asked()), project_id="other")
    there["ports"][0]["fixed_ips"] = [{"ip_address": "192.0.2.50"}]
    wanted = asked(networks=[{"name": "lan", "fixed_ip": "192.0.2.50"}])
    assert rules(check(wanted, fleet=fleet_of(there))) == [("servers[0].networks[0].fixed_ip", "FixedIpAlreadyInUse")]
    assert rules(check(wanted, fleet=fleet_of(dict(there, project_id="p")))) == []


def test_enormous_and_endless_counts_are_refused() -> None:
    assert rules(check(asked(max_count=10**9))) == [("servers[0].max_count", "TooManyInstances")]
    assert rules(check(asked(min_count=float("inf")))) == [("servers[0].min_count", "ValidationError")]


def test_a_local_disk_says_that_it_is_local() -> None:
    root = {"source_type": "image", "destination_type": "local", "uuid": check(asked())["instances"][0]["instance"]["image"]["id"], "boot_index": 0}
    result = check(asked(block_device_mapping_v2=[root, {"source_type": "blank", "volume_size": 1}]))
    assert rules(result) == [("servers[0].block_device_mapping_v2[1].destination_type", "InvalidBDMFormat")]


def test_what_can_not_be_read_in_flavor_or_image_is_their_fault() -> None:
    flavors = {"small": {**CATALOGUE["flavors"]["small"], "extra_specs": {"hw:numa_nodes": "1" * 5000}}}
    images = {"debian": {**CATALOGUE["images"]["debian"], "properties": {"block_device_mapping": [{"virtual_name": 5}]}}}
    assert rules(check(asked(), catalogue={**CATALOGUE, "flavors": flavors})) == [("servers[0].flavor", "Invalid")]
    assert rules(check(asked(), catalogue={**CATALOGUE, "images": images})) == [("servers[0].image", "InvalidBDMFormat")]
