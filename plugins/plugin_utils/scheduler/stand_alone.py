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
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.scheduler import config
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.scheduler.schedule import Scheduler
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.schema import shape_check
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.schema.sentence import sentence
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.schema.words import NUMBER, Schema, list_of, open_mapping
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.shapes import Destination, FleetHost, RequestSpec, SpecGroup, WeighedHost

# What is asked of a request; everything else has Nova's default.
REQUEST = open_mapping({"flavor": open_mapping({"vcpus": NUMBER, "memory_mb": NUMBER}, required=("vcpus", "memory_mb"))}, required=("flavor",))
HOSTS = list_of(facts_shape.HOST_STATE)
Given = t.Mapping[str, t.Any]


class NotAsDocumented(ValueError):
    """Hosts or a request without the shape of docs/data.md; the message names the path and the rule."""


def _check(schema: Schema, path: str, given: object) -> None:
    """NotAsDocumented with everything that is wrong."""
    wrong = sentence(fault.below(path) for fault in shape_check.faults(schema, given))
    if wrong:
        raise NotAsDocumented(wrong)


def _named(hosts: t.Any) -> list[FleetHost]:
    _check(HOSTS, "hosts", hosts)
    named: list[FleetHost] = []
    for index, host in enumerate(hosts):
        name: str | None = host.get("name") or host.get("node")
        if not name:
            raise NotAsDocumented(f"hosts[{index}].name: is required")
        # What else there is the scheduler reads as it is.
        whole: t.Any = {**host, "name": name}
        named.append(whole)
    return named


def spec_of(request: t.Any) -> RequestSpec:
    """A whole request spec of one that has at least a flavor with CPUs and memory."""
    _check(REQUEST, "request", request)
    given: Given = request
    flavor: Given = given["flavor"]
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


class Options(t.TypedDict, total=False):
    """The options of the Jinja filters."""

    filters: list[object]
    weighers: list[object]
    options: config.Options
    aggregates: dict[str, t.Any]
    groups: list[Given]


def _scheduler(hosts: object, given: Options) -> Scheduler:
    options = config.with_lists(given.get("options", {}), given.get("filters"), given.get("weighers"))
    aggregates = facts_shape.listed_aggregates(given.get("aggregates", {}), "aggregates")
    return Scheduler(_named(hosts), aggregates, [group_of(group) for group in given.get("groups", [])], options)


def filter_hosts(hosts: t.Any, request: object, **options: t.Unpack[Options]) -> tuple[list[dict[str, t.Any]], dict[str, str]]:
    """(the hosts that could take one server of the request, in their order; why not, by name of the others)."""
    spec = spec_of(request)
    survivors, reasons = _scheduler(hosts, options).candidates(spec)
    return [hosts[host.position] for host in survivors], {host: str(why) for host, why in reasons.items()}


def weigh_hosts(hosts: t.Any, request: object, **options: t.Unpack[Options]) -> list[dict[str, t.Any]]:
    """All hosts given, best first: each as a WeighedHost with itself as ``host``."""
    spec = spec_of(request)
    weighed: list[tuple[int, WeighedHost]] = _scheduler(hosts, options).weighed(spec)
    return [{**item, "host": hosts[position]} for position, item in weighed]
