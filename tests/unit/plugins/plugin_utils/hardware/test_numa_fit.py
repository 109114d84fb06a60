from __future__ import annotations

import copy
import typing as t

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.kvmfleet.compute.plugins.module_utils.reason import Reason
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.hardware import numa_cells, numa_fit
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.scheduler import schedule
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.scheduler.config import Config
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.scheduler.filters.numa_topology import NUMATopologyFilter
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.scheduler.host_state import HostState
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.scheduler.membership import Membership
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.scheduler.request import Request, RequestError
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.shapes import FleetHost, RequestSpec, ScheduleResult
from ansible_collections.kvmfleet.compute.tests.unit import make

NOVA = {"kvmfleet": {"profile": "nova"}, "filter_scheduler": {"enabled_filters": ["NUMATopologyFilter"]}}
CONFIG = Config(NOVA)


def cell(number: int, cores: int = 4, threads: int = 1, shared: int = 0, memory: int = 4096, huge: int = 0, **fields: t.Any) -> dict[str, t.Any]:
    """``cores`` for pinning beside ``shared`` ones; ``huge`` of the memory's pages are of 2 MB."""
    first = number * 100
    cpus = list(range(first, first + (cores + shared) * threads))
    return {
        "id": number,
        "cpuset": cpus[: shared * threads],
        "pcpuset": cpus[shared * threads :],
        "siblings": [cpus[at : at + threads] for at in range(0, len(cpus), threads)],
        "memory_mb": memory,
        "mempages": [{"size_kb": 4, "total": (memory - 2 * huge) * 256}, {"size_kb": 2048, "total": huge}],
        "socket": number // 2,
        **fields,
    }


def host(*cells: dict[str, t.Any], name: str = "h", **fields: t.Any) -> FleetHost:
    vcpus = sum(len(item["cpuset"]) for item in cells)
    pcpus = sum(len(item["pcpuset"]) for item in cells)
    return make.host(name, **{"vcpus": vcpus or 1, "pcpus": pcpus, "memory_mb": 65536, "numa_cells": list(cells), **fields})


def spec(vcpus: int = 2, memory: int = 1024, number: int = 1, **extra_specs: str) -> RequestSpec:
    specs = {f"hw:{name}": value for name, value in extra_specs.items()}
    return make.request_spec(number, flavor=make.flavor(vcpus=vcpus, memory_mb=memory, root_gb=0, extra_specs=specs))


def answer(*specs: RequestSpec, hosts: list[FleetHost], config: dict[str, t.Any] | None = None) -> list[ScheduleResult]:
    return schedule.schedule(list(specs), hosts, [], [], NOVA if config is None else config)["results"]


def pinnings(facts: FleetHost, wanted: RequestSpec) -> list[set[int]]:
    """The host CPUs of each of the guest's cells."""
    guest = numa_cells.guest(wanted["flavor"], {})
    assert guest
    fitted, why = numa_fit.fit(numa_cells.host_cells(facts["numa_cells"]), guest)
    assert fitted, why
    return [set(item.pinning.values()) for item in fitted.cells]


def reason(facts: FleetHost, wanted: RequestSpec) -> str | None:
    why = NUMATopologyFilter(CONFIG, {}).reason(HostState(facts, Membership([]), 0), Request(wanted, {}, CONFIG))
    return why.text if isinstance(why, Reason) else why


def test_thread_policies() -> None:
    threads = host(cell(0, cores=4, threads=2))
    assert pinnings(threads, spec(4, cpu_policy="dedicated")) == [{0, 1, 2, 3}]
    assert pinnings(threads, spec(4, cpu_policy="dedicated", cpu_thread_policy="require")) == [{0, 1, 2, 3}]
    assert pinnings(host(cell(0, cores=4, threads=1)), spec(3, cpu_policy="dedicated", cpu_thread_policy="isolate")) == [{0, 1, 2}]
    isolate = spec(2, cpu_policy="dedicated", cpu_thread_policy="isolate")
    assert reason(threads, isolate) == "cell 0: cores have 2 threads, policy isolate needs cores with one"
    require = spec(2, cpu_policy="dedicated", cpu_thread_policy="require")
    assert reason(host(cell(0)), require) == "cores have one thread, policy require needs siblings"


