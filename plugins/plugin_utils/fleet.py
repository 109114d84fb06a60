# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the controller knows of all hosts: the facts that each host registered, joined with its inventory variables (docs/data.md, Fleet)."""

from __future__ import annotations

import ipaddress
import typing as t
from collections.abc import Mapping

from ansible_collections.kvmfleet.compute.plugins.plugin_utils.plain import plain
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.run import is_dead

DEFAULT_ZONE = "nova"


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


def _host(variables: Mapping, name: str, hosts_variable: str) -> tuple[dict[str, t.Any], str]:
    """({status, error, state}, zone) of one host; its variables are read by key only, because each read is a templating."""
    result = variables.get(hosts_variable)
    zone = str(variables.get("compute_availability_zone") or DEFAULT_ZONE)
    if result is None:
        return {"status": "failed", "error": f"{hosts_variable} is not set on this host", "state": None}, zone
    result = plain(result)
    if result.get("unreachable"):
        return {"status": "unreachable", "error": str(result.get("msg") or "unreachable"), "state": None}, zone
    if result.get("failed") or not result.get("host"):
        return {"status": "failed", "error": str(result.get("msg") or "host_info returned no facts"), "state": None}, zone
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
    for record in state["instances"]:
        record["host"] = name
        record["live"] = bool(record.get("locked")) or (record["vm_state"] == "building" and not is_dead(record.get("run")))
    return {"status": "ok", "error": None, "state": state}, zone


def read_fleet(task_vars: Mapping, hosts_variable: str, aggregates: Mapping | None = None) -> dict[str, t.Any]:
    """The fleet of this play: ``hosts_variable`` names the variable under which each host registered ``host_info``.

    ``aggregates``: compute_aggregates as plain data. Zones become aggregates of their own with the metadata ``availability_zone``.
    """
    hosts: dict[str, t.Any] = {}
    zones: dict[str, list[str]] = {}
    for name in task_vars.get("ansible_play_hosts_all") or []:
        name = str(name)
        variables = task_vars["hostvars"][name]
        hosts[name], zone = _host(variables, name, hosts_variable)
        zones.setdefault(zone, []).append(name)
    built = [{"name": zone, "hosts": members, "metadata": {"availability_zone": zone}} for zone, members in zones.items()]
    for name, aggregate in (aggregates or {}).items():
        members = [str(host) for host in aggregate.get("hosts") or []]
        built.append({"name": name, "hosts": members, "metadata": {key: str(value) for key, value in (aggregate.get("metadata") or {}).items()}})
    return {"version": 1, "hosts": hosts, "aggregates": built}


def zone_of(fleet: Mapping, host: str) -> str:
    """The availability zone of a host."""
    for aggregate in fleet["aggregates"]:
        if "availability_zone" in aggregate["metadata"] and host in aggregate["hosts"]:
            return str(aggregate["metadata"]["availability_zone"])
    return DEFAULT_ZONE


def records(fleet: Mapping) -> list[dict[str, t.Any]]:
    """Every instance record of the fleet."""
    return [record for host in fleet["hosts"].values() if host["state"] for record in host["state"]["instances"]]
