"""Facts of hosts and aggregates, which may be written by hand."""

from __future__ import annotations

import typing as t

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.kvmfleet.compute.plugins.plugin_utils.fleet import facts_shape
from ansible_collections.kvmfleet.compute.tests.unit import make

HOST: dict[str, t.Any] = {"vcpus": 4, "memory_mb": 4096, "disk_gb": 40}
RECORD: dict[str, t.Any] = {**make.fleet_record(make.instance("u", ports=[make.port()]))}


def wrong(**facts: t.Any) -> list[tuple[str, str]]:
    """[(path, rule)] of a host with these facts."""
    return [(fault.path, fault.rule) for fault in facts_shape.faults({**HOST, **facts})]


def test_a_host_needs_no_more_than_its_sizes_and_may_have_more_than_is_known() -> None:
    assert wrong() == wrong(numa_cells=None, instances=None, power_w=90) == []


@pytest.mark.parametrize(
    ("facts", "path"),
    [
        ({"vcpus": None}, "vcpus"),
        ({"disk_gb": float("inf")}, "disk_gb"),
        ({"used": {"VCPU": float("nan")}}, "used.VCPU"),
        ({"traits": "CUSTOM_SSD"}, "traits"),
        ({"numa_cells": [{}]}, "numa_cells[0].id"),
        ({"instances": [{**RECORD, "uuid": None}]}, "instances[0].uuid"),
        ({"instances": [{**RECORD, "flavor": make.flavor(vcpus="1")}]}, "instances[0].flavor.vcpus"),
        ({"instances": [{**RECORD, "ports": [make.port(fixed_ips=[make.fixed_ip(ip_address="x")])]}]}, "instances[0].ports[0].fixed_ips[0].ip_address"),
        ({"instances": [{key: value for key, value in RECORD.items() if key != "display_name"}]}, "instances[0].display_name"),
        ({"instances": [{**RECORD, "run": []}]}, "instances[0].run"),
        ({"instances": [{**RECORD, "run": make.run(process=make.process(pid=-1))}]}, "instances[0].run.process.pid"),
        ({"instances": [{**RECORD, "group": "g"}]}, "instances[0].group"),
        ({"memory_mb": 10**30}, "memory_mb"),
        ({"domains": [{}]}, "domains[0].mac_addresses"),
        ({"registrar": {**make.held(), "highest_ticket": -1}}, "registrar.highest_ticket"),
        ({"registrar": {**make.held(), "clock": {"boot_id": "b", "seconds": "1"}}}, "registrar.clock.seconds"),
        ({"registrar": make.held(make.epoch(number=True))}, "registrar.epoch.number"),
        ({"registrar": make.held(make.epoch(store="redis"))}, "registrar.epoch.store"),
        ({"registrar": make.held(make.epoch(hosts="h1"))}, "registrar.epoch.hosts"),
        ({"registrar": {"highest_ticket": 0, "clock": None}}, "registrar.clock"),
        ({"networks": {"bridges": [{"up": True}], "libvirt": []}}, "networks.bridges[0].name"),
        ({"networks": {"bridges": [{"name": "br0"}], "libvirt": []}}, "networks.bridges[0].up"),
        (
            {"networks": {"bridges": [], "libvirt": [{"name": "a", "portgroups": [{"name": "p", "default": 1, "vlan": None}]}]}},
            "networks.libvirt[0].portgroups[0].default",
        ),
        ({"networks": {"bridges": [], "libvirt": [{"name": "a", "vlan": "5"}]}}, "networks.libvirt[0].vlan"),
        ({"networks": {"bridges": [], "libvirt": [], "switches": [{"port_mtu": 1500}]}}, "networks.switches[0].name"),
        ({"networks": {"bridges": [], "libvirt": [], "devices": [{"name": "eth1", "up": True}]}}, "networks.devices[0].mtu"),
    ],
)
def test_what_the_controller_counts_on_is_named(facts: dict[str, t.Any], path: str) -> None:
    assert [where for where, _rule in wrong(**facts)] == [path]


def test_aggregates_are_listed_with_text_as_metadata() -> None:
    listed = facts_shape.listed_aggregates({"a": {"hosts": ["h1", 2], "metadata": {"ssd": True, "n": 1}}, "b": {}}, "compute_aggregates")
    assert listed == [{"name": "a", "hosts": ["h1", "2"], "metadata": {"ssd": "True", "n": "1"}}, {"name": "b", "hosts": [], "metadata": {}}]


LEAVES = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5)
ANYTHING = st.recursive(LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3), max_leaves=5)
KEYS = st.sampled_from(list(facts_shape.HOST_FACTS["properties"]))


@given(ANYTHING, st.dictionaries(KEYS, ANYTHING, max_size=4))
def test_any_json_as_facts_or_aggregates_gives_faults_and_never_a_traceback(document: t.Any, facts: dict[str, t.Any]) -> None:
    assert all(fault.rule for fault in [*facts_shape.faults(document), *facts_shape.faults({**HOST, **facts})])
    try:
        facts_shape.listed_aggregates(document, "compute_aggregates")
    except facts_shape.AggregatesError as error:
        assert str(error).startswith("compute_aggregates")
