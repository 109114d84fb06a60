# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Quotas of a project, counted from what the fleet's facts show (``nova/compute/utils.py: check_num_instances_quota``, ``nova/quota.py``); pure."""

from __future__ import annotations

import typing as t
from collections.abc import Callable, Iterator

from ansible_collections.kvmfleet.compute.plugins.module_utils.registrar.usage import GROUPS
from ansible_collections.kvmfleet.compute.plugins.module_utils.shapes import Instance, Quota, ServerGroup
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.quota_resources import members_of
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.schema import shape_check
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.schema.catalogue import QUOTAS
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.schema.fault import Fault
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.shapes import FleetInstance

# Nova's limits
DEFAULTS: dict[str, int] = {name: item["default"] for name, item in QUOTAS["properties"].items() if name != "projects"}


class Limits(t.NamedTuple):
    """Limits by name; -1: none."""

    everybody: dict[str, int]  # every one of them
    projects: dict[str, dict[str, int]]  # what single projects have instead


class OverQuota(Exception):
    """Not even min_count fits; the message names requested, used and limit."""

    def __init__(self, message: str, error_class: str) -> None:
        super().__init__(message)
        self.error_class = error_class


def faults(raw: object) -> Iterator[Fault]:
    """What is wrong with ``compute_quotas``."""
    if raw is not None:
        yield from shape_check.faults(QUOTAS, raw)


def limits(raw: dict[str, t.Any] | None) -> Limits:
    """``compute_quotas`` made whole: Nova's defaults for a key that is left out, and no limit at all if the variable is, or is faulty."""
    if raw is None or any(faults(raw)):
        return Limits({**dict.fromkeys(DEFAULTS, -1), "metadata_items": DEFAULTS["metadata_items"]}, {})
    given = {key: value for key, value in raw.items() if key != "projects" and value is not None}
    projects = {name: {key: value for key, value in (own or {}).items() if value is not None} for name, own in (raw.get("projects") or {}).items()}
    return Limits({**DEFAULTS, **given}, projects)


def limit(of: Limits, project: str, name: str) -> int:
    """A project's limit; -1 is none."""
    return of.projects.get(project, {}).get(name, of.everybody[name])


def used(records: list[FleetInstance], project: str) -> dict[str, int]:
    """{instances, cores, ram, ports} that a project's servers use; a port of the catalogue was not made for a server."""
    mine = [record for record in records if record["project_id"] == project]
    return {
        "instances": len(mine),
        "cores": sum(record["flavor"]["vcpus"] for record in mine),
        "ram": sum(record["flavor"]["memory_mb"] for record in mine),
        "ports": sum(1 for record in mine for port in record["ports"] if not port["preexisting"]),
    }


def to_reserve(of: Limits, records: list[FleetInstance], instances: list[Instance]) -> dict[str, dict[str, Quota]]:
    """{project: {resource: limit and use}} for new servers, where there is a limit: what the registrar checks again at the moment of the claim."""
    quotas: dict[str, dict[str, Quota]] = {}
    for project in {instance["project_id"] for instance in instances}:
        use = used(records, project)
        of_project: dict[str, Quota] = {name: {"limit": limit(of, project, name), "used": use[name]} for name in use if limit(of, project, name) >= 0}
        most = limit(of, project, "server_group_members")
        joined = {(instance["group"]["id"], instance["user_id"]) for instance in instances if instance["group"] and instance["project_id"] == project}
        for group, user in sorted(joined) if most >= 0 else ():
            number = sum(1 for record in records if record["group"] and record["group"]["id"] == group and record["user_id"] == user)
            of_project[members_of(group, user)] = {"limit": most, "used": number}
        most = limit(of, project, GROUPS)
        if joined and most >= 0:
            theirs = {record["group"]["id"] for record in records if record["project_id"] == project and record["group"]}
            of_project[GROUPS] = {"limit": most, "used": len(theirs)}
        if of_project:
            quotas[project] = of_project
    return quotas


def granted(need: dict[str, int], least: int, most: int, limit: Callable[[str], int], usage: dict[str, int]) -> int:
    """How many servers of ``need`` (per server) fit, between ``least`` and ``most``; OverQuota if fewer than ``least`` do."""
    fits = most
    for name, each in need.items():
        most_of = limit(name)
        if most_of >= 0 and each > 0:
            fits = min(fits, max(0, most_of - usage.get(name, 0)) // each)
    if fits >= least:
        return fits
    over = [name for name, each in need.items() if limit(name) >= 0 and usage.get(name, 0) + each * least > limit(name)]
    raise OverQuota(
        "quota exceeded for " + ", ".join(f"{name}: requested {need[name] * least}, already used {usage.get(name, 0)} of {limit(name)}" for name in over),
        # Nova counts ports before anything else.
        "PortLimitExceeded" if "ports" in over else "TooManyInstances",
    )


class Usage:
    """What a project's servers use, those of this run too; ``limit`` has its limits."""

    def __init__(self, records: list[FleetInstance], project: str, user: str, limit: Callable[[str], int]) -> None:
        self._limit = limit
        self._used = used(records, project)
        # A group is the project's once a server of the project is in it; its members count by user.
        self._groups = {record["group"]["id"] for record in records if record["project_id"] == project and record["group"]}
        self._members: dict[str, int] = {}
        for record in records:
            if record["group"] and record["user_id"] == user:
                self._members[record["group"]["id"]] = self._members.get(record["group"]["id"], 0) + 1

    def grant(self, need: dict[str, int], least: int, most: int) -> int:
        """``granted``, and taken."""
        number = granted(need, least, most, self._limit, self._used)
        for name, each in need.items():
            self._used[name] += each * number
        return number

    def join(self, group: ServerGroup, number: int) -> Iterator[Fault]:
        """Let so many servers more into a server group, and what that breaks (``API._provision_instances``, ``server_groups.py: create``)."""
        path = "os:scheduler_hints.group"
        members = self._members[group["id"]] = self._members.get(group["id"], 0) + number
        most = self._limit("server_group_members")
        if 0 <= most < members:
            rule = f"server group {group['name']} would have {members} members of this user, the quota is {most}"
            yield Fault(path, group["name"], rule, "OverQuota", 403)
        self._groups.add(group["id"])
        most = self._limit("server_groups")
        if 0 <= most < len(self._groups):
            rule = f"the project would have servers in {len(self._groups)} server groups, the quota is {most}"
            yield Fault(path, group["name"], rule, "ServerGroupLimitExceeded", 403)
