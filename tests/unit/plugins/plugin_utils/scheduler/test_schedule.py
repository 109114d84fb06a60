from __future__ import annotations

import copy
import typing as t

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.kvmfleet.compute.plugins.plugin_utils.scheduler import explain
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.scheduler.schedule import schedule
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.shapes import FleetHost, RequestSpec, ScheduleResult, Target
from ansible_collections.kvmfleet.compute.tests.unit import make

Changes = dict[str, t.Any]
SMALL = make.flavor(memory_mb=1024)


def host(name: str, memory: int = 8192, **fields: t.Any) -> FleetHost:
    return make.host(name, memory_mb=memory, **fields)


def request(number: int = 1, **fields: t.Any) -> RequestSpec:
    return make.request_spec(number, **{"flavor": SMALL, **fields})


def hosts_of(result: ScheduleResult) -> list[str | None]:
    return [pick["host"] for pick in result["picks"]]


def one(spec: RequestSpec, hosts: list[FleetHost], **more: t.Any) -> ScheduleResult:
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


def target(zone: str | None = None, host: str | None = None, node: str | None = None) -> Target:
    return {"zone": zone, "host": host, "node": node}


def test_zone_disabled_and_forced() -> None:
    zones = [make.zone("az1", "a"), make.zone("az2", "b")]
    hosts = [host("a"), host("b"), host("c", service={"disabled": True, "disabled_reason": "broken fan"})]
    assert hosts_of(one(request(target=target("az2")), hosts, aggregates=zones)) == ["b"]
    assert hosts_of(one(request(target=target("az1", "a")), hosts, aggregates=zones)) == ["a"]
    forced = one(request(target=target(host="c")), hosts, aggregates=zones)
    assert forced["result"] == "no_valid_host"
    assert explain.reasons(forced) == {"a": "not the forced host c", "b": "not the forced host c", "c": "disabled: broken fan"}


def test_a_forced_host_goes_without_the_filters_and_is_found_in_any_case() -> None:
    config = {"filter_scheduler": {"enabled_filters": [{"expression": "false"}]}}
    assert hosts_of(one(request(target=target(host="B")), [host("a"), host("b")], config=config)) == ["b"]
    assert hosts_of(one(request(target=target(node="node2")), [host("a"), host("b", node="node2")], config=config)) == ["b"]


def test_a_requested_host_is_filtered_all_the_same() -> None:
    config = {"filter_scheduler": {"enabled_filters": [{"expression": "host.name != 'b'", "name": "not-b"}]}}
    result = one(request(requested_destination={"host": "b", "node": None}), [host("a"), host("b")], config=config)
    assert explain.reasons(result) == {"a": "not the requested host b", "b": "not-b: the expression is not true for this host"}


def test_a_host_without_the_network_is_no_candidate() -> None:
    spec = request(networks=[{"name": "lan", "binding": {"type": "bridge", "name": "br1"}}])
    hosts = [host(name, networks={"bridges": [{"name": bridge, "up": True, "mtu": 1500}], "libvirt": []}) for name, bridge in (("a", "br0"), ("b", "br1"))]
    result = one(spec, hosts)
    assert hosts_of(result) == ["b"]
    assert explain.reasons(result)["a"] == "network lan: the host has no bridge br1"


def test_a_host_that_cannot_enforce_port_security_is_no_candidate_for_ports_that_have_it() -> None:
    networks = {"bridges": [{"name": "br1", "up": True, "mtu": 1500}], "libvirt": []}
    hosts = [host(name, networks={**networks, "unfiltered": why}) for name, why in (("a", "it is off"), ("b", None))]
    for secured, chosen in ((True, ["b"]), (False, ["a"])):
        spec = request(networks=[{"name": "lan", "binding": {"type": "bridge", "name": "br1"}, "port_security_enabled": secured}])
        result = one(spec, hosts if secured else hosts[:1])
        assert hosts_of(result) == chosen
    assert explain.reasons(one({**spec, "networks": [{**spec["networks"][0], "port_security_enabled": True}]}, hosts))["a"] == "network lan: it is off"


