# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a request asks of the scheduler, worked out once: resources, traits, zone, forced hosts, hints and group; pure.

Follows ``nova/scheduler/utils.py: ResourceRequest`` and ``nova/objects/request_spec.py``.
"""

from __future__ import annotations

import re
import typing as t

from ansible_collections.kvmfleet.compute.plugins.module_utils.capacity import requested_resources
from ansible_collections.kvmfleet.compute.plugins.module_utils.shapes import Flavor
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.hardware import constraints, numa_cells, pci_alias
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.hardware.image_properties import known
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.scheduler import features
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.scheduler.config import Config
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.shapes import RequestSpec, SpecGroup

# trait:Y, trait1:Y (``ResourceRequest.XS_KEYPAT``)
_TRAIT = re.compile(r"trait([a-zA-Z0-9_-]{1,64})?:(.+)\Z")


class RequestError(ValueError):
    """A request that can't be scheduled at all (Nova's API would refuse it)."""


def traits(flavor: Flavor, properties: dict[str, t.Any]) -> tuple[set[str], set[str]]:
    """(required, forbidden) traits that flavor and image name."""
    required: set[str] = set()
    forbidden: set[str] = set()
    for key, value in flavor["extra_specs"].items():
        match = _TRAIT.match(key)
        if match:
            (forbidden if value == "forbidden" else required).add(match.group(2))
    required.update(key.removeprefix("trait:") for key, value in properties.items() if key.startswith("trait:") and value == "required")
    return required, forbidden


class Way(t.NamedTuple):
    """One way of asking Placement for the request."""

    resources: dict[str, int]
    required_traits: set[str]
    forbidden_traits: set[str]


class Group:
    """A server group: its policy, its members, and the hosts they live on."""

    def __init__(self, group: SpecGroup) -> None:
        self.uuid, self.name = group["uuid"], group["name"]
        self.policy = group["policy"]
        self.max_per_host = int(group["rules"].get("max_server_per_host") or 1)
        self.members = set(group["members"])


class Request:
    """One request spec, read."""

    def __init__(self, spec: RequestSpec, groups: dict[str, Group], config: Config) -> None:
        self.spec = spec
        image = spec["image"]
        properties = image["properties"]
        is_bfv = spec["is_bfv"]
        self.flavor: Flavor = spec["flavor"]
        # What ``HostState.consume_from_request`` takes off the free disk: root and ephemeral, the swap not.
        self.disk_mb = (self.flavor["root_gb"] + self.flavor["ephemeral_gb"]) * 1024
        self.extra_specs: dict[str, str] = {key: str(value) for key, value in self.flavor["extra_specs"].items()}
        self.image_id = image["id"]
        self.image_properties = known(properties)
        self.hints = spec["scheduler_hints"]
        self.project_id = spec["project_id"]
        self.numa = self._guest(properties)
        self.pci_requests = pci_alias.requests(self.extra_specs, self._pci_affinity(properties), config.get("pci", "alias"))
        self.pack_numa = bool(config.get("compute", "packing_host_numa_cells_allocation_strategy"))
        self._features = features.Features(self.extra_specs, properties)
        by_options = self._features.asked_by_options(config, image["disk_format"], is_bfv)
        self.ways = self._ways(properties, is_bfv, bool(config.get("workarounds", "disable_fallback_pcpu_query")), by_options)
        self.required_traits = self.ways[0].required_traits
        # The ways that are open on a host, if not all are.
        self.open_ways: dict[str, list[Way]] = {}
        self.number = spec["num_instances"]
        self.uuids = spec["instance_uuids"]
        self.min_count = spec["min_count"]
        wanted = spec["target"]
        self.zone = wanted["zone"]
        self.force_hosts = [*spec.get("force_hosts", []), *([wanted["host"]] if wanted["host"] else [])]
        self.force_nodes = [*spec.get("force_nodes", []), *([wanted["node"]] if wanted["node"] else [])]
        self.forced_names = {name.lower() for name in self.force_hosts}
        self.ignored_names = {name.lower() for name in spec["ignore_hosts"]}
        self.destination = spec["requested_destination"]
        self.networks = spec["networks"]
        self.group = self._group(spec["group"], groups)
        self.instance_uuid = self.uuids[0]
        # True if one of its servers is on a host already, as the facts have it.
        self.is_known = False
        # Set if the options restrict projects to aggregates (prefilters.tenant_aggregates).
        self.tenant_aggregates: set[str] = set()

    def _guest(self, properties: dict[str, t.Any]) -> numa_cells.Guest | None:
        """The guest's NUMA cells; most requests have no key that could ask for any."""
        if not any(key.startswith(("hw:", "hw_", "resources", "trait")) for key in (*self.extra_specs, *properties)):
            return None
        try:
            return numa_cells.guest(self.flavor, properties)
        except constraints.ConstraintError as error:
            raise RequestError(f"{error.error_class}: {error.rule}") from error

    def _pci_affinity(self, properties: dict[str, t.Any]) -> str | None:
        if "hw:pci_numa_affinity_policy" not in self.extra_specs and "hw_pci_numa_affinity_policy" not in properties:
            return None
        try:
            return constraints.pci_affinity(self.flavor, properties)
        except constraints.ConstraintError as error:
            raise RequestError(f"{error.error_class}: {error.rule}") from error

    def _ways(self, properties: dict[str, t.Any], is_bfv: bool, pcpu_only: bool, by_options: set[str]) -> list[Way]:
        """With dedicated CPUs PCPU is asked for and, after that, VCPU of hosts that set no CPUs apart (``SchedulerManager.select_destinations``)."""
        required, forbidden = traits(self.flavor, properties)
        required |= self._features.traits() | by_options
        more = self._features.resources()
        plain = Way({**requested_resources(self.flavor, is_bfv), **more}, required, forbidden)
        policy = self.extra_specs.get("hw:cpu_policy") or self.image_properties.get("hw_cpu_policy")
        if self.numa is None or policy not in numa_cells.PINNED:
            return [plain]
        of_threads = {"HW_CPU_HYPERTHREADING"}
        thread_policy = self.numa.cells[0].thread_policy
        pinned = Way(
            {**requested_resources(self.flavor, is_bfv, sum(len(cell.pcpuset) for cell in self.numa.cells), int(self.numa.isolate_emulator)), **more},
            required | of_threads if thread_policy == "require" else required,
            forbidden | of_threads if thread_policy == "isolate" else forbidden,
        )
        return [pinned] if policy == "mixed" or pcpu_only else [pinned, plain]

    def resources_on(self, host: str) -> dict[str, int]:
        """What a server of the request takes on a host: of the ways that are open there the first."""
        return self.open_ways.get(host, self.ways)[0].resources

    @staticmethod
    def _group(uuid: str | None, groups: dict[str, Group]) -> Group | None:
        if not uuid:
            return None
        if uuid not in groups:
            raise RequestError(f"server group {uuid} does not exist")
        return groups[uuid]

    @property
    def is_forced(self) -> bool:
        """True if it names its host or node in a way that skips the filters."""
        return bool(self.force_hosts or self.force_nodes)
