# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The conductor's rounds: what the hosts reported, and where each server goes next; pure.

Follows ``nova/conductor/manager.py: build_instances`` and ``nova/compute/manager.py: _do_build_and_run_instance``. All claims are settled before
anything is built; a host's refusal or failure sends a server to its next alternate, up to ``max_attempts``; a host that was lost leaves its
servers ``unknown``, and they go nowhere, because the guest may be up.

A round is a plain dict::

    {"version": 1, "stage": "claim" | "build" | "done", "run": {…}, "max_attempts": 3,
     "servers": [{"instance": placed instance | instance, "status": …, "outcome", "error", "seconds", "changed", "drift", "console"}],
     "group_members": {<group id>: {<uuid>: <host>}},       # the members that were there before
     "placements": {<host>: [placed instances of this stage]},
     "images": {<host>: [the images that they need there]}}

``status``: ``placed`` (to be claimed), ``claimed`` (to be built), ``active``, ``failed``, ``unknown``.
"""

from __future__ import annotations

import copy
import typing as t
from collections import Counter

STAGE_STATUS = {"claim": "placed", "build": "claimed"}
KEYS = ("version", "stage", "run", "max_attempts", "servers", "group_members", "cached_images", "placements", "images")
LOST = {"error_class": "HostLost", "reschedule": False}

Round = dict[str, t.Any]
Outcomes = dict[str, "dict[str, dict[str, t.Any]] | str"]


def _on_their_way(servers: list[dict[str, t.Any]]) -> dict[str, Counter[str]]:
    """{group id: how many servers of this run are on each host, or on their way to it}."""
    hosts: dict[str, Counter[str]] = {}
    for server in servers:
        group = server["instance"].get("group")
        if group and server["status"] in ("placed", "claimed", "active", "unknown"):
            hosts.setdefault(group["id"], Counter())[server["instance"]["host"]] += 1
    return hosts


def _group_hosts(coming: dict[str, Counter[str]], group_members: dict[str, dict[str, str]], server: dict[str, t.Any]) -> list[str]:
    """The hosts of a server's group: of the members that were there, and of the others on their way in this run."""
    group = server["instance"].get("group")
    if not group:
        return []
    others = coming[group["id"]] - Counter([server["instance"]["host"]])
    return sorted({*group_members.get(group["id"], {}).values(), *others})


def _stage(state: Round) -> Round:
    """Set the stage, and with it who does what where."""
    servers = state["servers"]
    statuses = {server["status"] for server in servers}
    state["stage"] = "claim" if "placed" in statuses else "build" if "claimed" in statuses else "done"
    placements: dict[str, list[dict[str, t.Any]]] = {}
    coming = _on_their_way(servers)
    for server in servers:
        if server["status"] == STAGE_STATUS.get(state["stage"]):
            placed = dict(server["instance"], group_hosts=_group_hosts(coming, state["group_members"], server))
            placements.setdefault(placed["host"], []).append(placed)
    state["placements"] = placements
    state["images"] = (
        {host: _images(instances, state["cached_images"].get(host, {})) for host, instances in placements.items()} if state["stage"] == "build" else {}
    )
    return state


def _images(instances: list[dict[str, t.Any]], cached: dict[str, str]) -> list[dict[str, t.Any]]:
    """Each image once, however many servers need it, unless it is in the host's cache; a server whose root disk is there needs none."""
    needed: dict[str, dict[str, t.Any]] = {}
    for instance in instances:
        record = (instance.get("existing") or {}).get("record") or {}
        # A server that is there is built of what it was claimed with.
        image = record.get("image") or instance.get("image")
        missing = any(path.endswith("/disk") for path in record.get("missing_files") or [])
        if image and _action(instance) != "none" and (_action(instance) != "start" or missing):
            needed[image["id"]] = image
    return [image for image in needed.values() if cached.get(image["checksum"].lower()) != image["disk_format"]]


