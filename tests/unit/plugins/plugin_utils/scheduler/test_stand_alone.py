# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import typing as t

import pytest

from ansible_collections.kvmfleet.compute.plugins.plugin_utils.scheduler import stand_alone
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.scheduler.expression import ExpressionError
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.scheduler.registry import UnknownFilter
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.scheduler.schedule import schedule
from ansible_collections.kvmfleet.compute.tests.unit import make

HOSTS = [
    {"node": "small", "vcpus": 4, "memory_mb": 2048, "disk_gb": 50, "facts": {"rack": "r1", "power_w": 90}},
    {"node": "big", "vcpus": 16, "memory_mb": 65536, "disk_gb": 500, "facts": {"rack": "r2", "power_w": 400}},
    {"node": "bare", "vcpus": 8, "memory_mb": 8192, "disk_gb": 100},
]
REQUEST = {"flavor": {"vcpus": 1, "memory_mb": 4096, "root_gb": 10}}


def filtered(request: t.Any = None, filters: t.Any = None, hosts: t.Any = None, **more: t.Any) -> tuple[list[str], dict[str, str]]:
    if filters is not None:
        more["filters"] = filters
    passed, reasons = stand_alone.filter_hosts(HOSTS if hosts is None else hosts, request or REQUEST, **more)
    return [host["node"] for host in passed], reasons


def test_hosts_come_back_as_given_and_the_others_with_their_numbers() -> None:
    passed, reasons = filtered()
    assert passed == ["big", "bare"]
    assert reasons["small"].startswith("MEMORY_MB: 2048 left of")


def test_an_expression_sees_facts_numbers_and_the_request() -> None:
    text = "host.facts.rack == 'r2' and host.free_ram_mb > request.flavor.memory_mb"
    passed, reasons = filtered(filters=[{"expression": text, "name": "rack"}])
    assert passed == ["big"]
    assert reasons["bare"] == "rack: 'dict object' has no attribute 'rack'"


def test_aggregates_are_given_by_name() -> None:
    aggregates = {"az1": {"hosts": ["bare"], "metadata": {"availability_zone": "az1"}}}
    assert filtered({**REQUEST, "availability_zone": "az1"}, aggregates=aggregates)[0] == ["bare"]


def test_weights_are_in_order_with_their_numbers() -> None:
    weighed = stand_alone.weigh_hosts(HOSTS, REQUEST)
    assert [item["name"] for item in weighed] == ["big", "bare", "small"]
    assert weighed[0]["host"] is HOSTS[1]
    assert weighed[1]["weights"]["RAMWeigher"] == {"raw": 8192, "normalised": 0.125, "multiplied": 0.125}


def test_an_expression_weigher_has_its_multiplier() -> None:
    config = {"filter_scheduler": {"weight_classes": [{"expression": "host.facts.power_w | default(500)", "multiplier": -2}]}}
    weighed = stand_alone.weigh_hosts(HOSTS, REQUEST, options=config)
    assert (weighed[0]["name"], weighed[0]["weight"]) == ("small", 0.0)
    assert weighed[-1]["name"] == "bare"
    assert weighed[-1]["weight"] == -2.0


@pytest.mark.parametrize(
    ("filters", "error", "rule"),
    [
        (["RamFilter"], UnknownFilter, "capacity is counted before the filters"),
        (["ComputFilter"], UnknownFilter, "did you mean ComputeFilter"),
        (["no.such.Module"], UnknownFilter, "No module named 'no'"),
        (["json.JSONDecoder"], UnknownFilter, "is not a subclass of"),
        ([{"expression": "host."}], ExpressionError, "filter host."),
        ([{"expresion": "true"}], ExpressionError, "must be a name or a mapping with expression"),
        ([{"expression": "host.facts.update({'a': 1})"}], ExpressionError, "is unsafe"),
        ([{"expression": "host.name.__class__.mro()"}], ExpressionError, "unsafe"),
    ],
)
def test_what_is_no_filter_is_refused_in_one_sentence(filters: list[t.Any], error: type[Exception], rule: str) -> None:
    with pytest.raises(error, match="filter") as caught:
        filtered(filters=filters)
    assert rule in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("hosts", "request_", "sentence"),
    [
        (3, REQUEST, "hosts: must be a list, not 3"),
        ([{"node": "a", "vcpus": 1, "memory_mb": 1}], REQUEST, "hosts[0].disk_gb: is required"),
        ([{"vcpus": 1, "memory_mb": 1, "disk_gb": 1}], REQUEST, "hosts[0].name: is required"),
        (HOSTS, {"flavor": {"vcpus": True, "memory_mb": 1}}, "request.flavor.vcpus: must be a number, not true"),
        (HOSTS, [], "request: must be a mapping, not a list"),
        (HOSTS, {"flavor": {"vcpus": float("inf")}}, "request.flavor.vcpus: must be a number, not Infinity; request.flavor.memory_mb: is required"),
        ([{**HOSTS[0], "used": {"VCPU": "1"}}, 3], REQUEST, 'hosts[0].used.VCPU: must be a number, not "1"; hosts[1]: must be a mapping, not 3'),
    ],
)
def test_what_has_not_the_documented_shape_is_named(hosts: t.Any, request_: t.Any, sentence: str) -> None:
    with pytest.raises(stand_alone.NotAsDocumented) as caught:
        stand_alone.filter_hosts(hosts, request_)
    assert str(caught.value) == sentence


def test_equals_are_shuffled_by_the_seed_alone() -> None:
    import random

    hosts = [make.host(f"h{number}") for number in range(8)]
    config = {"filter_scheduler": {"shuffle_best_same_weighed_hosts": True}}

    def chosen(seed: int, **options: t.Any) -> str:
        given = {"filter_scheduler": {**config["filter_scheduler"], **options}}
        result = schedule([stand_alone.spec_of(REQUEST)], hosts, [], [], given, rng=random.Random(seed))
        pick = result["results"][0]["picks"][0]
        assert pick["host"] not in pick["alternates"]
        return str(pick["host"])

    assert [chosen(seed) for seed in range(20)] == [chosen(seed) for seed in range(20)]
    assert len({chosen(seed) for seed in range(20)}) > 3
    assert len({chosen(seed, host_subset_size=3, shuffle_best_same_weighed_hosts=False) for seed in range(20)}) == 3
