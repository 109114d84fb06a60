# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the controller knows of all hosts: the facts that each host registered, joined with its inventory variables (docs/data.md, Fleet).

They come from a play's hosts (registered, or set by the fact cache) or from a fleet file, which holds the same for each host.
"""

from __future__ import annotations

import json
import typing as t
from collections.abc import Mapping

from ansible_collections.kvmfleet.compute.plugins.module_utils.shapes import Held
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.edge.plain import NotPlain, plain
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.edge.play_hosts import HostVariables
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.fleet import facts_shape
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.fleet.addresses import literal
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.fleet.census import records_of
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.fleet.liveness import is_dead
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.fleet.runs import has_gone
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.fleet.target import DEFAULT_ZONE
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.schema.answers import WrongAnswer, items, mapping
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.schema.sentence import sentence
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.shapes import Aggregate, Fleet, FleetHost, HostEntry, Service

# Of a sentence that a host brought about.
MOST_SHOWN = 200
# Of a host whose facts are from before there was a registrar, or were written by hand.
NOTHING_HELD: Held = {"epoch": None, "highest_ticket": 0, "ended": [], "clock": {"boot_id": "", "seconds": 0.0}}
# The hosts that the playbooks take if they are told nothing else.
FLEET_GROUP = "hypervisors"
MOST_NAMED = 5
Variables = Mapping[str, t.Any] | HostVariables


class FleetError(ValueError):
    """The play can't see the whole fleet; the message says why and what to do."""


def refuse_partial_plays(task_vars: Mapping[str, t.Any], strategy: str | None) -> None:
    """FleetError for a run that sees only a part of the fleet or not all of it at once: names, addresses and quotas couldn't be proven free."""
    why = "names, addresses, quotas and group members are counted over the whole fleet"
    if task_vars.get("ansible_limit"):
        raise FleetError(f"--limit {task_vars['ansible_limit']}: {why}; run without --limit (disable a host with compute_disabled: true)")
    batch, all_hosts = task_vars.get("ansible_play_batch"), task_vars.get("ansible_play_hosts_all")
    if batch is not None and all_hosts is not None and len(task_vars.get("ansible_play_hosts") or batch) > len(batch):
        raise FleetError(f"serial: this batch has {len(batch)} of {len(all_hosts)} hosts, but {why}; run the play without serial")
    if strategy in ("free", "host_pinned", "ansible.builtin.free", "ansible.builtin.host_pinned"):
        raise FleetError(f"strategy {strategy}: the chain needs every host at the same step, because {why}; use the linear strategy")

    groups: Mapping[str, list[str]] = task_vars.get("groups") or {}
    left_out = sorted(set(groups.get(FLEET_GROUP) or ()).difference(all_hosts)) if all_hosts is not None else []
    if left_out:
        shown = ", ".join(left_out[:MOST_NAMED]) + (" …" if len(left_out) > MOST_NAMED else "")
        raise FleetError(
            f"the play (compute_hosts) leaves out {shown} of the group {FLEET_GROUP}: {why}; run it on the whole group (disable a host with "
            "compute_disabled: true), or take hosts that are a fleet of their own out of the group"
        )


# The variables of a host that are read beside its facts.
HOST_VARIABLES = (
    "ansible_host",
    "ansible_connection",
    "compute_availability_zone",
    "compute_disabled",
    "compute_disabled_reason",
    "compute_facts",
    "compute_traits",
)
# Those that may be text.
_TEXTS: dict[str, t.Callable[[str, object], object]] = {"compute_facts": mapping, "compute_traits": items}


def _address(variables: Variables, name: str) -> str | None:
    """What Ansible connects to: ``ansible_host``, else the host's own name; None if it connects to nothing."""
    if str(variables.get("ansible_connection") or "").rpartition(".")[2] == "local":
        return None
    return str(variables.get("ansible_host") or name)


def _service(variables: Variables) -> Service:
    disabled = variables.get("compute_disabled") or False
    return {
        "disabled": disabled if isinstance(disabled, bool) else str(disabled).lower() in ("true", "yes", "1", "on"),
        "disabled_reason": str(variables.get("compute_disabled_reason") or "") or None,
    }


class OddFacts(ValueError):
    """A host answered with facts of another shape; the message names every path and rule."""


def _set_ones(variables: Variables, name: str) -> t.Iterator[tuple[str, object]]:
    """HOST_VARIABLES as plain data, of texts that stand for a list or a mapping what they say; an empty text is as if it were not set."""
    for key in HOST_VARIABLES:
        value: object = plain(variables.get(key), f"{name}: {key}")
        if value is not None and value != "":
            yield key, _TEXTS[key](key, value) if key in _TEXTS else value


def _of_host(variables: Variables, name: str) -> dict[str, t.Any]:
    """The variables of a host that are read beside its facts, as plain data; FleetError if one is not what it must be."""
    try:
        found = dict(_set_ones(variables, name))
    except WrongAnswer as error:
        raise FleetError(f"variables of host {name}: {error}") from None
    wrong = sentence(facts_shape.faults_of_variables(found))
    if wrong:
        raise FleetError(f"variables of host {name}: {wrong}")
    return found