def test_isolate_takes_the_siblings_of_a_host_that_sets_no_cpus_apart() -> None:
    both = cell(0, cores=2, threads=2)
    both["cpuset"] = both["pcpuset"]
    facts = host(both)
    results = answer(spec(1, number=2, cpu_policy="dedicated", cpu_thread_policy="isolate"), spec(1, cpu_policy="dedicated"), hosts=[facts])
    assert [result["result"] for result in results] == ["ok", "no_valid_host"]


def test_the_emulator_gets_a_cpu_in_the_first_cell() -> None:
    wanted = spec(4, cpu_policy="dedicated", numa_nodes="2", emulator_threads_policy="isolate")
    assert reason(host(cell(0, cores=3), cell(1, cores=2)), wanted) is None
    assert "2 dedicated CPUs, 3 requested" in str(reason(host(cell(0, cores=2), cell(1, cores=2)), wanted))
    assert Request(wanted, {}, CONFIG).resources_on("h")["PCPU"] == 5


def test_mixed_takes_of_both() -> None:
    for mask in ({"cpu_dedicated_mask": "^0"}, {"cpu_realtime": "yes", "cpu_realtime_mask": "^0"}):
        request = Request(spec(3, cpu_policy="mixed", **mask), {}, CONFIG)
        assert request.resources_on("h") == {"PCPU": 2, "VCPU": 1, "MEMORY_MB": 1024}
        facts = HostState(host(cell(0, cores=2, shared=1)), Membership([]), 0)
        facts.consume(request, "r-0")
        assert (facts.numa[0].pinned, facts.numa[0].cpu_usage) == ({1, 2}, 1)


def test_shared_cpus_and_memory_are_overcommitted_by_the_ratios_only() -> None:
    facts = host(cell(0, cores=0, shared=2, memory=2048), vcpus=8, allocation_ratio={"VCPU": 2.0, "MEMORY_MB": 1.5})
    fits, too_many = answer(spec(2, 1024, 2, numa_nodes="1"), spec(1, 512, numa_nodes="1"), hosts=[facts])
    assert (fits["result"], too_many["result"]) == ("ok", "no_valid_host")
    assert too_many["picks"][0]["removed"]["h"]["reason"] == "cell 0: 0 shared CPUs left, 1 requested"
    assert reason(facts, spec(1, 2049, numa_nodes="1")) == "cell 0: 2048 MB of memory, 2049 MB requested"


@pytest.mark.parametrize(("size", "used"), [("small", [262144, 0]), ("4", [262144, 0]), ("large", [0, 512]), ("any", [0, 512]), ("2MB", [0, 512])])
def test_page_sizes(size: str, used: list[int]) -> None:
    facts = HostState(host(cell(0, shared=1, huge=1024)), Membership([]), 0)
    request = Request(spec(1, 1024, mem_page_size=size), {}, CONFIG)
    assert NUMATopologyFilter(CONFIG, {}).reason(facts, request) is None
    facts.consume(request, "r-0")
    assert [pages.used for pages in facts.numa[0].pages] == used


def test_page_sizes_that_there_are_not() -> None:
    assert reason(host(cell(0)), spec(1, 1024, mem_page_size="1GB")) == "cell 0: no pages of that size free, 1024 MB requested"
    assert reason(host(cell(0, huge=100)), spec(1, 1024, mem_page_size="2MB")) == "cell 0: 200 MB in pages of 2048 kB free, 1024 MB requested"


def test_the_emptiest_cell_is_first_and_the_fullest_where_packing() -> None:
    used = [cell(0, memory_usage_mb=1024, cpu_usage=1, cores=0, shared=4), cell(1, cores=0, shared=4)]
    for pack, number in ((False, 1), (True, 0)):
        config = Config({**NOVA, "compute": {"packing_host_numa_cells_allocation_strategy": pack}})
        facts, request = HostState(host(*used), Membership([]), 0), Request(spec(1, numa_nodes="1"), {}, config)
        facts.consume(request, "r-0")
        assert request.numa and request.numa.cells[0].id == number


