# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The made-up fleet and request of the scheduler's bench, the same for every scheduler that is timed: nothing but the standard library."""

from __future__ import annotations

import random
import sys
import typing as t
import uuid

Data = dict[str, t.Any]
ZONES = ("zone-a", "zone-b", "zone-c")
SIZES = [(16, 65536, 800), (32, 131072, 1600), (64, 262144, 3200), (96, 524288, 6400)]
IMAGE = str(uuid.UUID(int=0))
FLAVOR = {"id": "bench", "name": "bench", "vcpus": 1, "memory_mb": 512, "root_gb": 2, "ephemeral_gb": 0, "swap": 0, "extra_specs": {}}


def host_name(number: int) -> str:
    """As an inventory would name it."""
    return f"kvm{number:05d}"


def hosts(number: int) -> list[Data]:
    """Host facts (docs/data.md): four sizes of hosts in random use, every one with room for some servers."""
    rng = random.Random(number)
    made = []
    for index in range(number):
        vcpus, memory_mb, disk_gb = rng.choice(SIZES)
        instances = [{"uuid": str(uuid.UUID(int=rng.getrandbits(128)))} for _count in range(rng.randrange(12))]
        made.append(
            {
                "name": host_name(index),
                "uuid": str(uuid.UUID(int=rng.getrandbits(128))),
                "vcpus": vcpus,
                "memory_mb": memory_mb,
                "disk_gb": disk_gb,
                "reserved": {"VCPU": rng.randrange(3), "MEMORY_MB": rng.choice([2048, 4096, 8192]), "DISK_GB": rng.randrange(20)},
                "used": {"VCPU": rng.randrange(2 * vcpus), "MEMORY_MB": rng.randrange(memory_mb * 2 // 3), "DISK_GB": rng.randrange(disk_gb * 2 // 3)},
                "instances": instances,
                "num_io_ops": rng.choice([0, 0, 0, 1, 2]),
                "failed_builds": rng.choice([0] * 9 + [1]),
                "hypervisor_version": rng.choice([8002000, 9001000, 10000000]),
            }
        )
    return made


def zone(number: int) -> str:
    """The zone of the host with this number."""
    return ZONES[number % len(ZONES)]


def aggregates(number: int) -> list[Data]:
    """The zones, as aggregates."""
    zones: dict[str, list[str]] = {}
    for index in range(number):
        zones.setdefault(zone(index), []).append(host_name(index))
    return [{"name": name, "hosts": members, "metadata": {"availability_zone": name}} for name, members in zones.items()]


def request(batch: int) -> Data:
    """One request for ``batch`` servers."""
    uuids = [str(uuid.UUID(int=number)) for number in range(1, batch + 1)]
    return {
        "id": "bench",
        "request_index": 0,
        "flavor": FLAVOR,
        "image": {"id": IMAGE, "disk_format": None, "properties": {}},
        "num_instances": batch,
        "min_count": batch,
        "instance_uuids": uuids,
        "display_names": uuids,
        "is_bfv": False,
        "target": {"zone": None, "host": None, "node": None},
        "scheduler_hints": {},
        "group": None,
        "project_id": "demo",
        "requested_destination": None,
        "ignore_hosts": [],
        "networks": [],
    }


def peak_rss_mb() -> float:
    """The most memory that this process has had. Not getrusage, whose number a child takes over from its parent."""
    with open("/proc/self/status", encoding="ascii") as status:
        kilobytes = next(line.split()[1] for line in status if line.startswith("VmHWM"))
    return round(int(kilobytes) / 1024, 1)


def arguments() -> tuple[int, int]:
    """(hosts, batch) of this process."""
    return int(sys.argv[1]), int(sys.argv[2])
