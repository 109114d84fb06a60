from __future__ import annotations

import typing as t

import pytest

from ansible_collections.kvmfleet.compute.plugins.plugin_utils.hardware import numa_cells, pci_alias, pci_pools
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.scheduler.schedule import schedule
from ansible_collections.kvmfleet.compute.tests.unit import make

GPU = {"name": "gpu", "vendor_id": "10de", "product_id": "20b0", "device_type": "type-PCI"}
VF = {"name": "vf", "vendor_id": "8086", "product_id": "154d", "device_type": "type-VF"}
CELLS = numa_cells.host_cells([{"id": number, "memory_mb": 1024, "socket": number // 2} for number in range(4)])


def pool(alias: dict[str, str], count: int, numa_node: int | None = None, **fields: t.Any) -> pci_pools.Pool:
    return {
        "vendor_id": alias["vendor_id"],
        "product_id": alias["product_id"],
        "dev_type": alias["device_type"],
        "count": count,
        "numa_node": numa_node,
        **fields,
    }


def asked(text: str, *aliases: dict[str, str], affinity: str | None = None) -> list[pci_pools.PciRequest]:
    return pci_alias.requests({"pci_passthrough:alias": text}, affinity, list(aliases))


def counts(left: list[pci_pools.Pool]) -> list[int]:
    return [item["count"] for item in left]


@pytest.mark.parametrize(
    ("aliases", "message"),
    [
        ([{"name": "gpu", "vendor_id": "10de"}], "lacks product_id"),
        ([{**GPU, "vendor_id": "10deg"}], "vendor_id must not be"),
        ([{**GPU, "numa_policy": "near"}], "numa_policy must not be 'near'"),
        ([{**GPU, "colour": "red"}], "colour must not be"),
        ([GPU, {**GPU, "numa_policy": "required"}], "differ in numa_policy"),
        ([GPU, {**GPU, "device_type": "type-PF"}], "differ in numa_policy or device_type"),
        (["{"], "must be a mapping"),
        ([VF], "alias gpu does not exist; known: vf"),
    ],
)
def test_aliases_that_are_refused(aliases: list[t.Any], message: str) -> None:
    with pytest.raises(pci_alias.AliasError, match=message):
        asked("gpu:1", *aliases)


def test_a_flavor_that_names_no_number() -> None:
    with pytest.raises(pci_alias.AliasError, match="must be <alias>:<number>"):
        asked("gpu", GPU)


def test_one_name_may_stand_for_several_devices() -> None:
    other = {**GPU, "product_id": "20F1"}
    requests = asked("gpu:3", GPU, other)
    assert counts(pci_pools.take([pool(GPU, 2), pool({**GPU, "product_id": "20f1"}, 2)], requests)) == [1]


def test_emptied_pools_go_and_the_special_are_last() -> None:
    free = pci_pools.pools([pool(VF, 2, physical_network="lan"), pool(VF, 1)])
    assert counts(pci_pools.take(free, asked("vf:2", VF))) == [1]
    assert counts(free) == [1, 2]
    assert str(pci_pools.shortage(free, asked("vf:4", VF))) == "PCI vf: 3 devices left, 4 requested"


def test_what_is_special_must_be_asked_for() -> None:
    plain = {key: value for key, value in VF.items() if key != "device_type"}
    function = {**VF, "device_type": "type-PF"}
    assert pci_pools.shortage([pool(function, 1), pool({**VF, "device_type": "vdpa"}, 1)], asked("vf:1", plain))
    assert not pci_pools.shortage([pool(function, 1)], asked("vf:1", function))
    assert pci_pools.shortage([pool(VF, 1, remote_managed="true")], asked("vf:1", VF))
    movable = {**VF, "live_migratable": "yes"}
    assert pci_pools.shortage([pool(VF, 1)], asked("vf:1", movable))
    assert not pci_pools.shortage([pool(VF, 1, live_migratable="true")], asked("vf:1", movable))


@pytest.mark.parametrize(
    ("policy", "numa_node", "fits"),
    [
        ("required", 0, True),
        ("required", None, False),
        ("legacy", None, True),
        ("legacy", 1, False),
        ("preferred", 3, True),
        ("socket", 1, True),
        ("socket", 2, False),
        ("socket", None, False),
    ],
)
def test_affinity(policy: str, numa_node: int | None, fits: bool) -> None:
    requests = asked("gpu:1", {**GPU, "numa_policy": policy})
    assert (pci_pools.shortage([pool(GPU, 1, numa_node)], requests, [0], CELLS) is None) is fits
    assert pci_pools.shortage([pool(GPU, 1, numa_node)], requests) is None


def test_preferred_takes_the_near_ones_first() -> None:
    left = pci_pools.take([pool(GPU, 1, 3), pool(GPU, 1, 0)], asked("gpu:1", {**GPU, "numa_policy": "preferred"}), [0], CELLS)
    assert [item["numa_node"] for item in left] == [3]


def test_devices_are_taken_between_picks_and_given_back() -> None:
    config = {
        "pci": {"alias": [GPU]},
        "filter_scheduler": {"enabled_filters": ["PciPassthroughFilter", "NUMATopologyFilter"], "pci_weight_multiplier": 1.0},
    }
    hosts = [make.host(name, pci_pools=[pool(GPU, count, 0)]) for name, count in (("a", 1), ("b", 2))]
    flavor = make.flavor(extra_specs={"pci_passthrough:alias": "gpu:1"})
    requests = [make.request_spec(number, id=str(number), flavor=flavor) for number in (4, 3)]
    refused, placed = schedule(requests, hosts, [], [], config)["results"]
    assert refused["result"] == "no_valid_host"
    assert refused["picks"][-1]["removed"]["b"] == {"filter": "PciPassthroughFilter", "reason": "PCI gpu: 0 devices left, 1 requested", "left": 0, "asked": 1}
    assert [pick["host"] for pick in placed["picks"]] == ["a", "b", "b"]


def test_a_wrong_alias_or_affinity_refuses_the_request() -> None:
    for specs in ({"pci_passthrough:alias": "nosuch:1"}, {"hw:pci_numa_affinity_policy": "odd"}):
        assert schedule([make.request_spec(flavor=make.flavor(extra_specs=specs))], [make.host()], [], [], None)["results"][0]["result"] == "api_error"