def test_a_host_whose_bridge_is_too_small_for_the_network_is_no_candidate() -> None:
    spec = request(networks=[{"name": "lan", "binding": {"type": "bridge", "name": "br0"}, "mtu": 9000}])
    hosts = [host(name, networks={"bridges": [{"name": "br0", "up": True, "mtu": mtu}], "libvirt": []}) for name, mtu in (("a", 1500), ("b", 9000))]
    result = one(spec, hosts)
    assert hosts_of(result) == ["b"]
    assert explain.reasons(result)["a"] == "network lan: bridge br0 carries packets of up to 1500 bytes, and the network's MTU is 9000"


@pytest.mark.parametrize("limited", [True, False])
def test_a_host_that_can_not_limit_bandwidth_is_no_candidate_for_a_server_with_a_limit(limited: bool) -> None:
    spec = request(networks=[{"name": "lan", "binding": {"type": "bridge", "name": "br0"}, "limited": limited}])
    there: t.Any = {"bridges": [{"name": "br0", "up": True, "mtu": 1500}], "libvirt": []}
    hosts = [host("a", networks={**there, "unlimited": "the host has no tc"}), host("b", networks={**there, "unlimited": None}), host("c", networks=there)]
    result = one(spec, hosts)
    assert explain.reasons(result).get("a") == ("network lan: the host has no tc" if limited else None)


@pytest.mark.parametrize("served", [True, False])
def test_a_host_that_can_not_answer_guests_is_no_candidate_for_one_that_it_must_answer(served: bool) -> None:
    spec = request(networks=[{"name": "lan", "binding": {"type": "bridge", "name": "br0"}, "served": served}])
    there: t.Any = {"bridges": [{"name": "br0", "up": True, "mtu": 1500}], "libvirt": []}
    hosts = [host("a", networks={**there, "no_dhcp": "the host has no dnsmasq"}), host("b", networks={**there, "no_dhcp": None}), host("c", networks=there)]
    result = one(spec, hosts)
    assert explain.reasons(result).get("a") == ("network lan: the host has no dnsmasq" if served else None)


OVER: t.Any = {"name": "over", "bridge": "br-ovs", "active": True, "kind": "openvswitch", "vlan": None, "portgroups": []}


@pytest.mark.parametrize(
    ("wanted", "networks", "why"),
    [
        ({"binding": {"type": "openvswitch", "name": "br-ovs"}}, {}, "the host has no Open vSwitch bridge br-ovs"),
        ({"binding": {"type": "openvswitch", "name": "br-ovs"}}, {"no_switches": "it is down"}, "the host has no Open vSwitch bridge br-ovs: it is down"),
        ({"binding": {"type": "macvtap", "name": "eth1"}}, {}, "the host has no device eth1 for macvtap"),
        ({"binding": make.user()}, {}, "it is not known whether the host has passt"),
        ({"binding": make.user()}, {"user_backends": {"passt": "passt is not installed on the host"}}, "passt is not installed on the host"),
        (
            {"binding": {"type": "libvirt_network", "name": "over"}, "port_security_enabled": True},
            {"libvirt": [OVER]},
            "libvirt network over of the host is on Open vSwitch, which can't enforce port security; port_security_enabled: false leaves its ports open",
        ),
        (
            {"binding": {"type": "libvirt_network", "name": "over"}, "limited": True},
            {"libvirt": [OVER]},
            "libvirt network over of the host is on Open vSwitch, where bandwidth can't be limited",
        ),
        (
            {"binding": {"type": "libvirt_network", "name": "over", "portgroup": "five"}},
            {"libvirt": [OVER]},
            "libvirt network over of the host has no portgroup five",
        ),
    ],
)
def test_a_host_without_what_a_network_is_on_is_no_candidate(wanted: dict[str, t.Any], networks: dict[str, t.Any], why: str) -> None:
    has = {
        "bridges": [],
        "libvirt": [{"name": "over", "bridge": "virbr0", "active": True, "portgroups": [{"name": "five", "default": False, "vlan": None}]}],
        "switches": [{"name": "br-ovs", "port_mtu": None}],
        "devices": [{"name": "eth1", "up": True, "mtu": 1500, "port_of": None}],
        "user_backends": {"passt": None, "slirp": None},
    }
    lacks = {"bridges": [], "libvirt": [], **networks}
    result = one(request(networks=[{"name": "lan", **wanted}]), [host("a", networks=lacks), host("b", networks=has)])
    assert (hosts_of(result), explain.reasons(result)["a"]) == (["b"], f"network lan: {why}")


