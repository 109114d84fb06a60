# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The conductor's rounds: what the hosts reported, and where each server goes next; pure.

Follows ``nova/conductor/manager.py: build_instances`` and ``nova/compute/manager.py: _do_build_and_run_instance``. All claims are settled before
anything is built; a host's refusal or failure sends a server to its next alternate, up to ``max_attempts``; a host that was lost leaves its
servers ``unknown``, and they go nowhere, because the guest may be up.

A round has the shape Round of ``plugin_utils/shapes.py``. An instance stands in it exactly once, in ``servers``; who does what names it by its uuid.
"""

from __future__ import annotations

import copy
import typing as t
from collections import Counter

STAGE_STATUS = {"claim": "placed", "build": "claimed"}
LOST = {"error_class": "HostLost", "reschedule": False}

Data = dict[str, t.Any]
Round = dict[str, t.Any]
Outcomes = dict[str, "dict[str, dict[str, t.Any]] | str"]


def _on_their_way(servers: t.Iterable[Data]) -> dict[str, Counter[str]]:
    """{group id: how many servers of this run are on each host, or on their way to it}."""
    hosts: dict[str, Counter[str]] = {}
    for server in servers:
        placed = server["placed"]
        if placed and placed["instance"]["group"] and server["status"] in ("placed", "claimed", "active", "unknown"):
            hosts.setdefault(placed["instance"]["group"]["id"], Counter())[placed["host"]] += 1
    return hosts


def _group_hosts(coming: dict[str, Counter[str]], group_members: dict[str, dict[str, str]], placed: Data) -> list[str]:
    """The hosts of a server's group: of the members that were there, and of the others on their way in this run."""
    group = placed["instance"]["group"]
    if not group:
        return []
    others = coming[group["id"]] - Counter([placed["host"]])
    return sorted({*group_members.get(group["id"], {}).values(), *others})


def _stage(state: Round) -> Round:
    """Set the stage, and with it who does what where."""
    servers = state["servers"]
    statuses = {server["status"] for server in servers.values()}
    state["stage"] = "claim" if "placed" in statuses else "build" if "claimed" in statuses else "done"
    placements: dict[str, list[str]] = {}
    coming = _on_their_way(servers.values())
    for uuid, server in servers.items():
        if server["status"] == STAGE_STATUS.get(state["stage"]):
            placed = server["placed"]
            placed["group_hosts"] = _group_hosts(coming, state["group_members"], placed)
            placements.setdefault(placed["host"], []).append(uuid)
    state["placements"] = placements
    state["images"] = {}
    if state["stage"] == "build":
        for host, uuids in placements.items():
            state["images"][host] = _images([servers[uuid]["placed"] for uuid in uuids], state["cached_images"].get(host, {}))
    return state


def _images(placed: list[Data], cached: dict[str, str]) -> list[Data]:
    """Each image once, however many servers need it, unless it is in the host's cache."""
    needed = {server["image"]["id"]: server["image"] for server in placed if server["image"]}
    return [image for image in needed.values() if cached.get(image["checksum"].lower()) != image["disk_format"]]


def first(
    placed: list[Data],
    unplaced: list[Data],
    *,
    run: Data,
    max_attempts: int,
    group_members: dict[str, dict[str, str]],
    cached_images: dict[str, dict[str, str]],
) -> Round:
    """The round after the scheduler, of the Placed and the Unplaced.

    ``cached_images``: {host: {digest: disk_format}} of the caches.
    """
    # What is there already needs no claim; what a dead run left does, because its record names that run.
    servers = [_server(item, None, "claimed" if item["action"] in ("none", "start") else "placed") for item in placed]
    servers += [_server(None, item, "failed") for item in unplaced]
    ordered = {}
    for server in sorted(servers, key=_position):
        ordered[_of(server)["instance"]["uuid"]] = server
    return _stage(
        {
            "version": 1,
            "stage": "claim",
            "run": run,
            "max_attempts": max_attempts,
            "servers": ordered,
            "placements": {},
            "group_members": group_members,
            "cached_images": cached_images,
            "images": {},
        }
    )


