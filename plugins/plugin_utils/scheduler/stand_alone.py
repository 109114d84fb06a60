# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Filtering and weighing for one request, without picking: what the Jinja filters filter_hosts and weigh_hosts do; pure.

Follows ``nova/scheduler/host_manager.py: get_filtered_hosts`` and ``get_weighed_hosts``. What a user writes in a template may lack nearly everything; it is
made whole here, so that the scheduler need not know.
"""

from __future__ import annotations

import typing as t

from ansible_collections.kvmfleet.compute.plugins.plugin_utils.fleet import facts_shape, target
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.scheduler.config import Options
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.scheduler.schedule import Scheduler
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.shapes import Destination, FleetHost, RequestSpec, SpecGroup, WeighedHost

# What a flavor must have.
FLAVOR = ("vcpus", "memory_mb")
Given = t.Mapping[str, t.Any]


class NotAsDocumented(ValueError):
    """Hosts or a request without the shape of docs/data.md; the message names the path and the rule."""


def _checked(item: object, names: tuple[str, ...], path: str) -> dict[str, t.Any]:
    """A mapping in which these are numbers."""
    if not isinstance(item, dict):
        raise NotAsDocumented(f"{path}: must be a mapping, not {type(item).__name__}")
    wrong = facts_shape.number_problem(item, names)
    if wrong:
        raise NotAsDocumented(f"{path}.{wrong}")
    return item


def _named(hosts: object) -> list[FleetHost]:
    if not isinstance(hosts, list):
        raise NotAsDocumented(f"hosts: must be a list of host facts, not {type(hosts).__name__}")
    named: list[FleetHost] = []
    for index, given in enumerate(hosts):
        host = _checked(given, facts_shape.NUMBERS, f"hosts[{index}]")
        name: str | None = host.get("name") or host.get("node")
        if not name:
            raise NotAsDocumented(f"hosts[{index}].name: is required")
        # What else there is the scheduler reads as it is.
        whole: t.Any = {**host, "name": name}
        named.append(whole)
    return named


def spec_of(request: object) -> RequestSpec:
    """A whole request spec of one that has at least a flavor with CPUs and memory."""
    given: Given = request if isinstance(request, dict) else {}
    flavor = _checked(given.get("flavor"), FLAVOR, "request.flavor")
    image: Given = given.get("image") or {}
    number = int(given.get("num_instances") or len(given.get("instance_uuids") or []) or 1)
    name = str(given.get("id") or "request")
    uuids: list[str] = list(given.get("instance_uuids") or [])
    uuids += [f"{name}-{index}" for index in range(len(uuids), number)]
    destination: Destination | None = None
    if given.get("requested_destination"):
        wanted: Given = given["requested_destination"]
        destination = {"host": wanted.get("host"), "node": wanted.get("node")}
    return {
        "id": name,
        "request_index": 0,
        "flavor": {
            "id": str(flavor.get("id") or ""),
            "name": str(flavor.get("name") or ""),
            "vcpus": flavor["vcpus"],
            "memory_mb": flavor["memory_mb"],
            "root_gb": flavor.get("root_gb") or 0,
            "ephemeral_gb": flavor.get("ephemeral_gb") or 0,
            "swap": flavor.get("swap") or 0,
            "extra_specs": flavor.get("extra_specs") or {},
        },
        "image": {"id": image.get("id"), "disk_format": image.get("disk_format"), "properties": image.get("properties") or {}},
        "num_instances": number,
        "min_count": int(given.get("min_count") or number),
        "instance_uuids": uuids,
        "display_names": list(given.get("display_names") or uuids),
        "is_bfv": bool(given.get("is_bfv")),
        "target": target.parse(given.get("availability_zone")),
        "scheduler_hints": given.get("scheduler_hints") or {},
        "group": given.get("group"),
        "project_id": given.get("project_id"),
        "requested_destination": destination,
        "force_hosts": given.get("force_hosts") or [],
        "force_nodes": given.get("force_nodes") or [],
        "ignore_hosts": given.get("ignore_hosts") or [],
        "networks": given.get("networks") or [],
    }


def group_of(given: Given) -> SpecGroup:
    """A whole server group of one that has at least a uuid and a policy."""
    return {
        "uuid": given["uuid"],
        "name": str(given.get("name") or given["uuid"]),
        "policy": given["policy"],
        "rules": given.get("rules") or {},
        "members": given.get("members") or [],
    }


def _scheduler(hosts: object, aggregates: object, groups: list[Given] | None, config: Options) -> Scheduler:
    return Scheduler(_named(hosts), facts_shape.listed_aggregates(aggregates or {}, "aggregates"), [group_of(group) for group in groups or []], config)


def filter_hosts(
    hosts: t.Any, request: object, aggregates: object, groups: list[Given] | None, config: Options
) -> tuple[list[dict[str, t.Any]], dict[str, str]]:
    """(the hosts that could take one server of the request, in their order; why not, by name of the others)."""
    spec = spec_of(request)
    survivors, reasons = _scheduler(hosts, aggregates, groups, config).candidates(spec)
    return [hosts[host.position] for host in survivors], {host: str(why) for host, why in reasons.items()}


def weigh_hosts(hosts: t.Any, request: object, aggregates: object, groups: list[Given] | None, config: Options) -> list[dict[str, t.Any]]:
    """All hosts given, best first: each as a WeighedHost with itself as ``host``."""
    spec = spec_of(request)
    weighed: list[tuple[int, WeighedHost]] = _scheduler(hosts, aggregates, groups, config).weighed(spec)
    return [{**item, "host": hosts[position]} for position, item in weighed]
