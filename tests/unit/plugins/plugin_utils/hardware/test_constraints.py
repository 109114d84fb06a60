"""Extra specs and image properties together: no input gives a traceback."""

from __future__ import annotations

import typing as t

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.kvmfleet.compute.plugins.plugin_utils.hardware import constraints

ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


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


@pytest.mark.parametrize(
    ("vcpus", "specs", "properties", "queues"),
    [
        (4, {"hw:vif_multiqueue_enabled": "true"}, {}, 4),
        (4, {}, {"hw_vif_multiqueue_enabled": True}, 4),
        (4, {}, {"hw_vif_multiqueue_enabled": "yes", "hw_vif_model": "virtio"}, 4),
        (4, {}, {}, None),
        (4, {"hw:vif_multiqueue_enabled": "false"}, {}, None),
        # As in Nova it means nothing to one CPU, and to another NIC than virtio's.
        (1, {"hw:vif_multiqueue_enabled": "true"}, {}, None),
        (1, {"hw:vif_multiqueue_enabled": "true"}, {"hw_vif_multiqueue_enabled": "false"}, None),
        (4, {"hw:vif_multiqueue_enabled": "true"}, {"hw_vif_model": "e1000"}, None),
        (300, {"hw:vif_multiqueue_enabled": "true"}, {}, 256),
    ],
)
def test_a_nic_has_a_queue_for_each_cpu_where_flavor_or_image_want_that(
    vcpus: int, specs: dict[str, str], properties: dict[str, t.Any], queues: int | None
) -> None:
    assert constraints.vif_queues({"vcpus": vcpus, "memory_mb": 512, "extra_specs": specs}, properties) == queues


def test_flavor_and_image_want_the_same_of_queues() -> None:
    with pytest.raises(constraints.ConstraintError, match="hw:vif_multiqueue_enabled of the flavor is true"):
        constraints.vif_queues({"vcpus": 2, "extra_specs": {"hw:vif_multiqueue_enabled": "true"}}, {"hw_vif_multiqueue_enabled": "false"})
