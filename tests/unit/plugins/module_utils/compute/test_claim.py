from __future__ import annotations

import typing as t

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.kvmfleet.compute.plugins.module_utils.compute import claim, committed
from ansible_collections.kvmfleet.compute.plugins.module_utils.errors import ServerError

FLAVOR = {"vcpus": 2, "memory_mb": 1024, "root_gb": 10, "ephemeral_gb": 0, "swap": 0}
HOST = {"name": "h1", "vcpus": 4, "memory_mb": 4096, "disk_gb": 100, "reserved": {"MEMORY_MB": 512}, "allocation_ratio": {"VCPU": 2.0}}


def instance(**fields: t.Any) -> dict[str, t.Any]:
    port = {"id": "p", "mac_address": "fa:16:3e:00:00:01", "network_id": "n", "fixed_ips": [{"ip_address": "192.0.2.5"}]}
    made = {"uuid": "u1", "display_name": "web", "domain_name": "web-u1", "project_id": "p", "flavor": FLAVOR, "ports": [port], "group": None}
    return {**made, **fields}


def domain(record: dict[str, t.Any] | None = None, **fields: t.Any) -> dict[str, t.Any]:
    made = {"uuid": "u9", "name": "other", "vcpus": 1, "memory_mb": 512, "interfaces": [], "record": record}
    return {**made, **fields}


def refused(server: dict, domains: list[dict]) -> ServerError:
    with pytest.raises(ServerError) as caught:
        claim.check(server, HOST, domains)
    return caught.value


def test_an_empty_host_takes_it() -> None:
    claim.check(instance(), HOST, [])


@pytest.mark.parametrize("fields", [{"uuid": "u1"}, {"name": "web-u1"}, {"record": {"uuid": "x", "project_id": "p", "display_name": "web"}}])
def test_identity_is_taken_for_good(fields: dict) -> None:
    error = refused(instance(), [domain(**fields)])
    assert (error.error_class, error.reschedule) == ("InstanceExists", False)


def test_the_same_name_in_another_project_is_free() -> None:
    claim.check(instance(), HOST, [domain({"uuid": "x", "project_id": "q", "display_name": "web"})])


def test_mac_and_address_are_taken() -> None:
    assert refused(instance(), [domain(interfaces=[{"mac_address": "fa:16:3e:00:00:01"}])]).error_class == "MacAddressInUse"
    record = {"uuid": "x", "project_id": "q", "display_name": "y", "ports": [{"network_id": "n", "fixed_ips": [{"ip_address": "192.0.2.5"}]}]}
    assert refused(instance(), [domain(record)]).error_class == "FixedIpAlreadyInUse"


def test_capacity_counts_foreign_domains_and_may_be_tried_elsewhere() -> None:
    error = refused(instance(), [domain(memory_mb=3000)])
    assert (error.error_class, error.reschedule) == ("ComputeResourcesUnavailable", True)
    assert "584 left of (4096 - 512 reserved) × 1.0 - 3000 used, 1024 requested" in error.message


def test_anti_affinity_counts_members_here() -> None:
    group = {"id": "g", "name": "apart", "policy": "anti-affinity", "rules": {"max_server_per_host": 2}}
    members = [domain({"uuid": f"m{i}", "project_id": "p", "display_name": f"m{i}", "group": {"id": "g"}}, uuid=f"m{i}") for i in range(2)]
    claim.check(instance(group=group), HOST, members[:1])
    assert refused(instance(group=group), members).error_class == "GroupAffinityViolation"


def test_affinity_wants_the_groups_hosts() -> None:
    group = {"id": "g", "name": "together", "policy": "affinity", "rules": {}}
    claim.check(instance(group=group, group_hosts=["h1"]), HOST, [])
    claim.check(instance(group=group, group_hosts=[]), HOST, [])
    assert refused(instance(group=group, group_hosts=["h2"]), []).reschedule


@given(st.lists(st.tuples(st.integers(0, 8), st.integers(0, 4096), st.integers(0, 2**37)), max_size=6))
def test_usage_is_the_sum_of_the_domains(sizes: list[tuple[int, int, int]]) -> None:
    domains = [domain(vcpus=vcpus, memory_mb=memory, disk_bytes=disk) for vcpus, memory, disk in sizes]
    assert committed.used(domains) == {
        "VCPU": sum(size[0] for size in sizes),
        "MEMORY_MB": sum(size[1] for size in sizes),
        "DISK_GB": sum(-(-size[2] // 2**30) for size in sizes),
    }