def test_hosts_without_cells_and_with_too_few() -> None:
    assert reason(make.host(), spec(numa_nodes="2")) == "the host reports no NUMA cells, 2 requested"
    assert reason(host(cell(0)), spec(numa_nodes="2")) == "1 NUMA cells on the host, 2 requested"
    assert reason(host(cell(0)), spec()) is None


def test_what_the_api_would_refuse() -> None:
    with pytest.raises(RequestError, match="ImageNUMATopologyAsymmetric"):
        Request(spec(4, 1024, numa_nodes="3"), {}, CONFIG)
    assert answer(spec(4, 1024, numa_nodes="3"), hosts=[host(cell(0))])[0]["result"] == "api_error"


def test_dedicated_cpus_of_hosts_that_set_none_apart() -> None:
    old = make.host("old", vcpus=4)
    wanted = spec(2, cpu_policy="dedicated")
    without_filter = {"filter_scheduler": {"enabled_filters": []}}
    assert "PCPU" in answer(wanted, hosts=[old], config=without_filter)[0]["rejected_by_placement"]["old"]
    as_nova = answer(wanted, hosts=[old], config={**without_filter, "kvmfleet": {"profile": "nova"}})
    assert as_nova[0]["picks"][0]["host"] == "old"
    assert answer(wanted, hosts=[old])[0]["picks"][0]["removed"]["old"]["filter"] == "NUMATopologyFilter"


def test_odd_cells_refuse_the_request_and_take_nothing() -> None:
    broken = host(cell(0, siblings=[]), name="broken")
    results = answer(spec(1, cpu_policy="dedicated"), spec(1, numa_nodes="1", cpu_policy="shared"), hosts=[broken])
    assert [result["result"] for result in results] == ["scheduler_crash", "no_valid_host"]


CELLS = st.lists(
    st.builds(
        lambda cores, threads, memory, huge: (cores, threads, memory, huge), st.integers(1, 6), st.sampled_from([1, 2, 4]), st.integers(1, 8), st.integers(0, 3)
    ),
    min_size=1,
    max_size=3,
).map(lambda items: host(*(cell(at, cores, threads, 1, 1024 * memory, 512 * min(huge, memory)) for at, (cores, threads, memory, huge) in enumerate(items))))
PINNED = st.builds(
    lambda vcpus, memory, nodes, threads, size, emulator: spec(
        vcpus * nodes,
        512 * memory * nodes,
        numa_nodes=str(nodes),
        cpu_policy="dedicated",
        **({"cpu_thread_policy": threads} if threads else {}),
        **({"mem_page_size": size} if size else {}),
        **({"emulator_threads_policy": "isolate"} if emulator else {}),
    ),
    st.integers(1, 4),
    st.integers(1, 3),
    st.integers(1, 2),
    st.sampled_from([None, "prefer", "require", "isolate"]),
    st.sampled_from([None, "small", "large", "any", "2048"]),
    st.booleans(),
)


@given(CELLS, st.lists(PINNED, min_size=1, max_size=6))
def test_no_cpu_twice_no_page_too_many_and_all_given_back(facts: FleetHost, specs: list[RequestSpec]) -> None:
    state = HostState(facts, Membership([]), 0)
    before = copy.deepcopy(state.numa)
    undo = []
    for wanted in specs:
        request = Request(wanted, {}, CONFIG)
        if NUMATopologyFilter(CONFIG, {}).reason(state, request):
            continue
        pinned = sum(len(item.pinned) for item in state.numa)
        memory = sum(item.memory_usage_mb for item in state.numa)
        undo.append(state.consume(request, f"s-{len(undo)}"))
        taken = sum(len(item.pinned) for item in state.numa) - pinned
        if sum(item.memory_usage_mb for item in state.numa) > memory:
            assert taken == wanted["flavor"]["vcpus"] + (1 if "hw:emulator_threads_policy" in wanted["flavor"]["extra_specs"] else 0)
        for item in state.numa:
            assert item.pinned <= item.pcpuset
            assert item.memory_usage_mb <= item.memory_mb
            assert all(0 <= pages.used <= pages.total for pages in item.pages)
    for saved in reversed(undo):
        state.release(saved)
    assert state.instances == {}
    assert state.numa == before