def test_a_broken_extra_spec_refuses_its_own_request_only() -> None:
    broken = request(id="broken", flavor=make.flavor(extra_specs={"capabilities:vcpus_total": ">= many"}))
    results = schedule([broken, request(id="good")], [host("a"), host("b")], [], [], None)["results"]
    assert [result["result"] for result in results] == ["scheduler_crash", "ok"]
    assert "ValueError" in results[0]["message"]


def test_the_table_is_short_and_whole_at_verbosity() -> None:
    result = one(request(1), [host("a"), host("b"), host("full", 600)])
    short, long = explain.table([(["web"], result)]), explain.table([(["web"], result)], whole=True)
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
).map(lambda items: [make.host(f"h{index}", **item) for index, item in enumerate(items)])


@given(FLEET, st.integers(1, 12))
def test_no_host_beyond_its_capacity(hosts: list[FleetHost], number: int) -> None:
    result = one(request(number, min_count=1), copy.deepcopy(hosts))
    placed = [pick["host"] for pick in result["picks"] if pick["host"]] if result["result"] in ("ok", "partial") else []
    for item in hosts:
        here = placed.count(item["name"])
        if here:
            assert item["used"]["MEMORY_MB"] + 1024 * here <= item["memory_mb"]
            assert item["used"]["VCPU"] + here <= item["vcpus"] * 4
            assert item["used"]["DISK_GB"] + 10 * here <= item["disk_gb"]


@given(FLEET, st.integers(1, 8))
def test_the_same_input_gives_the_same_answer(hosts: list[FleetHost], number: int) -> None:
    assert one(request(number), copy.deepcopy(hosts)) == one(request(number), copy.deepcopy(hosts))


@given(FLEET, st.integers(1, 8))
def test_another_host_never_loses_a_placement(hosts: list[FleetHost], number: int) -> None:
    before = one(request(number, min_count=1), copy.deepcopy(hosts))
    after = one(request(number, min_count=1), [*copy.deepcopy(hosts), host("new")])

    def count(result: ScheduleResult) -> int:
        return sum(1 for pick in result["picks"] if pick["host"]) if result["result"] in ("ok", "partial") else 0

    assert count(after) >= count(before)


@given(FLEET, st.integers(1, 8))
def test_anti_affinity_is_never_broken(hosts: list[FleetHost], number: int) -> None:
    group = make.spec_group("g", "anti-affinity")
    result = one(request(number, group="g", min_count=1), copy.deepcopy(hosts), groups=[group])
    placed = [pick["host"] for pick in result["picks"] if pick["host"]]
    assert len(placed) == len(set(placed))


@given(FLEET, st.integers(1, 8), st.randoms(use_true_random=False))
def test_the_order_of_hosts_decides_ties_only(hosts: list[FleetHost], number: int, rng: t.Any) -> None:
    other = copy.deepcopy(hosts)
    rng.shuffle(other)
    before, after = one(request(number, min_count=1), copy.deepcopy(hosts)), one(request(number, min_count=1), other)
    for here, there in zip(before["picks"], after["picks"], strict=False):
        if here["host"] != there["host"]:
            assert {here["host"], there["host"]} <= set(here["tied_for_best"])
            break
    else:
        assert before["result"] == after["result"]


