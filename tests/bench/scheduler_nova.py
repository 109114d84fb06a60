# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Times Nova's own SchedulerManager._schedule on the same fleet and request, with Nova's default options; runs in an environment that has nova.

No database, message queue or Placement: the host states are there already, and a claim is a subtraction in a ledger.
"""

from __future__ import annotations

import datetime
import itertools
import json
import os
import statistics
import time
import typing as t

import scheduler_fleet as fleet

os.environ["OS_NOVA_DISABLE_EVENTLET_PATCHING"] = "1"

import nova.conf
from nova import context, objects
from nova.scheduler import host_manager, manager

RUNS = 3
CELL = "00000000-0000-0000-0000-00000000ce11"
# No more picks are begun after this: the rest is extrapolated.
BUDGET_S = 20.0
RESOURCES = {"VCPU": "vcpus", "MEMORY_MB": "memory_mb", "DISK_GB": "disk_gb"}
RATIO = {"VCPU": 4.0, "MEMORY_MB": 1.0, "DISK_GB": 1.0}
ASKED = {"VCPU": fleet.FLAVOR["vcpus"], "MEMORY_MB": fleet.FLAVOR["memory_mb"], "DISK_GB": fleet.FLAVOR["root_gb"]}


class OutOfTime(Exception):
    """The budget is spent."""


class Ledger:
    """Placement's part: room by provider, and when each claim came."""

    def __init__(self, facts: list[fleet.Data]) -> None:
        self.room = {host["uuid"]: self._room(host) for host in facts}
        self.picks: list[str] = []
        self.times: list[float] = []
        self.until = float("inf")

    @staticmethod
    def _room(host: fleet.Data) -> int:
        """How many servers fit."""
        return min((int((host[key] - host["reserved"][name]) * RATIO[name]) - host["used"][name]) // ASKED[name] for name, key in RESOURCES.items())

    def claim_resources(self, _context: t.Any, _consumer: str, allocation: fleet.Data, *_names: t.Any, **_versions: t.Any) -> bool:
        """As the report client's: one server on the provider of the allocation request."""
        (provider,) = allocation["allocations"]
        if not self.room[provider]:
            return False
        self.room[provider] -= 1
        self.picks.append(provider)
        now = time.perf_counter()
        self.times.append(now)
        if now > self.until:
            raise OutOfTime
        return True


class HostManager(host_manager.HostManager):
    """Nova's filters and weighers, with host states that are there already."""

    def refresh_cells_caches(self) -> None:
        """No cells database."""

    def _init_aggregates(self) -> None:
        """No database."""

    def _init_instance_info(self, computes_by_cell: t.Any = None) -> None:
        """No database."""


class Scheduler(manager.SchedulerManager):
    """Nova's scheduler with a ledger for Placement."""

    placement_client = None

    def __init__(self, ledger: Ledger, states: list[host_manager.HostState]) -> None:
        self.host_manager = HostManager()
        self.placement_client = ledger
        self._states = states

    def _get_all_host_states(self, *_request: t.Any) -> t.Iterator[host_manager.HostState]:
        return iter(self._states)


def host_states(facts: list[fleet.Data]) -> list[host_manager.HostState]:
    """As HostState.update fills them from the database."""
    zones = {zone: objects.Aggregate(id=number, name=zone, metadata={"availability_zone": zone}) for number, zone in enumerate(fleet.ZONES)}
    states = []
    for number, host in enumerate(facts):
        state = host_manager.HostState(host["name"], host["name"], CELL)
        reserved, used = host["reserved"], host["used"]
        state.uuid = host["uuid"]
        state.total_usable_ram_mb, state.total_usable_disk_gb, state.vcpus_total = host["memory_mb"], host["disk_gb"], host["vcpus"]
        state.free_ram_mb = host["memory_mb"] - reserved["MEMORY_MB"] - used["MEMORY_MB"]
        state.free_disk_mb = 1024 * (host["disk_gb"] - reserved["DISK_GB"] - used["DISK_GB"])
        state.vcpus_used = used["VCPU"] + reserved["VCPU"]
        state.cpu_allocation_ratio, state.ram_allocation_ratio, state.disk_allocation_ratio = RATIO.values()
        state.num_instances, state.num_io_ops, state.failed_builds = len(host["instances"]), host["num_io_ops"], host["failed_builds"]
        state.hypervisor_type, state.hypervisor_version, state.hypervisor_hostname = "QEMU", host["hypervisor_version"], host["name"]
        state.supported_instances, state.cpu_info, state.stats, state.host_ip = [["x86_64", "kvm", "hvm"]], "{}", {}, "192.0.2.1"
        state.metrics = objects.MonitorMetricList(objects=[])
        state.aggregates = [zones[fleet.zone(number)]]
        state.instances = {instance["uuid"]: objects.Instance(uuid=instance["uuid"]) for instance in host["instances"]}
        state.service = host_manager.ReadOnlyDict(
            {"host": host["name"], "disabled": False, "disabled_reason": None, "forced_down": False, "last_seen_up": datetime.datetime.now(datetime.UTC)}
        )
        states.append(state)
    return states


def request_spec(asked: fleet.Data, admin: context.RequestContext) -> objects.RequestSpec:
    """The same request, as the conductor hands it on."""
    flavor = objects.Flavor(flavorid="bench", swap=0, **{key: value for key, value in asked["flavor"].items() if key not in ("id", "swap")})
    return objects.RequestSpec(
        admin,
        flavor=flavor,
        image=objects.ImageMeta(id=asked["image"]["id"], properties=objects.ImageMetaProps()),
        num_instances=asked["num_instances"],
        instance_uuid=asked["instance_uuids"][0],
        is_bfv=False,
        project_id="demo",
        user_id="demo",
        instance_group=None,
        numa_topology=None,
        pci_requests=objects.InstancePCIRequests(requests=[]),
        requested_resources=[],
        requested_destination=None,
        availability_zone=None,
        scheduler_hints={},
        ignore_hosts=None,
        force_hosts=None,
        force_nodes=None,
        limits=objects.SchedulerLimits(),
        retry=None,
    )


def one(facts: list[fleet.Data], batch: int, until: float) -> tuple[float, Ledger]:
    """(seconds for the whole request, what was picked); the seconds are extrapolated where the time is up before the last pick."""
    admin = context.RequestContext("demo", "demo", is_admin=True)
    asked = fleet.request(batch)
    ledger = Ledger(facts)
    scheduler, spec = Scheduler(ledger, host_states(facts)), request_spec(asked, admin)
    candidates = {uuid: [{"allocations": {uuid: {"resources": ASKED}}, "mappings": {"": [uuid]}}] for uuid in ledger.room if ledger.room[uuid] > 0}
    ledger.until = until
    begin = time.perf_counter()
    try:
        scheduler._schedule(admin, spec, asked["instance_uuids"], candidates, {}, "1.36", return_alternates=True)
        return time.perf_counter() - begin, ledger
    except OutOfTime:
        # The first pick runs more filters than the others, so it is not among what is extrapolated; the alternates cost one round more.
        first = ledger.times[0] - begin
        each = statistics.median([after - before for before, after in itertools.pairwise(ledger.times)] or [first])
        return first + each * batch, ledger


def run(number: int, batch: int) -> fleet.Data:
    """The median of as many runs as fit into the budget."""
    nova.conf.CONF([], project="nova", default_config_files=[])
    objects.register_all()
    facts = fleet.hosts(number)
    one(fleet.hosts(10), 2, float("inf"))
    names = {host["uuid"]: host["name"] for host in facts}
    until = time.perf_counter() + BUDGET_S
    seconds, ledger = one(facts, batch, until)
    took = [seconds]
    while len(took) < RUNS and time.perf_counter() + took[0] < until:
        took.append(one(facts, batch, float("inf"))[0])
    return {
        "seconds": statistics.median(took),
        "peak_rss_mb": fleet.peak_rss_mb(),
        "picks": [names[uuid] for uuid in ledger.picks],
    }


if __name__ == "__main__":
    print(json.dumps(run(*fleet.arguments())))
