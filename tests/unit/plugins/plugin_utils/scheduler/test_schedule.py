from __future__ import annotations

import copy
import typing as t

from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.kvmfleet.compute.plugins.plugin_utils.scheduler import explain
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.scheduler.schedule import schedule

SMALL = {"name": "small", "vcpus": 1, "memory_mb": 1024, "root_gb": 10, "ephemeral_gb": 0, "swap": 0, "extra_specs": {}}


def host(name: str, memory: int = 8192, **fields: t.Any) -> dict[str, t.Any]:
    return {"name": name, "vcpus": 8, "memory_mb": memory, "disk_gb": 100, **fields}


def request(number: int = 1, **fields: t.Any) -> dict[str, t.Any]:
    ids = [f"{fields.get('id', 'r')}-{index}" for index in range(number)]
    return {"id": "r", "flavor": SMALL, "image": {}, "num_instances": number, "instance_uuids": ids, "display_names": ids, **fields}


def hosts_of(result: dict[str, t.Any]) -> list[str | None]:
    return [pick.get("host") for pick in result["picks"]]


def one(spec: dict, hosts: list[dict], **more: t.Any) -> dict[str, t.Any]:
    return schedule([spec], hosts, more.get("aggregates", []), more.get("groups", []), more.get("config"))["results"][0]


def test_each_pick_consumes_before_the_next() -> None:
    assert hosts_of(one(request(4), [host("a"), host("b")])) == ["a", "b", "a", "b"]


def test_alternates_have_room_and_are_not_picked() -> None:
    result = one(request(1), [host("a", 16384), host("b"), host("c", 512), host("d"), host("e")])
    assert result["picks"][0]["alternates"] == ["b", "d"]


def test_all_or_nothing_and_min_count() -> None:
    tight = [host("a", 2048)]
    refused = one(request(3), tight)
    assert refused["result"] == "no_valid_host"
    assert "nearest miss: a (MEMORY_MB: 0 left of" in refused["message"]
    some = one(request(3, min_count=1), tight)
    assert (some["result"], hosts_of(some)[:2]) == ("partial", ["a", "a"])


def test_a_refused_request_leaves_no_trace_for_the_next() -> None:
    results = schedule([request(3, id="big"), request(2, id="fits")], [host("a", 2048)], [], [], None)["results"]
    assert [result["result"] for result in results] == ["no_valid_host", "ok"]


def test_zone_disabled_and_forced() -> None:
    zones = [
        {"name": "az1", "hosts": ["a"], "metadata": {"availability_zone": "az1"}},
        {"name": "az2", "hosts": ["b"], "metadata": {"availability_zone": "az2"}},
    ]
    hosts = [host("a"), host("b"), host("c", service={"disabled": True, "disabled_reason": "broken fan"})]
    assert hosts_of(one(request(availability_zone="az2"), hosts, aggregates=zones)) == ["b"]
    assert hosts_of(one(request(availability_zone="az1:a"), hosts, aggregates=zones)) == ["a"]
    forced = one(request(availability_zone="az1:c"), hosts, aggregates=zones)
    assert forced["result"] == "no_valid_host"
    assert "broken fan" in explain.reasons(forced)["c"]


def test_a_host_without_the_network_is_no_candidate() -> None:
    networks = {"bridges": [{"name": "br0"}], "libvirt": []}
    spec = request(networks=[{"name": "lan", "bridge": "br1", "libvirt_network": None}])
    result = one(spec, [host("a", networks=networks), host("b", networks={"bridges": [{"name": "br1"}], "libvirt": []})])
    assert hosts_of(result) == ["b"]
    assert explain.reasons(result)["a"] == "network lan: the host has no bridge br1"


def test_a_broken_extra_spec_refuses_its_own_request_only() -> None:
    broken = request(id="broken", flavor={**SMALL, "extra_specs": {"capabilities:vcpus_total": ">= many"}})
    results = schedule([broken, request(id="good")], [host("a"), host("b")], [], [], None)["results"]
    assert [result["result"] for result in results] == ["scheduler_crash", "ok"]
    assert "ValueError" in results[0]["message"]


def test_the_table_is_short_and_whole_at_verbosity() -> None:
    result = one(request(1), [host("a"), host("b"), host("full", 600)])
    short, long = explain.table(result, ["web"], 0), explain.table(result, ["web"], 1)
    assert short[0] == "web -> a  (weights: a 3.000, b 3.000)"
    assert "full: MEMORY_MB: 600 left of" in short[1]
    assert any(", RAM 8192 +1.000" in line for line in long)
    assert len(long) > len(short)