def test_how_many_are_asked_for_tells_requests_apart() -> None:
    config = {"filter_scheduler": {"enabled_filters": [{"expression": "request.number < 3 or host.name == 'b'"}]}}
    results = schedule([request(1, id="few"), request(3, id="many")], [host("a"), host("b"), host("c")], [], [], config)["results"]
    assert [hosts_of(result) for result in results] == [["a"], ["b", "b", "b"]]


def test_a_server_that_is_there_tells_requests_apart() -> None:
    groups = [make.spec_group("g", "anti-affinity", members=["old"])]
    hosts = [host("a", instances=[{"uuid": "old"}])]
    specs = [request(1, id="new", group="g"), request(1, id="old", group="g", instance_uuids=["old"])]
    assert [result["result"] for result in schedule(specs, hosts, [], groups, None)["results"]] == ["no_valid_host", "ok"]


def test_image_properties_of_servers_of_the_same_request_weigh_nothing_those_of_earlier_requests_do() -> None:
    config = {"filter_scheduler": {"weight_classes": ["ImagePropertiesWeigher"], "image_props_weight_multiplier": 1.0}}
    image = {"id": "i", "disk_format": "qcow2", "properties": {"os_type": "linux"}}
    hosts = [host("a", instances=[{"uuid": "old", "image": image}]), host("b")]
    first, second = schedule([request(3, id="x", image=image), request(1, id="y", image=image)], hosts, [], [], config)["results"]
    assert [pick["weights"]["a"]["ImagePropertiesWeigher"]["raw"] for pick in first["picks"]] == [1.0, 1.0, 1.0]
    assert second["picks"][0]["weights"]["a"]["ImagePropertiesWeigher"]["raw"] == 4.0


def test_an_older_name_of_an_image_property_weighs_as_its_present_one() -> None:
    config = {"filter_scheduler": {"weight_classes": ["ImagePropertiesWeigher"], "image_props_weight_multiplier": 1.0}}
    hosts = [host("a"), host("b", instances=[{"uuid": "old", "image": {"properties": {"architecture": "x86_64"}}}])]
    image = {"id": "i", "disk_format": "qcow2", "properties": {"hw_architecture": "x86_64"}}
    assert hosts_of(one(request(image=image), hosts, config=config)) == ["b"]


GPU = {"name": "gpu", "vendor_id": "10de", "product_id": "20b0", "device_type": "type-PCI"}


def gpus(number: int) -> list[dict[str, t.Any]]:
    return [{"vendor_id": "10de", "product_id": "20b0", "dev_type": "type-PCI", "count": number, "numa_node": None}]


def cells(memory: int) -> list[dict[str, t.Any]]:
    return [{"id": 0, "cpuset": [0, 1, 2, 3], "pcpuset": [], "memory_mb": memory, "siblings": [], "mempages": []}]


@pytest.mark.parametrize(
    ("filters", "spec", "of_a", "of_b", "nearest"),
    [
        (
            ["PciPassthroughFilter"],
            {"flavor": make.flavor(extra_specs={"pci_passthrough:alias": "gpu:4"})},
            {"pci_pools": gpus(1)},
            {"pci_pools": gpus(3)},
            "b (PciPassthroughFilter: PCI gpu: 3 devices left, 4 requested)",
        ),
        (
            ["NUMATopologyFilter"],
            {"flavor": make.flavor(memory_mb=4096, extra_specs={"hw:numa_nodes": "1"})},
            {"numa_cells": cells(3072)},
            {"numa_cells": cells(1024)},
            "a (NUMATopologyFilter: cell 0: 3072 MB of memory, 4096 MB requested)",
        ),
        (
            ["NumInstancesFilter"],
            {},
            {"num_instances": 70},
            {"num_instances": 50},
            "b (NumInstancesFilter: 50 servers on the host, at most 50 allowed)",
        ),
        (
            ["IoOpsFilter"],
            {},
            {"num_io_ops": 9},
            {"num_io_ops": 8},
            "b (IoOpsFilter: 8 I/O operations on the host, at most 8 allowed)",
        ),
        # Without an amount the nearest is the host that passed more filters.
        (
            [{"expression": "host.name == 'b'", "name": "first"}, {"expression": "false", "name": "second"}],
            {},
            {},
            {},
            "b (second: the expression is not true for this host)",
        ),
        (
            ["SimpleCIDRAffinityFilter"],
            {"scheduler_hints": {"build_near_host_ip": "192.0.2.7"}},
            {"service": {"disabled": True, "disabled_reason": "fan"}},
            {"host_ip": None},
            "b (SimpleCIDRAffinityFilter: the address of the host is unknown, one in 192.0.2.0/24 is requested)",
        ),
    ],
)
def test_the_nearest_miss_is_named_with_its_numbers(filters: list[t.Any], spec: Changes, of_a: Changes, of_b: Changes, nearest: str) -> None:
    config = {"filter_scheduler": {"enabled_filters": filters}, "pci": {"alias": [GPU]}}
    result = one(request(**spec), [host("a", **of_a), host("b", **of_b)], config=config)
    assert result["message"].rpartition("; nearest miss: ")[2] == nearest


