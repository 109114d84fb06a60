# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A made-up run over a made-up fleet, scheduled and placed for real: what the reports are made of."""

from __future__ import annotations

import random
import typing as t
import uuid

from ansible_collections.kvmfleet.compute.plugins.plugin_utils.allocation.addresses import AddressBook
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.allocation.place import place
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.conductor import result, rounds
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.scheduler import explain
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.scheduler.schedule import schedule
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.shapes import BuildRequest, Fleet, ReportRow, RequestSpec, Round, ScheduleResult
from ansible_collections.kvmfleet.compute.tests.unit import make


class MadeRun(t.NamedTuple):
    """What is there after the scheduler, with nothing claimed yet."""

    fleet: Fleet
    scheduled: list[ScheduleResult]
    state: Round

    @property
    def rows(self) -> list[ReportRow]:
        """The result of its servers."""
        return result.rows(self.state, False)


def fleet(hosts: int) -> Fleet:
    """Hosts h1, h2 … in three zones and random use: the fourth of each ten is disabled, the seventh can't be read."""
    rng = random.Random(hosts)
    entries: dict[str, t.Any] = {}
    for number in range(1, hosts + 1):
        vcpus = rng.choice([8, 16, 32])
        facts = make.host(
            f"h{number}",
            vcpus=vcpus,
            memory_mb=vcpus * 4096,
            disk_gb=vcpus * 50,
            disk_available_least=vcpus * 50,
            reserved={"VCPU": 1, "MEMORY_MB": 4096, "DISK_GB": 20},
            used={"VCPU": rng.randrange(vcpus * 3), "MEMORY_MB": rng.randrange(vcpus * 3000), "DISK_GB": rng.randrange(vcpus * 30)},
            service={"disabled": number % 10 == 4, "disabled_reason": "new disks" if number % 10 == 4 else None},
        )
        lost = number % 10 == 7
        entries[f"h{number}"] = {"status": "unreachable" if lost else "ok", "error": "no route to host" if lost else None, "state": None if lost else facts}
    zones = [make.zone(f"az{zone}", *(f"h{number}" for number in range(1, hosts + 1) if number % 3 == zone - 1)) for zone in (1, 2, 3)]
    return {"version": 1, "hosts": entries, "aggregates": zones}


def _request(index: int, name: str, number: int, flavor: dict[str, t.Any]) -> tuple[RequestSpec, list[BuildRequest]]:
    names = [name] if number == 1 else [f"{name}-{position}" for position in range(1, number + 1)]
    ids = [str(uuid.uuid5(uuid.NAMESPACE_DNS, one)) for one in names]
    made = make.flavor(**flavor)
    spec = make.request_spec(number, id=f"request-{index}", request_index=index, flavor=made)
    spec.update(instance_uuids=ids, display_names=names)
    requests = [
        make.build_request(
            make.instance(one, uuid=id_, flavor=made, image=make.image(), launch_index=position, domain_name=f"{one}-{id_[:8]}"),
            request_index=index,
            networks=[make.requested_network(network=make.network(make.subnet("192.0.2.0/24" if index == 0 else "198.51.96.0/19")))],
        )
        for position, (one, id_) in enumerate(zip(names, ids, strict=True))
    ]
    return spec, requests


def made(of: Fleet, *requests: tuple[str, int, dict[str, t.Any]]) -> MadeRun:
    """The run of requests (name, number of servers, fields of the flavor) over the fleet."""
    asked = [_request(index, *request) for index, request in enumerate(requests)]
    specs = [spec for spec, _requests in asked]
    hosts = [entry["state"] for entry in of["hosts"].values() if entry["state"]]
    scheduled = schedule(specs, hosts, of["aggregates"], [], None)["results"]
    numbers = iter(range(1, 1 << 24))
    book = AddressBook(hosts, lambda: next(numbers), lambda: str(uuid.UUID(int=next(numbers))))
    placed, unplaced = place(
        [one for _spec, some in asked for one in some],
        list(zip(specs, scheduled, strict=True)),
        of,
        book,
        lambda one: (one["message"], explain.reasons(one)),
    )
    state = rounds.first(placed, unplaced, run=make.run(), max_attempts=3, group_members={}, cached_images={})
    return MadeRun(of, scheduled, state)


def small() -> MadeRun:
    """Three hosts, of which one is disabled in the end, three small servers and one that fits nowhere."""
    of = fleet(3)
    service = of["hosts"]["h3"]["state"]
    if service:
        service["service"] = {"disabled": True, "disabled_reason": "new disks"}
    return made(of, ("web", 3, {"name": "m1.small", "vcpus": 2, "memory_mb": 2048}), ("huge", 1, {"name": "m1.huge", "vcpus": 200}))


def large() -> MadeRun:
    """A thousand hosts, ten requests for ten servers each."""
    return made(fleet(1000), *((f"web{index}", 10, {"name": "m1.small", "vcpus": 2, "memory_mb": 2048}) for index in range(10)))
