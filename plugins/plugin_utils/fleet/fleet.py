# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the controller knows of all hosts: the facts that each host registered, joined with its inventory variables (docs/data.md, Fleet).

They come from a play's hosts (registered, or set by the fact cache) or from a fleet file, which holds the same for each host.
"""

from __future__ import annotations

import ipaddress
import json
import re
import typing as t
from collections.abc import Mapping

from ansible_collections.kvmfleet.compute.plugins.plugin_utils.edge.plain import plain
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.edge.play_hosts import HostVariables
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.fleet import facts_shape
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.fleet.runs import is_dead
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.fleet.target import DEFAULT_ZONE
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.schema.sentence import sentence
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.shapes import Aggregate


class FleetError(ValueError):
    """The play can't see the whole fleet; the message says why and what to do."""


def refuse_partial_plays(task_vars: Mapping, strategy: str | None) -> None:
    """FleetError for a run that sees only a part of the fleet or not all of it at once: names, addresses and quotas couldn't be proven free."""
    why = "names, addresses, quotas and group members are counted over the whole fleet"
    if task_vars.get("ansible_limit"):
        raise FleetError(f"--limit {task_vars['ansible_limit']}: {why}; run without --limit (disable a host with compute_disabled: true)")
    batch, all_hosts = task_vars.get("ansible_play_batch"), task_vars.get("ansible_play_hosts_all")
    if batch is not None and all_hosts is not None and len(task_vars.get("ansible_play_hosts") or batch) > len(batch):
        raise FleetError(f"serial: this batch has {len(batch)} of {len(all_hosts)} hosts, but {why}; run the play without serial")
    if strategy in ("free", "host_pinned", "ansible.builtin.free", "ansible.builtin.host_pinned"):
        raise FleetError(f"strategy {strategy}: the chain needs every host at the same step, because {why}; use the linear strategy")


# The variables of a host that are read beside its facts.
HOST_VARIABLES = ("ansible_host", "compute_availability_zone", "compute_disabled", "compute_disabled_reason", "compute_facts", "compute_traits")


def _host(variables: Mapping | HostVariables, name: str, result: t.Any) -> tuple[dict[str, t.Any], str]:
    """({status, error, state}, zone) of one host."""
    zone = str(variables.get("compute_availability_zone") or DEFAULT_ZONE)
    if not isinstance(result, Mapping):
        return {"status": "failed", "error": "the facts of host_info are not set on this host", "state": None}, zone
    result = plain(result)
    if result.get("unreachable"):
        return {"status": "unreachable", "error": str(result.get("msg") or "unreachable"), "state": None}, zone
    if result.get("failed") or not result.get("host"):
        return {"status": "failed", "error": str(result.get("msg") or "host_info returned no facts"), "state": None}, zone
    wrong = sentence(facts_shape.faults(result["host"]))
    if wrong:
        raise FleetError(f"facts of host {name}: {wrong}")
    state = dict(result["host"], name=name)
    address = str(variables.get("ansible_host") or "")
    try:
        state["host_ip"] = str(ipaddress.ip_address(address))
    except ValueError:
        state.setdefault("host_ip", None)
    disabled = variables.get("compute_disabled") or False
    state["service"] = {
        "disabled": disabled if isinstance(disabled, bool) else str(disabled).lower() in ("true", "yes", "1", "on"),
        "disabled_reason": str(variables.get("compute_disabled_reason") or "") or None,
    }
    extra = plain(variables.get("compute_traits") or [], f"{name}: compute_traits")
    if not isinstance(extra, list) or not all(isinstance(trait, str) and re.fullmatch(r"[A-Z0-9_]+", trait) for trait in extra):
        raise FleetError(f"compute_traits of host {name}: must be a list of traits, such as CUSTOM_SSD")
    state["traits"] = sorted({*(state.get("traits") or []), *extra})
    state["facts"] = plain(variables.get("compute_facts") or {}, f"{name}: compute_facts")
    if not isinstance(state["facts"], dict):
        raise FleetError(f"compute_facts of host {name}: must be a mapping")
    for record in state.setdefault("instances", []):
        record["host"] = name
        record["live"] = bool(record.get("locked")) or (record["vm_state"] == "building" and not is_dead(record.get("run")))
    return {"status": "ok", "error": None, "state": state}, zone


def read_fleet(hosts: dict[str, HostVariables], hosts_variable: str, aggregates: Mapping | None = None) -> dict[str, t.Any]:
    """The fleet of this play: ``hosts_variable`` names the variable under which each host has what ``host_info`` returned.

    ``hosts``: play_hosts with ``hosts_variable`` and HOST_VARIABLES.
    ``aggregates``: compute_aggregates as plain data. Zones become aggregates of their own with the metadata ``availability_zone``.
    """
    return _fleet({name: (variables, variables.get(hosts_variable)) for name, variables in hosts.items()}, aggregates)


def read_fleet_file(path: str, aggregates: Mapping | None = None) -> dict[str, t.Any]:
    """The fleet of a fleet file (``fleet_file``); FleetError with the path for what can't be read."""
    try:
        with open(path, encoding="utf-8") as file:
            document = json.load(file)
    except (OSError, ValueError) as error:
        raise FleetError(f"fleet file {path}: {error}") from error
    wrong = sentence(facts_shape.faults_of_file(document))
    if wrong:
        raise FleetError(f"fleet file {path}: {wrong}")
    entries: dict[str, dict[str, t.Any]] = document["hosts"]
    return _fleet({name: (entry, entry["host_info"]) for name, entry in entries.items()}, aggregates)


def fleet_file(hostvars: Mapping, names: t.Iterable[str], hosts_variable: str) -> dict[str, t.Any]:
    """What a fleet file holds: {version, hosts {name: {host_info, and those of HOST_VARIABLES that are set}}}."""
    hosts = {}
    for name in names:
        variables = HostVariables(hostvars, name, (hosts_variable, *HOST_VARIABLES))
        found = {key: plain(variables.get(key)) for key in HOST_VARIABLES if variables.get(key) is not None}
        hosts[str(name)] = {"host_info": plain(variables.get(hosts_variable) or {"failed": True, "msg": f"{hosts_variable} is not set"}), **found}
    return {"version": 1, "hosts": hosts}


def _fleet(given: dict[str, tuple[Mapping | HostVariables, t.Any]], aggregates: Mapping | None) -> dict[str, t.Any]:
    hosts: dict[str, t.Any] = {}
    zones: dict[str, list[str]] = {}
    for name, (variables, result) in given.items():
        hosts[name], zone = _host(variables, name, result)
        zones.setdefault(zone, []).append(name)
    built: list[Aggregate] = [{"name": zone, "hosts": members, "metadata": {"availability_zone": zone}} for zone, members in zones.items()]
    try:
        built += facts_shape.listed_aggregates(aggregates or {}, "compute_aggregates")
    except facts_shape.AggregatesError as error:
        raise FleetError(str(error)) from None
    return {"version": 1, "hosts": hosts, "aggregates": built}


def zones_of(fleet: Mapping) -> dict[str, str]:
    """The availability zone of each host that is in one."""
    zones: dict[str, str] = {}
    for aggregate in fleet["aggregates"]:
        if "availability_zone" in aggregate["metadata"]:
            for host in aggregate["hosts"]:
                zones.setdefault(host, str(aggregate["metadata"]["availability_zone"]))
    return zones


def records(fleet: Mapping) -> list[dict[str, t.Any]]:
    """Every instance record of the fleet."""
    return [record for host in fleet["hosts"].values() if host["state"] for record in host["state"]["instances"]]
