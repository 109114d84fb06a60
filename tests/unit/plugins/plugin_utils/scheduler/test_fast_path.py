# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is kept between picks and requests gives the picks, weights and alternates of a scheduler that keeps nothing."""

from __future__ import annotations

import copy
import typing as t

from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.kvmfleet.compute.plugins.plugin_utils.scheduler.schedule import schedule
from ansible_collections.kvmfleet.compute.tests.unit import make
from ansible_collections.kvmfleet.compute.tests.unit.plugins.plugin_utils.scheduler.plain_scheduler import PlainScheduler

Data = dict[str, t.Any]

HOST = st.fixed_dictionaries(
    {
        "vcpus": st.sampled_from([2, 4, 8]),
        "memory_mb": st.sampled_from([2048, 4096, 8192]),
        "disk_gb": st.sampled_from([20, 50, 100]),
        "used": st.fixed_dictionaries({"VCPU": st.integers(0, 4), "MEMORY_MB": st.sampled_from([0, 512, 1024]), "DISK_GB": st.integers(0, 10)}),
        "num_io_ops": st.integers(0, 8),
        "failed_builds": st.sampled_from([0, 0, 0, 1, 2]),
        "hypervisor_version": st.sampled_from([8002000, 9001000]),
        "metrics": st.fixed_dictionaries({"load": st.sampled_from([0.1, 0.5, 0.9])}),
        "instances": st.lists(
            st.builds(lambda number: {"uuid": f"old-{number}", "image": {"properties": {"os_type": "linux"}}}, st.integers(0, 5)),
            max_size=3,
            unique_by=lambda item: item["uuid"],
        ),
        "service": st.fixed_dictionaries({"disabled": st.sampled_from([False, False, False, True])}),
    }
)


def _fleet(hosts: list[Data]) -> list[Data]:
    return [make.host(f"h{index}", **host) for index, host in enumerate(hosts)]


AGGREGATES = [
    {"name": "az1", "hosts": ["h0", "h2", "h4"], "metadata": {"availability_zone": "az1"}},
    {"name": "az2", "hosts": ["h1", "h3", "h5"], "metadata": {"availability_zone": "az2", "ram_weight_multiplier": "-0.5"}},
    {"name": "small", "hosts": ["h1", "h2"], "metadata": {"max_instances_per_host": "3", "cpu_weight_multiplier": "2.5"}},
]
GROUPS = [
    make.spec_group(f"g-{policy}-{number}", policy, rules={"max_server_per_host": most}, members=members)
    for number, (policy, most, members) in enumerate(
        (
            ("affinity", 1, []),
            ("anti-affinity", 1, ["old-1"]),
            ("anti-affinity", 2, ["old-2", "old-3"]),
            ("soft-affinity", 1, ["old-4"]),
            ("soft-anti-affinity", 1, ["old-0"]),
        )
    )
]

REQUEST = st.fixed_dictionaries(
    {
        "flavor": st.sampled_from([make.flavor(name="s", root_gb=2), make.flavor(name="m", vcpus=2, memory_mb=1024, root_gb=5, ephemeral_gb=1, swap=600)]),
        "image": st.sampled_from([{"id": "i", "disk_format": None, "properties": properties} for properties in ({}, {"os_type": "linux"})]),
        "num_instances": st.integers(1, 6),
        "min_count": st.integers(1, 6),
        "group": st.sampled_from([None, None, None, *(group["uuid"] for group in GROUPS)]),
        "target": st.sampled_from([{"zone": zone, "host": None, "node": None} for zone in (None, None, "az1", "az2")]),
        "scheduler_hints": st.sampled_from([{}, {}, {"different_host": ["old-1", "r0-0"]}, {"query": '[">=", "$free_ram_mb", 1024]'}]),
    }
)
OWN = "ansible_collections.kvmfleet.compute.tests.unit.plugins.plugin_utils.scheduler.own"
CONFIG = st.builds(
    lambda profile, filters, weights, more: {
        "kvmfleet": {"profile": profile, "honour_min_count": True},
        "filter_scheduler": {"enabled_filters": filters, "weight_classes": weights, **more},
        "metrics": {"weight_setting": ["load=1.0"]},
    },
    st.sampled_from(["default", "nova"]),
    st.sampled_from(
        [
            ["ServerGroupAntiAffinityFilter", "ServerGroupAffinityFilter", "ComputeFilter"],
            ["NumInstancesFilter", "ServerGroupAntiAffinityFilter", "ServerGroupAffinityFilter", "JsonFilter"],
            ["AggregateNumInstancesFilter", "IoOpsFilter", "DifferentHostFilter", "ServerGroupAffinityFilter"],
            [{"expression": "host.free_ram_mb >= 1500 or host.num_instances < 2"}],
            [f"{OWN}.EvenFilter", "ServerGroupAntiAffinityFilter"],
        ]
    ),
    st.sampled_from(
        [
            ["nova.scheduler.weights.all_weighers"],
            ["RAMWeigher", {"name": "spread", "expression": "-host.num_instances", "multiplier": 0.3}],
            [f"{OWN}.CrowdWeigher", "DiskWeigher"],
        ]
    ),
    st.sampled_from([{}, {"ram_weight_multiplier": -1.0}, {"num_instances_weight_multiplier": 1.7, "image_props_weight_multiplier": 0.9}]),
)


@settings(max_examples=4 * settings.default.max_examples)
@given(st.lists(HOST, min_size=1, max_size=6).map(_fleet), st.lists(REQUEST, min_size=1, max_size=6), st.integers(1, 3), CONFIG)
def test_the_fast_path_agrees_with_the_plain_one(hosts: list[Data], kinds: list[Data], rounds: int, config: Data) -> None:
    specs = []
    for number, kind in enumerate(kinds * rounds):
        least = min(kind["min_count"], kind["num_instances"])
        specs.append(make.request_spec(kind["num_instances"], **{**kind, "id": f"r{number}", "min_count": least}))
    fast = schedule(specs, copy.deepcopy(hosts), AGGREGATES, copy.deepcopy(GROUPS), config)["results"]
    plain = PlainScheduler(copy.deepcopy(hosts), AGGREGATES, copy.deepcopy(GROUPS), config)
    for spec, got in zip(specs, fast, strict=True):
        if got["result"] == "api_error":
            # The zone has no host in this fleet.
            continue
        result, picks, alternates = plain.place(spec)
        assert got["result"] == result
        assert [(pick["host"], pick["weighed"]) for pick in got["picks"]] == picks
        for pick in got["picks"] if result == "ok" else []:
            assert pick["alternates"] == alternates
