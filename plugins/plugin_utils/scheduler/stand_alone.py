# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Filtering and weighing for one request, without picking: what the Jinja filters filter_hosts and weigh_hosts do; pure.

Follows ``nova/scheduler/host_manager.py: get_filtered_hosts`` and ``get_weighed_hosts``.
"""

from __future__ import annotations

import typing as t

from ansible_collections.kvmfleet.compute.plugins.plugin_utils.fleet import facts_shape
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.scheduler.schedule import Scheduler

Data = dict[str, t.Any]
# What a flavor must have; everything else has Nova's default.
FLAVOR = ("vcpus", "memory_mb")


class NotAsDocumented(ValueError):
    """Hosts or a request without the shape of docs/data.md; the message names the path and the rule."""


def _numbers(item: t.Any, names: tuple[str, ...], path: str) -> None:
    if not isinstance(item, dict):
        raise NotAsDocumented(f"{path}: must be a mapping, not {type(item).__name__}")
    wrong = facts_shape.number_problem(item, names)
    if wrong:
        raise NotAsDocumented(f"{path}.{wrong}")


def _named(hosts: t.Any) -> list[Data]:
    if not isinstance(hosts, list):
        raise NotAsDocumented(f"hosts: must be a list of host facts, not {type(hosts).__name__}")
    named = []
    for index, host in enumerate(hosts):
        _numbers(host, facts_shape.NUMBERS, f"hosts[{index}]")
        name = host.get("name") or host.get("node")
        if not name:
            raise NotAsDocumented(f"hosts[{index}].name: is required")
        named.append({**host, "name": name})
    return named


def _scheduler(hosts: t.Any, request: t.Any, aggregates: Data | None, groups: list[Data] | None, config: Data) -> Scheduler:
    _numbers(request.get("flavor") if isinstance(request, dict) else None, FLAVOR, "request.flavor")
    return Scheduler(_named(hosts), facts_shape.listed_aggregates(aggregates or {}, "aggregates"), groups or [], config)


def filter_hosts(hosts: t.Any, request: t.Any, aggregates: Data | None, groups: list[Data] | None, config: Data) -> tuple[list[Data], dict[str, str]]:
    """(the hosts that could take one server of the request, in their order; {host: why not} of the others)."""
    survivors, reasons = _scheduler(hosts, request, aggregates, groups, config).candidates(request)
    return [hosts[host.position] for host in survivors], reasons


def weigh_hosts(hosts: t.Any, request: t.Any, aggregates: Data | None, groups: list[Data] | None, config: Data) -> list[Data]:
    """[{name, weight, weights {weigher: {raw, normalised, multiplied}}, host}] of all hosts given, best first."""
    return [{**weighed, "host": hosts[position]} for position, weighed in _scheduler(hosts, request, aggregates, groups, config).weighed(request)]