def _joined(variables: Variables, name: str, facts: object) -> FleetHost:
    """The facts of a host with what its inventory variables say; OddFacts for facts of another shape."""
    wrong = sentence(facts_shape.faults(facts))
    if wrong or not isinstance(facts, dict):
        raise OddFacts(f"facts of host {name}: {wrong}")
    address = _address(variables, name)
    # A fleet file may be written by hand: what a host reports always may be missing in it.
    nothing_there: dict[str, object] = {"node": name, "instances": [], "images": [], "domains": [], "addresses": [], "registrar": NOTHING_HELD}
    whole: t.Any = {**nothing_there, **{key: value for key, value in facts.items() if value is not None}}
    host: FleetHost = whole
    host["name"] = name
    host["address"] = address
    host["host_ip"] = literal(address or "")
    host["service"] = _service(variables)
    host["traits"] = sorted({*(facts.get("traits") or []), *(variables.get("compute_traits") or [])})
    host["facts"] = variables.get("compute_facts") or {}
    host["registrar"] = {**NOTHING_HELD, **host["registrar"]}
    nothing: t.Any = dict.fromkeys(facts_shape.NULLABLE)
    host["instances"] = [{**nothing, **record} for record in host["instances"]]
    for record in records_of(host):
        record["host"] = name
        building = record["vm_state"] == "building"
        record["gone"] = building and has_gone(record["run"])
        record["live"] = bool(record.get("locked")) or (building and not is_dead(record["run"], record["gone"], record["lease_left_s"]))
    return host


def _from_cache(result: object) -> t.Any:
    """What the fact cache keeps as one text of JSON, as data; anything else as it is."""
    try:
        return json.loads(result) if isinstance(result, str) else result
    except (ValueError, RecursionError):
        return None


def _host(variables: Variables, name: str, result: t.Any) -> HostEntry:
    """One host, from what ``host_info`` returned for it."""
    of_host = _of_host(variables, name)
    result = _from_cache(result)
    if not isinstance(result, Mapping):
        return {"status": "failed", "error": "the facts of host_info are not set on this host", "state": None}
    try:
        result = plain(result)
    except (NotPlain, RecursionError) as error:
        return {"status": "failed", "error": f"facts of host {name}: {str(error)[:MOST_SHOWN]}", "state": None}
    if result.get("unreachable"):
        return {"status": "unreachable", "error": str(result.get("msg") or "unreachable"), "state": None}
    if result.get("failed") or not result.get("host"):
        return {"status": "failed", "error": str(result.get("msg") or "host_info returned no facts"), "state": None}
    try:
        return {"status": "ok", "error": None, "state": _joined(of_host, name, result["host"])}
    except OddFacts as error:
        # What one host says must not stop the others.
        return {"status": "failed", "error": str(error), "state": None}


def read_fleet(hosts: dict[str, HostVariables], hosts_variable: str, aggregates: Mapping[str, t.Any] | None = None) -> Fleet:
    """The fleet of this play: ``hosts_variable`` names the variable under which each host has what ``host_info`` returned.

    ``hosts``: play_hosts with ``hosts_variable`` and HOST_VARIABLES.
    ``aggregates``: compute_aggregates as plain data. Zones become aggregates of their own with the metadata ``availability_zone``.
    """
    return _fleet({name: (variables, variables.get(hosts_variable)) for name, variables in hosts.items()}, aggregates)


def read_fleet_file(path: str, aggregates: Mapping[str, t.Any] | None = None) -> Fleet:
    """The fleet of a fleet file (``fleet_file``); FleetError with the path for what can't be read."""
    try:
        with open(path, encoding="utf-8") as file:
            document = json.load(file)
    except OSError as error:
        raise FleetError(f"fleet file {path}: {error.strerror}") from error
    except ValueError as error:
        raise FleetError(f"fleet file {path}: {error}") from error
    return read_fleet_document(document, f"fleet file {path}", aggregates)


def read_fleet_document(document: t.Any, called: str, aggregates: Mapping[str, t.Any] | None = None) -> Fleet:
    """The fleet of what a fleet file holds; FleetError with what it is ``called`` for another shape."""
    wrong = sentence(facts_shape.faults_of_file(document))
    if wrong:
        raise FleetError(f"{called}: {wrong}")
    entries: dict[str, dict[str, t.Any]] = document["hosts"]
    return _fleet({name: (entry, entry["host_info"]) for name, entry in entries.items()}, aggregates)


def fleet_file(hostvars: Mapping[str, object], names: t.Iterable[str], hosts_variable: str) -> dict[str, object]:
    """What a fleet file holds: {version, hosts {name: {host_info, and those of HOST_VARIABLES that are set}}}."""
    hosts = {}
    for name in names:
        variables = HostVariables(hostvars, name, (hosts_variable, *HOST_VARIABLES))
        found = dict(_set_ones(variables, name))
        hosts[str(name)] = {"host_info": plain(variables.get(hosts_variable) or {"failed": True, "msg": f"{hosts_variable} is not set"}), **found}
    return {"version": 1, "hosts": hosts}


def _fleet(given: dict[str, tuple[Variables, t.Any]], aggregates: Mapping[str, t.Any] | None) -> Fleet:
    hosts: dict[str, HostEntry] = {}
    zones: dict[str, list[str]] = {}
    for name, (variables, result) in given.items():
        hosts[name] = _host(variables, name, result)
        zones.setdefault(str(variables.get("compute_availability_zone") or DEFAULT_ZONE), []).append(name)
    built: list[Aggregate] = [{"name": zone, "hosts": members, "metadata": {"availability_zone": zone}} for zone, members in zones.items()]
    try:
        built += facts_shape.listed_aggregates(aggregates or {}, "compute_aggregates")
    except facts_shape.AggregatesError as error:
        raise FleetError(str(error)) from None
    return {"version": 1, "hosts": hosts, "aggregates": built}
