# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A host as filters and weighers see it, with Nova's attribute names (``nova/scheduler/host_manager.py: HostState``); pure."""

from __future__ import annotations

import contextlib
import typing as t

from ansible_collections.kvmfleet.compute.plugins.module_utils.capacity import inventories, shortage
from ansible_collections.kvmfleet.compute.plugins.module_utils.reason import Reason
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.hardware import numa_fit, pci_pools
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.hardware.image_properties import known
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.hardware.numa_cells import HostCell, host_cells
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.scheduler.membership import Membership
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.scheduler.request import Request
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.shapes import FleetHost, Service

# A host's NUMA cells and PCI pools; consumption makes new ones, so that the old ones can be put back.
Devices = tuple[list[HostCell] | None, list[pci_pools.Pool]]


# Image properties by their names.
Properties = dict[str, t.Any]


class HostInstance(t.TypedDict):
    """What every instance of a host has."""

    uuid: str


class HostService(Service):
    """The service with what Nova has beside it."""

    host: str


class Taken(t.NamedTuple):
    """What one server took of a host."""

    uuid: str
    resources: dict[str, int]
    devices: Devices


class HostState:
    """Built from a host of the fleet, whose facts may lack all but its size: what is missing is None, empty or 0, never made up.

    ``used`` is the ledger per resource class; the free_* numbers follow from it.
    """

    def __init__(self, facts: FleetHost, membership: Membership, position: int) -> None:
        self.facts = facts
        self.position = position
        self.host: str = facts["name"]
        self.nodename: str = facts.get("node") or facts["name"]
        self.uuid: str = facts.get("uuid") or self.host
        self.inventory = inventories(facts)
        self.used: dict[str, int] = dict(facts.get("used") or {})
        self.membership = membership
        self.aggregates = membership.aggregates
        service: Service = facts.get("service") or {"disabled": False, "disabled_reason": None}
        self.service: HostService = {"forced_down": False, "host": self.host, **service}
        self.disabled = bool(self.service.get("disabled"))
        self.traits: set[str] = set(facts.get("traits") or []) | ({"COMPUTE_STATUS_DISABLED"} if self.disabled else set())
        # The uuids of what lives here, with what the facts have of it; what was placed since has nothing but its uuid.
        self.instances: dict[str, HostInstance] = {instance["uuid"]: instance for instance in facts.get("instances") or []}
        # Image properties of what this request placed here, and of what earlier ones did.
        self._own: dict[str, Properties] = {}
        self._earlier: dict[str, Properties] = {}
        self.num_instances: int = facts["num_instances"] if facts.get("num_instances") is not None else len(self.instances)
        self.num_io_ops: int = facts.get("num_io_ops") or 0
        self.failed_builds: int = facts.get("failed_builds") or 0
        self.hypervisor_type: str | None = facts.get("hypervisor_type")
        self.hypervisor_version: int | None = facts.get("hypervisor_version")
        self.hypervisor_hostname = self.nodename
        self.supported_instances: list[list[str]] | None = facts.get("supported_instances")
        self.cpu_info: t.Mapping[str, object] = facts.get("cpu_info") or {}
        self.stats: dict[str, str] = {key: str(value) for key, value in (facts.get("stats") or {}).items()}
        self.metrics: dict[str, float] = facts.get("metrics") or {}
        self.host_ip: str | None = facts.get("host_ip")
        self.pci_pools = pci_pools.pools(facts.get("pci_pools") or [])
        self._numa: list[HostCell] | None = None
        reserved: dict[str, int] = facts.get("reserved") or {}
        ratio: dict[str, float] = facts.get("allocation_ratio") or {}
        self._reserved: dict[str, int] = {name: reserved.get(name, 0) for name in ("VCPU", "MEMORY_MB", "DISK_GB")}
        self.cpu_allocation_ratio: float = ratio.get("VCPU", 4.0)
        self.ram_allocation_ratio: float = ratio.get("MEMORY_MB", 1.0)
        self.disk_allocation_ratio: float = ratio.get("DISK_GB", 1.0)
        self.vcpus_total: int = facts["vcpus"]
        self.total_usable_ram_mb: int = facts["memory_mb"]
        self.total_usable_disk_gb: int = facts["disk_gb"]
        self.refresh()

    def refresh(self) -> None:
        """Work out the free numbers from the ledger, and complete the instances placed meanwhile, as a new request's scheduling does."""
        self._earlier.update(self._own)
        self._own.clear()
        used, facts = self.used, self.facts
        self.free_ram_mb = facts["memory_mb"] - used.get("MEMORY_MB", 0) - self._reserved["MEMORY_MB"]
        self.vcpus_used = used.get("VCPU", 0) + used.get("PCPU", 0) + self._reserved["VCPU"]
        free_gb: int = facts["disk_gb"] - used.get("DISK_GB", 0) - self._reserved["DISK_GB"]
        least: int | None = facts.get("disk_available_least")
        if least is not None:
            free_gb = min(free_gb, least)
        self.free_disk_mb = 1024 * free_gb
        # How far the cells' shared CPUs and memory may be overcommitted: set when NUMATopologyFilter lets the host pass.
        self.numa_ratios: numa_fit.Ratios | None = None

    @property
    def numa(self) -> list[HostCell]:
        """The NUMA cells, read when a request first asks for them; empty if the host reports none."""
        if self._numa is None:
            self._numa = host_cells(self.facts.get("numa_cells") or [])
        return self._numa

    def _consume_devices(self, request: Request) -> Devices:
        """Take the NUMA cells and PCI devices of one server of the request; what they were before.

        What no filter looked at may not be there: as in Nova that is left to the claim on the host, and what was taken till then stays taken.
        """
        saved = (self._numa, self.pci_pools)
        if request.numa or request.pci_requests:
            with contextlib.suppress(ValueError, LookupError, TypeError, AttributeError):
                self._take_devices(request)
        return saved

    def _take_devices(self, request: Request) -> None:
        if self.numa and request.numa:
            # As in Nova the request goes on with the cells as they were fitted here, and without any if they did not fit.
            request.numa, _why = numa_fit.fit(self.numa, request.numa, self.numa_ratios, self.pci_pools, request.pci_requests, request.pack_numa)
            if request.numa:
                self._numa = numa_fit.take(self.numa, request.numa)
        cells = [cell.id for cell in request.numa.cells] if request.numa else None
        for wanted in request.pci_requests:
            self.pci_pools = pci_pools.take(self.pci_pools, [wanted], cells, self.numa or None)

    def shortage(self, resources: dict[str, int]) -> Reason | None:
        """Why these resources don't fit: of what there is too little of, that which lacks most; None if they fit."""
        worst: Reason | None = None
        for name, amount in resources.items():
            why = shortage(name, self.inventory.get(name), self.used.get(name, 0), amount)
            if why and (worst is None or (why.lacking or 0.0) > (worst.lacking or 0.0)):
                worst = why
        return worst

    def consume(self, request: Request, uuid: str) -> Taken:
        """Take what a server needs, in the ledger and in the numbers that weighers see (``HostState.consume_from_request``)."""
        taken = Taken(uuid, request.resources_on(self.host), self._consume_devices(request))
        for name, amount in taken.resources.items():
            self.used[name] = self.used.get(name, 0) + amount
        self.free_ram_mb -= request.flavor["memory_mb"]
        self.free_disk_mb -= request.disk_mb
        self.vcpus_used += request.flavor["vcpus"]
        self.num_instances += 1
        self.num_io_ops += 1
        # As in Nova a pick leaves a stub without an image; the next request sees the whole instance.
        self.instances[uuid] = {"uuid": uuid}
        self._own[uuid] = request.image_properties
        return taken

    def release(self, taken: Taken) -> None:
        """Give back what was taken last; the free numbers follow at the next ``refresh``."""
        for name, amount in taken.resources.items():
            self.used[name] -= amount
        self._numa, self.pci_pools = taken.devices
        self.num_instances -= 1
        self.num_io_ops -= 1
        del self.instances[taken.uuid]
        self._own.pop(taken.uuid, None)

    def image_properties(self) -> list[Properties]:
        """Of the instances that were here before this request; a request does not see what it has placed itself."""
        images = (instance.get("image") for instance in self.facts.get("instances") or [])
        return [*(known(image.get("properties") or {}) for image in images if image), *self._earlier.values()]

    def metadata_values(self, key: str) -> set[str]:
        """The values that the host's aggregates give a metadata key."""
        return self.membership.values(key)

    def metadata(self) -> dict[str, set[str]]:
        """All metadata of the host's aggregates, each value split at commas."""
        return self.membership.metadata()

    def number_of(self, key: str, default: float, cast: t.Callable[[str], float]) -> float:
        """The least number that the aggregates give a key (``validate_num_values``); the default if there is none, or no number."""
        values = self.metadata_values(key)
        try:
            return min(cast(value) for value in values) if values else default
        except ValueError:
            return default
