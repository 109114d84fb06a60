# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A host as filters and weighers see it, with Nova's attribute names (``nova/scheduler/host_manager.py: HostState``); pure."""

from __future__ import annotations

import typing as t

from ansible_collections.kvmfleet.compute.plugins.module_utils.compute.capacity import inventories, shortage
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.scheduler.request import Request

Aggregate = dict[str, t.Any]


class Membership:
    """The aggregates that a host is in; hosts in the same ones share it. What it works out it remembers."""

    def __init__(self, aggregates: list[Aggregate]) -> None:
        self.aggregates = aggregates
        self._values: dict[str, set[str]] = {}
        self._metadata: dict[str, set[str]] | None = None

    def values(self, key: str) -> set[str]:
        """The values that the aggregates give a metadata key."""
        if key not in self._values:
            self._values[key] = {aggregate["metadata"][key] for aggregate in self.aggregates if key in aggregate["metadata"]}
        return self._values[key]

    def metadata(self) -> dict[str, set[str]]:
        """All metadata of the aggregates, each value split at commas."""
        if self._metadata is None:
            self._metadata = {}
            for aggregate in self.aggregates:
                for key, value in aggregate["metadata"].items():
                    self._metadata.setdefault(key, set()).update(part.strip() for part in str(value).split(","))
        return self._metadata


def memberships(aggregates: list[Aggregate]) -> t.Callable[[str], Membership]:
    """From a host's name to its membership."""
    indexes: dict[str, list[int]] = {}
    for index, aggregate in enumerate(aggregates):
        for host in dict.fromkeys(aggregate["hosts"]):
            indexes.setdefault(host, []).append(index)
    made: dict[tuple[int, ...], Membership] = {}

    def membership(host: str) -> Membership:
        key = tuple(indexes.get(host, ()))
        if key not in made:
            made[key] = Membership([aggregates[index] for index in key])
        return made[key]

    return membership


class HostState:
    """Built from a host of docs/data.md (Host facts). ``used`` is the ledger per resource class; the free_* numbers follow from it."""

    def __init__(self, facts: dict[str, t.Any], membership: Membership, position: int) -> None:
        self.facts = facts
        self.position = position
        self.host: str = facts["name"]
        self.nodename: str = facts.get("node") or facts["name"]
        self.uuid: str = facts.get("uuid") or self.host
        self.inventory = inventories(facts)
        self.used: dict[str, int] = dict(facts.get("used") or {})
        self.membership = membership
        self.aggregates = membership.aggregates
        service = facts.get("service") if isinstance(facts.get("service"), dict) else {}
        self.service: dict[str, t.Any] = {"disabled": False, "disabled_reason": None, "forced_down": False, "host": self.host, **(service or {})}
        self.disabled = bool(self.service.get("disabled"))
        self.traits: set[str] = set(facts.get("traits") or []) | ({"COMPUTE_STATUS_DISABLED"} if self.disabled else set())
        self.instances: dict[str, dict[str, t.Any]] = {instance["uuid"]: instance for instance in facts.get("instances") or []}
        self.num_instances: int = facts["num_instances"] if facts.get("num_instances") is not None else len(self.instances)
        self.num_io_ops: int = facts.get("num_io_ops") or 0
        self.failed_builds: int = facts.get("failed_builds") or 0
        self.hypervisor_type: str = facts.get("hypervisor_type") or "QEMU"
        self.hypervisor_version: int = facts.get("hypervisor_version") if facts.get("hypervisor_version") is not None else 8002000  # type: ignore[assignment]
        self.hypervisor_hostname = self.nodename
        self.supported_instances: list[list[str]] = [["x86_64", "kvm", "hvm"]] if facts.get("supported_instances") is None else facts["supported_instances"]
        self.cpu_info: dict[str, t.Any] = facts.get("cpu_info") or {}
        self.stats: dict[str, str] = {key: str(value) for key, value in (facts.get("stats") or {}).items()}
        self.metrics: dict[str, float] = facts.get("metrics") or {}
        self.host_ip: str = facts.get("host_ip") or "192.0.2.1"
        self.pci_pools: list[dict[str, t.Any]] = [dict(pool) for pool in facts.get("pci_pools") or []]
        reserved = facts.get("reserved") or {}
        ratio = facts.get("allocation_ratio") or {}
        self._reserved: dict[str, int] = {name: reserved.get(name, 0) for name in ("VCPU", "MEMORY_MB", "DISK_GB")}
        self.cpu_allocation_ratio: float = ratio.get("VCPU", 4.0)
        self.ram_allocation_ratio: float = ratio.get("MEMORY_MB", 1.0)
        self.disk_allocation_ratio: float = ratio.get("DISK_GB", 1.0)
        self.vcpus_total: int = facts["vcpus"]
        self.total_usable_ram_mb: int = facts["memory_mb"]
        self.total_usable_disk_gb: int = facts["disk_gb"]
        self.refresh()

    def refresh(self) -> None:
        """Work out the free numbers from the ledger, as a new request's scheduling does."""
        used, facts = self.used, self.facts
        self.free_ram_mb = facts["memory_mb"] - used.get("MEMORY_MB", 0) - self._reserved["MEMORY_MB"]
        self.vcpus_used = used.get("VCPU", 0) + used.get("PCPU", 0) + self._reserved["VCPU"]
        free_gb = facts["disk_gb"] - used.get("DISK_GB", 0) - self._reserved["DISK_GB"]
        least = facts.get("disk_available_least")
        if least is not None:
            free_gb = min(free_gb, least)
        self.free_disk_mb = 1024 * free_gb

    def shortage(self, resources: dict[str, int]) -> str | None:
        """Why these resources don't fit, with the numbers; None where they do."""
        for name, amount in resources.items():
            why = shortage(name, self.inventory.get(name), self.used.get(name, 0), amount)
            if why:
                return why
        return None

    def consume(self, request: Request, uuid: str) -> None:
        """Take what a server needs, in the ledger and in the numbers that weighers see (``HostState.consume_from_request``)."""
        for name, amount in request.resources.items():
            self.used[name] = self.used.get(name, 0) + amount
        self.free_ram_mb -= int(request.flavor["memory_mb"])
        self.free_disk_mb -= request.disk_mb
        self.vcpus_used += int(request.flavor["vcpus"])
        self.num_instances += 1
        self.num_io_ops += 1
        self.instances[uuid] = {"uuid": uuid, "image_properties": request.image_properties}

    def release(self, request: Request, uuid: str) -> None:
        """Give it back; the free numbers follow at the next ``refresh``."""
        for name, amount in request.resources.items():
            self.used[name] -= amount
        self.num_instances -= 1
        self.num_io_ops -= 1
        del self.instances[uuid]

    def metadata_values(self, key: str) -> set[str]:
        """The values that the host's aggregates give a metadata key."""
        return self.membership.values(key)

    def metadata(self) -> dict[str, set[str]]:
        """All metadata of the host's aggregates, each value split at commas."""
        return self.membership.metadata()

    def number_of(self, key: str, default: float, cast: t.Callable[[str], float]) -> float:
        """The least number that the aggregates give a key (``validate_num_values``); the default where there is none, or no number."""
        values = self.metadata_values(key)
        try:
            return min(cast(value) for value in values) if values else default
        except ValueError:
            return default