FLEET = st.lists(
    st.builds(
        lambda memory, used, vcpus: {"vcpus": vcpus, "memory_mb": memory, "disk_gb": 200, "used": {"MEMORY_MB": used, "VCPU": used // 512, "DISK_GB": 5}},
        st.integers(512, 16384),
        st.integers(0, 8192),
        st.integers(1, 16),
    ),
    min_size=1,
    max_size=8,
).map(lambda items: [{"name": f"h{index}", **item} for index, item in enumerate(items)])


@given(FLEET, st.integers(1, 12))
def test_no_host_beyond_its_capacity(hosts: list[dict], number: int) -> None:
    result = one(request(number, min_count=1), copy.deepcopy(hosts))
    placed = [pick["host"] for pick in result["picks"] if pick.get("host")] if result["result"] in ("ok", "partial") else []
    for item in hosts:
        here = placed.count(item["name"])
        if here:
            assert item["used"]["MEMORY_MB"] + 1024 * here <= item["memory_mb"]
            assert item["used"]["VCPU"] + here <= item["vcpus"] * 4
            assert item["used"]["DISK_GB"] + 10 * here <= item["disk_gb"]


@given(FLEET, st.integers(1, 8))
def test_the_same_input_gives_the_same_answer(hosts: list[dict], number: int) -> None:
    assert one(request(number), copy.deepcopy(hosts)) == one(request(number), copy.deepcopy(hosts))


@given(FLEET, st.integers(1, 8))
def test_another_host_never_loses_a_placement(hosts: list[dict], number: int) -> None:
    before = one(request(number, min_count=1), copy.deepcopy(hosts))
    after = one(request(number, min_count=1), [*copy.deepcopy(hosts), host("new")])

    def count(result: dict) -> int:
        return sum(1 for pick in result["picks"] if pick.get("host")) if result["result"] in ("ok", "partial") else 0

    assert count(after) >= count(before)


@given(FLEET, st.integers(1, 8))
def test_anti_affinity_is_never_broken(hosts: list[dict], number: int) -> None:
    group = {"uuid": "g", "policy": "anti-affinity", "members": []}
    result = one(request(number, group="g", min_count=1), copy.deepcopy(hosts), groups=[group])
    placed = [pick["host"] for pick in result["picks"] if pick.get("host")]
    assert len(placed) == len(set(placed))


@given(FLEET, st.integers(1, 8), st.randoms(use_true_random=False))
def test_the_order_of_hosts_decides_ties_only(hosts: list[dict], number: int, rng: t.Any) -> None:
    other = copy.deepcopy(hosts)
    rng.shuffle(other)
    before, after = one(request(number, min_count=1), copy.deepcopy(hosts)), one(request(number, min_count=1), other)
    for here, there in zip(before["picks"], after["picks"], strict=False):
        if here.get("host") != there.get("host"):
            assert {here["host"], there["host"]} <= set(here["tied_for_best"])
            break
    else:
        assert before["result"] == after["result"]


def test_how_many_are_asked_for_tells_requests_apart() -> None:
    config = {"filter_scheduler": {"enabled_filters": [{"expression": "request.number < 3 or host.name == 'b'"}]}}
    results = schedule([request(1, id="few"), request(3, id="many")], [host("a"), host("b"), host("c")], [], [], config)["results"]
    assert [hosts_of(result) for result in results] == [["a"], ["b", "b", "b"]]


def test_a_server_that_is_there_tells_requests_apart() -> None:
    groups = [{"uuid": "g", "policy": "anti-affinity", "members": ["old"]}]
    hosts = [host("a", instances=[{"uuid": "old"}])]
    specs = [{**request(1, id="new", group="g")}, {**request(1, id="old", group="g"), "instance_uuids": ["old"]}]
    assert [result["result"] for result in schedule(specs, hosts, [], groups, None)["results"]] == ["no_valid_host", "ok"]


def test_image_properties_of_servers_of_the_same_request_weigh_nothing_those_of_earlier_requests_do() -> None:
    config = {"filter_scheduler": {"weight_classes": ["ImagePropertiesWeigher"], "image_props_weight_multiplier": 1.0}}
    image = {"id": "i", "properties": {"os_type": "linux"}}
    hosts = [host("a", instances=[{"uuid": "old", "image_properties": {"os_type": "linux"}}]), host("b")]
    first, second = schedule([request(3, id="x", image=image), request(1, id="y", image=image)], hosts, [], [], config)["results"]
    assert [pick["weights"]["a"]["ImagePropertiesWeigher"]["raw"] for pick in first["picks"]] == [1.0, 1.0, 1.0]
    assert second["picks"][0]["weights"]["a"]["ImagePropertiesWeigher"]["raw"] == 4.0