def first(
    placed: list[dict[str, t.Any]],
    unplaced: list[tuple[dict[str, t.Any], dict[str, t.Any]]],
    *,
    run: dict[str, t.Any],
    max_attempts: int,
    group_members: dict[str, dict[str, str]],
    cached_images: dict[str, dict[str, str]],
) -> Round:
    """The round after the scheduler: the placed instances, and [(instance, error)] of those that found no host.

    ``cached_images``: {host: {digest: disk_format}} of the caches.
    """
    # What is there already needs no claim; what a dead run left does, because its record names that run.
    servers = [_server(instance, "claimed" if _action(instance) in ("none", "start") else "placed") for instance in placed]
    for instance, error in unplaced:
        server = _server(dict(instance, host=None, alternates=[], attempts=[], ports=instance.get("ports") or []), "failed")
        server["error"] = error
        servers.append(server)
    servers.sort(key=lambda server: (server["instance"]["request_index"], server["instance"]["launch_index"]))
    return _stage(
        {
            "version": 1,
            "stage": "claim",
            "run": run,
            "max_attempts": max_attempts,
            "servers": servers,
            "group_members": group_members,
            "cached_images": cached_images,
        }
    )


def _action(instance: dict[str, t.Any]) -> str | None:
    return (instance.get("existing") or {}).get("action")


def _server(instance: dict[str, t.Any], status: str) -> dict[str, t.Any]:
    return {"instance": instance, "status": status, "outcome": None, "error": None, "seconds": {}, "changed": False, "drift": [], "console": []}


def _fail(server: dict[str, t.Any], outcome: dict[str, t.Any], max_attempts: int) -> None:
    """Record the attempt, and go to the next alternate where that may help."""
    instance, error = server["instance"], outcome["error"]
    instance["attempts"] = [*instance["attempts"], {"host": instance["host"], "stage": outcome["stage"], "error": error["message"]}]
    server["error"] = error
    if error.get("reschedule") and not instance.get("existing") and instance["alternates"] and len(instance["attempts"]) < max_attempts:
        instance["host"], *instance["alternates"] = instance["alternates"]
        instance["node"] = instance["host"]
        instance["availability_zone"] = (instance.get("zones") or {}).get(instance["host"], instance["availability_zone"])
        server["status"] = "placed"
        server["error"] = None
    else:
        server["status"] = "failed"


def _settle(server: dict[str, t.Any], outcome: dict[str, t.Any] | None, lost: str | None, stage: str, max_attempts: int) -> None:
    instance = server["instance"]
    if outcome is None:
        why = lost or "the host reported nothing of this server"
        server["status"], server["outcome"] = "unknown", "unknown"
        server["error"] = dict(LOST, message=f"host {instance['host']} was lost in the stage {stage}: {why}")
        instance["attempts"] = [*instance["attempts"], {"host": instance["host"], "stage": stage, "error": server["error"]["message"]}]
        return
    server["outcome"] = outcome["outcome"]
    server["changed"] = server["changed"] or outcome["changed"]
    server["drift"] = outcome.get("drift") or server["drift"]
    server["console"] = outcome.get("console") or []
    for name, seconds in outcome["seconds"].items():
        server["seconds"][name] = round(server["seconds"].get(name, 0.0) + seconds, 3)
    if outcome["outcome"] == "unknown":
        server["status"], server["error"] = "unknown", outcome["error"]
        instance["attempts"] = [*instance["attempts"], {"host": instance["host"], "stage": outcome["stage"], "error": outcome["error"]["message"]}]
    elif outcome["error"]:
        _fail(server, outcome, max_attempts)
    else:
        server["status"] = "claimed" if stage == "claim" else "active"


def add_seconds(outcomes: Outcomes, state: Round, stage: str, per_image: dict[str, dict[str, float]]) -> None:
    """Add to the outcomes what a host spent on the images of each server: {host: {image id: seconds}}."""
    for host, instances in state["placements"].items():
        reported = outcomes.get(host)
        if isinstance(reported, str) or reported is None:
            continue
        for instance in instances:
            seconds = per_image.get(host, {}).get((instance.get("image") or {}).get("id", ""))
            if seconds is not None and instance["uuid"] in reported:
                reported[instance["uuid"]]["seconds"][stage] = seconds


def conduct(state: Round, outcomes: Outcomes) -> Round:
    """The next round. ``outcomes``: per host either {uuid: outcome} of this stage or, where the host was lost, the reason as text."""
    state = copy.deepcopy(state)
    stage = state["stage"]
    for server in state["servers"]:
        if server["status"] != STAGE_STATUS.get(stage):
            continue
        reported = outcomes.get(server["instance"]["host"], "no result of this host")
        if isinstance(reported, str):
            _settle(server, None, reported, stage, state["max_attempts"])
        else:
            _settle(server, reported.get(server["instance"]["uuid"]), None, stage, state["max_attempts"])
    return _stage(state)
