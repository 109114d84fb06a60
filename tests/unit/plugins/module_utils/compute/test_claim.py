"""The claim's rules: what a host may take beside all that is there."""

from __future__ import annotations

import typing as t

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.kvmfleet.compute.plugins.module_utils.compute import claim, committed
from ansible_collections.kvmfleet.compute.plugins.module_utils.errors import ServerError
from ansible_collections.kvmfleet.compute.plugins.module_utils.shapes import Domain, Instance, Order, ServerGroup
from ansible_collections.kvmfleet.compute.tests.unit import make

HOST = make.resources(memory_mb=4096, allocation_ratio={"VCPU": 2.0})
WEB = make.web(ports=[make.port()])


def check(order: Order, domains: list[Domain]) -> None:
    claim.check(order, "h1", HOST, domains)


def refused(instance: Instance, domains: list[Domain], **changes: t.Any) -> ServerError:
    with pytest.raises(ServerError) as caught:
        check(make.order(instance, **changes), domains)
    return caught.value


def test_an_empty_host_takes_it() -> None:
    check(make.order(WEB), [])


@pytest.mark.parametrize(
    "domain",
    [make.domain(uuid=make.UUID), make.domain(name="web-aaaaaaaa"), make.domain(make.record(make.numbered(1, display_name="web")))],
    ids=["uuid", "libvirt's name", "name in the project"],
)
def test_identity_is_taken_for_good(domain: Domain) -> None:
    error = refused(WEB, [domain])
    assert (error.error_class, error.reschedule) == ("InstanceExists", False)


def test_the_same_name_in_another_project_is_free() -> None:
    check(make.order(WEB), [make.domain(make.record(make.numbered(1, display_name="web", project_id="q")))])


def test_mac_and_address_are_taken() -> None:
    nic: t.Any = {"mac_address": "fa:16:3e:00:00:01", "type": "bridge", "source": {}, "device": None}
    assert refused(WEB, [make.domain(interfaces=[nic])]).error_class == "MacAddressInUse"
    other = make.numbered(1, ports=[make.port(mac_address="fa:16:3e:00:00:02")])
    assert refused(WEB, [make.domain(make.record(other))]).error_class == "FixedIpAlreadyInUse"


@pytest.mark.parametrize(
    ("port", "is_taken"),
    [
        ({"network_id": "another id of a renamed network"}, True),
        ({"binding": make.bridge("br9")}, True),
        ({"network_id": "n9", "binding": make.bridge("br9")}, False),
        ({"network_id": "n9", "fixed_ips": [make.fixed_ip(ip_address="192.0.2.6")]}, False),
    ],
)
def test_an_address_is_taken_on_its_bridge_whatever_the_network_is_called(port: dict[str, t.Any], is_taken: bool) -> None:
    domains = [make.domain(make.record(make.numbered(1, ports=[make.port(**{"mac_address": "fa:16:3e:00:00:02", **port})])))]
    if is_taken:
        assert refused(WEB, domains).error_class == "FixedIpAlreadyInUse"
    else:
        check(make.order(WEB), domains)


def test_capacity_counts_foreign_domains_and_may_be_tried_elsewhere() -> None:
    error = refused(WEB, [make.domain(memory_mb=3000)])
    assert (error.error_class, error.reschedule) == ("ComputeResourcesUnavailable", True)
    assert "584 left of (4096 - 512 reserved) × 1.0 - 3000 used, 1024 requested" in error.message


def test_the_claim_counts_a_flavors_resources_as_the_scheduler_does() -> None:
    light = make.flavor(memory_mb=8192, extra_specs={"resources:MEMORY_MB": "256"})
    check(make.order(make.web(flavor=light)), [])
    heavy = make.flavor(extra_specs={"resources:VCPU": "9"})
    assert "VCPU" in refused(make.web(flavor=heavy), []).message


def test_a_server_that_boots_from_a_volume_takes_no_root_disk_here() -> None:
    big = make.flavor(root_gb=500)
    assert "DISK_GB" in refused(make.web(flavor=big), []).message
    check(make.order(make.web(flavor=big, image=None)), [])


def test_a_class_that_only_the_operator_knows_is_left_to_the_scheduler() -> None:
    check(make.order(make.web(flavor=make.flavor(extra_specs={"resources:CUSTOM_LICENCE": "1"}))), [])


def test_anti_affinity_counts_members_here() -> None:
    group: ServerGroup = {"id": "g", "name": "apart", "policy": "anti-affinity", "rules": {"max_server_per_host": 2}}
    small = make.flavor(vcpus=1, memory_mb=1)
    members = [make.domain(make.record(make.numbered(number, group=group, flavor=small))) for number in range(2)]
    web = make.web(group=group, flavor=small)
    check(make.order(web), members[:1])
    error = refused(web, members)
    assert (error.error_class, error.reschedule) == ("GroupAffinityViolation", True)
    assert "2 here: web-0, web-1" in error.message


def test_affinity_wants_the_groups_hosts() -> None:
    web = make.web(group={"id": "g", "name": "together", "policy": "affinity", "rules": {}})
    check(make.order(web, group_hosts=["h1"]), [])
    check(make.order(web, group_hosts=[]), [])
    assert refused(web, [], group_hosts=["h2"]).reschedule


@given(st.lists(st.tuples(st.integers(0, 8), st.integers(0, 4096), st.integers(0, 2**37)), max_size=6))
def test_usage_is_the_sum_of_the_domains(sizes: list[tuple[int, int, int]]) -> None:
    foreign = make.domain()
    domains: list[Domain] = [{**foreign, "vcpus": vcpus, "memory_mb": memory, "disk_bytes": disk} for vcpus, memory, disk in sizes]
    assert committed.used(domains) == {
        "VCPU": sum(size[0] for size in sizes),
        "MEMORY_MB": sum(size[1] for size in sizes),
        "DISK_GB": sum(-(-size[2] // 2**30) for size in sizes),
    }


def test_a_record_whose_flavor_names_no_number_still_counts() -> None:
    odd = make.domain(make.record(make.web(flavor=make.flavor(extra_specs={"resources:VCPU": "many"}))))
    assert committed.used([odd]) == {"VCPU": 1, "MEMORY_MB": 512, "DISK_GB": 10}