def _of(server: Data) -> Data:
    return t.cast("Data", server["placed"] or server["unplaced"])


def _position(server: Data) -> tuple[int, int]:
    return _of(server)["request_index"], _of(server)["instance"]["launch_index"]


def _server(placed: Data | None, unplaced: Data | None, status: str) -> Data:
    error = unplaced["error"] if unplaced else None
    made = {"placed": placed, "unplaced": unplaced, "status": status, "outcome": None, "error": error}
    return {**made, "seconds": {}, "changed": False, "drift": [], "console": []}


def _attempted(placed: Data, stage: str, error: Data) -> None:
    placed["attempts"] = [*placed["attempts"], {"host": placed["host"], "stage": stage, "error": error["message"]}]


def _fail(server: Data, outcome: Data, max_attempts: int) -> None:
    """Record the attempt, and go to the next alternate if that may help."""
    placed, error = server["placed"], outcome["error"]
    _attempted(placed, outcome["stage"], error)
    server["error"] = error
    if error.get("reschedule") and placed["action"] == "build" and placed["alternates"] and len(placed["attempts"]) < max_attempts:
        following, *placed["alternates"] = placed["alternates"]
        placed["host"], placed["node"] = following["host"], following["node"]
        placed["instance"]["availability_zone"] = following["zone"]
        server["status"] = "placed"
        server["error"] = None
    else:
        server["status"] = "failed"


def _settle(server: Data, outcome: Data | None, lost: str | None, stage: str, max_attempts: int) -> None:
    placed = server["placed"]
    if outcome is None:
        why = lost or "the host reported nothing of this server"
        server["status"], server["outcome"] = "unknown", "unknown"
        server["error"] = dict(LOST, message=f"host {placed['host']} was lost in the stage {stage}: {why}")
        _attempted(placed, stage, server["error"])
        return
    server["outcome"] = outcome["outcome"]
    server["changed"] = server["changed"] or outcome["changed"]
    server["drift"] = outcome.get("drift") or server["drift"]
    server["console"] = outcome.get("console") or []
    for name, seconds in outcome["seconds"].items():
        server["seconds"][name] = round(server["seconds"].get(name, 0.0) + seconds, 3)
    if outcome["outcome"] == "unknown":
        server["status"], server["error"] = "unknown", outcome["error"]
        _attempted(placed, outcome["stage"], outcome["error"])
    elif outcome["error"]:
        _fail(server, outcome, max_attempts)
    else:
        server["status"] = "claimed" if stage == "claim" else "active"


def add_seconds(outcomes: Outcomes, state: Round, stage: str, per_image: dict[str, dict[str, float]]) -> None:
    """Add to the outcomes what a host spent on the images of each server: {host: {image id: seconds}}."""
    for host, uuids in state["placements"].items():
        reported = outcomes.get(host)
        if isinstance(reported, str) or reported is None:
            continue
        for uuid in uuids:
            image = state["servers"][uuid]["placed"]["image"]
            seconds = per_image.get(host, {}).get(image["id"]) if image else None
            if seconds is not None and uuid in reported:
                reported[uuid]["seconds"][stage] = seconds


def conduct(state: Round, outcomes: Outcomes) -> Round:
    """The next round. ``outcomes``: of each host either {uuid: outcome} of this stage or, if the host was lost, the reason as text."""
    state = copy.deepcopy(state)
    stage = state["stage"]
    for host, uuids in state["placements"].items():
        reported = outcomes.get(host, "no result of this host")
        for uuid in uuids:
            if isinstance(reported, str):
                _settle(state["servers"][uuid], None, reported, stage, state["max_attempts"])
            else:
                _settle(state["servers"][uuid], reported.get(uuid), None, stage, state["max_attempts"])
    return _stage(state)