def test_a_host_that_does_not_report_what_an_image_requires_is_out() -> None:
    image = {"id": "i", "disk_format": "qcow2", "properties": {"hw_architecture": "x86_64", "img_hv_requested_version": ">=8.0"}}
    hosts = [host("a", supported_instances=None), host("b", hypervisor_version=None), host("c")]
    result = one(request(image=image), hosts)
    assert hosts_of(result) == ["c"]
    assert explain.reasons(result) == {
        "a": "ImagePropertiesFilter: the image requires x86_64, the host does not report what it supports",
        "b": "ImagePropertiesFilter: the image requires hypervisor version >=8.0, the host reports none",
    }


def test_a_filter_of_ones_own_may_give_a_text_for_a_reason() -> None:
    own = "ansible_collections.kvmfleet.compute.tests.unit.plugins.plugin_utils.scheduler.own.EvenFilter"
    groups = [make.spec_group("g", members=["old"])]
    hosts = [host("a", instances=[{"uuid": "old"}]), host("b")]
    result = one(request(), hosts, groups=groups, config={"filter_scheduler": {"enabled_filters": [own]}})
    assert result["picks"][0]["removed"] == {"b": {"filter": "EvenFilter", "reason": "odd", "left": None, "asked": None}}


def test_of_what_a_host_has_too_little_of_the_scarcest_is_told_so_that_the_nearest_miss_is_one() -> None:
    both = host("both", memory=1024, used={"VCPU": 31})
    result = one(request(flavor=make.flavor(vcpus=2, memory_mb=16384)), [both, host("memory")])
    assert explain.reasons(result)["both"].startswith("MEMORY_MB: 1024 left of")
    assert "nearest miss: memory (MEMORY_MB: 8192 left of" in result["message"]


def test_members_that_no_facts_show_count_where_they_are_said_to_be() -> None:
    hosts = [host("a", 16384), host("b")]
    for policy, where in (("anti-affinity", "b"), ("affinity", "a")):
        result = schedule([request(group="g")], hosts, [], [make.spec_group("g", policy)], members={"g": {"other": "a", "lost": "z"}, "unknown": {"x": "a"}})
        assert hosts_of(result["results"][0]) == [where]


def test_what_was_placed_before_has_its_room_and_its_group() -> None:
    hosts = [host("a", 2048), host("b", 1536)]
    before = request(id="before", group="g", flavor=make.flavor(memory_mb=1536))
    assert hosts_of(schedule([request()], hosts, [], [make.spec_group("g")], occupied=[(before, {"before-0": "a"})])["results"][0]) == ["b"]
    apart = schedule(
        [request(group="g")], [host("a", 16384), host("b")], [], [make.spec_group("g", "anti-affinity")], occupied=[(before, {"before-0": "a", "x": "z"})]
    )
    assert hosts_of(apart["results"][0]) == ["b"]
