# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which servers a request stands for: those that are there already, matched by name, and as many new ones as quotas grant; pure.

Follows ``nova/compute/api.py: API._provision_instances``; that a multi-create is matched name by name is this collection's own.
"""

from __future__ import annotations

import typing as t

from ansible_collections.kvmfleet.compute.plugins.module_utils.shapes import Error, Flavor, Image, ServerGroup
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.api import existing, names, quotas
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.api.catalogue import Catalogue
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.api.duplicates import Duplicates
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.api.problems import Findings, Remark
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.api.root_image import RootImages
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.api.server_body import Asked
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.fleet.inventory_names import InventoryNames
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.schema.fault import Fault
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.shapes import FleetInstance, RequestedNetwork

# More servers than this in one request are a slip of the finger.
MOST_SERVERS = 10000


class Chosen(t.NamedTuple):
    """One server of a request."""

    position: int  # in the request, from 0
    record: FleetInstance | None  # null: new
    image: Image | None = None  # the catalogue's image that the record's root disk was made of
    error: Error | None = None  # why nothing may be done with the record
    migrating_to: str | None = None  # the host that a migration is making it on


class Choices:
    """What the requests of one run share: who has which name, and what is left of the quotas."""

    def __init__(
        self,
        catalogue: Catalogue,
        records: list[FleetInstance],
        duplicates: Duplicates,
        project: str,
        user: str,
        take_over: bool,
        inventory: InventoryNames | None,
    ) -> None:
        self._duplicates, self._inventory = duplicates, inventory
        self._project, self._take_over = project, take_over
        self._known = existing.find(records)
        self._migrations = existing.migrations(records)
        self._usage = quotas.Usage(records, project, user, lambda name: catalogue.quota(project, name))
        self._root_images = RootImages(catalogue.images)
        # The request that has a name.
        self._taken: dict[str, int] = {}
        # How many servers name-1, name-2 … the project has, by name.
        self._numbered: dict[str, int] = {}
        for record in records:
            stem, dash, number = record["display_name"].rpartition("-")
            if record["project_id"] == project and dash and number.isdigit():
                self._numbered[stem] = self._numbered.get(stem, 0) + 1

    def choose(
        self, index: int, hostname: str | None, asked: Asked, flavor: Flavor | None, networks: list[RequestedNetwork], group: ServerGroup | None
    ) -> Findings[list[Chosen]]:
        """The servers of the request at ``index``, in the order of their positions."""
        count = asked.max_count
        if count > MOST_SERVERS:
            yield Fault("max_count", count, f"must not be more than {MOST_SERVERS} in one request", "TooManyInstances", 403)
            return []
        there: list[Chosen] = []
        new: list[Chosen] = []
        for position in range(count):
            display = names.names(asked.name, hostname, count, position, "")[0]
            if display in self._taken:
                yield Fault("name", display, f"is asked for by servers[{self._taken[display]}] too", "InstanceExists", 409)
                continue
            self._taken[display] = index
            record = self._known.get((self._project, display))
            taken = self._inventory.rule(display, record["uuid"] if record else None) if self._inventory else None
            if taken:
                yield Fault("name", display, taken, "InventoryNameTaken", 409)
            error = self._duplicates.error(record) if record else None
            if record and not error and existing.is_live(record) and not self._take_over:
                yield Fault("name", display, existing.conflict(record), "InstanceIsBuilding", 409)
            if record:
                there.append(Chosen(position, record, self._root_images.of(record["image"]), error, self._migrations.get(record["uuid"])))
            else:
                new.append(Chosen(position, None))
        if flavor and new:
            ports = sum(1 for network in networks if not network["port"])
            need = {"instances": 1, "cores": flavor["vcpus"], "ram": flavor["memory_mb"], "ports": ports}
            granted = yield from self._grant(need, asked, len(there), len(new), group)
            if granted < len(new):
                yield Remark(f"max_count {count}: quotas leave room for {granted} new servers of {len(new)}")
                new = new[:granted]
        if there and count < self._numbered.get(asked.name, 0):
            yield Remark(f"there are more servers named {asked.name}-… than asked for; none is deleted")
        return sorted([*there, *new], key=lambda item: item.position)

    def _grant(self, need: dict[str, int], asked: Asked, there: int, new: int, group: ServerGroup | None) -> Findings[int]:
        try:
            number = self._usage.grant(need, max(0, asked.min_count - there), new)
        except quotas.OverQuota as error:
            yield Fault("min_count", asked.min_count, str(error), error.error_class, 403)
            return new
        if group and number:
            yield from self._usage.join(group, number)
        return number
