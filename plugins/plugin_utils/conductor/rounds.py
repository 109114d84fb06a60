# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The conductor's rounds: what the hosts reported, and where each server goes next; pure.

Follows ``nova/conductor/manager.py: build_instances`` and ``nova/compute/manager.py: _do_build_and_run_instance``.

1. The first round has every server of the run: placed ones are to be claimed, those that are there already count as claimed, unplaced ones have failed.
2. As long as one server is to be claimed, the stage is ``claim``: all claims are settled before a byte of image is fetched.
3. A host that refuses a claim sends the server to its next alternate, and so into the next round, up to ``max_attempts`` hosts. Bad input goes nowhere.
4. If none is left to be claimed, the stage is ``build``. A build that failed, and was undone, goes to the next alternate too: the stage is ``claim`` again.
5. A host that was lost, or doesn't know what became of a server, leaves it ``unknown``: it goes nowhere, because the guest may be up. Nothing more is sent
   to a lost host in this run.
6. If all is built or nothing, one server that is refused, failed or unknown before the first build has the others given up: the stage is ``release``.
7. The stage is ``done`` when every server is active, failed or unknown. Each attempt takes one alternate away, so that this comes about.

A round has the shape Round of ``plugin_utils/shapes.py``. An instance stands in it exactly once, in ``servers``; who does what names it by its uuid.
"""

from __future__ import annotations

import copy
from collections import Counter
from collections.abc import Iterable

from ansible_collections.kvmfleet.compute.plugins.module_utils.shapes import Error, Image, Origin, Outcome, Run
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.conductor.all_or_nothing import all_or_nothing
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.conductor.outcomes import LostHost, Outcomes
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.conductor.reserved import after
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.shapes import Placed, Round, RoundServer, SeenRules, Unplaced

STAGE_STATUS = {"claim": "placed", "release": "releasing", "build": "claimed"}
# What a server is when its stage has done what it should.
DONE_STATUS = {"claim": "claimed", "release": "failed", "build": "active"}


def _on_their_way(servers: Iterable[RoundServer]) -> dict[str, Counter[str]]:
    """{group id: how many servers of this run are on each host, or on their way to it}."""
    hosts: dict[str, Counter[str]] = {}
    for server in servers:
        placed = server["placed"]
        if placed and placed["instance"]["group"] and server["status"] in ("placed", "claimed", "active", "unknown"):
            hosts.setdefault(placed["instance"]["group"]["id"], Counter())[placed["host"]] += 1
    return hosts


def _group_hosts(coming: dict[str, Counter[str]], group_members: dict[str, dict[str, str]], placed: Placed) -> list[str]:
    """The hosts of a server's group: of the members that were there, and of the others on their way in this run."""
    group = placed["instance"]["group"]
    if not group:
        return []
    others = coming[group["id"]] - Counter([placed["host"]])
    return sorted({*group_members.get(group["id"], {}).values(), *others})


def staged(state: Round) -> Round:
    """The round with its stage, and with it who does what where, by the status of its servers."""
    statuses = {server["status"] for server in state["servers"].values()}
    state["stage"] = next((stage for stage, status in STAGE_STATUS.items() if status in statuses), "done")
    coming = _on_their_way(state["servers"].values())
    todo: dict[str, list[Placed]] = {}
    for server in state["servers"].values():
        placed = server["placed"]
        if placed and server["status"] == STAGE_STATUS.get(state["stage"]):
            placed["group_hosts"] = _group_hosts(coming, state["group_members"], placed)
            todo.setdefault(placed["host"], []).append(placed)
    state["placements"] = {host: [placed["instance"]["uuid"] for placed in servers] for host, servers in todo.items()}
    builds = todo if state["stage"] == "build" else {}
    state["images"] = {host: _images(servers, state["cached_images"].get(host, {})) for host, servers in builds.items()}
    return state


def _images(servers: list[Placed], cached: dict[str, str]) -> list[Image]:
    """Each image once, however many servers need it, unless it is in the host's cache."""
    needed = {server["image"]["id"]: server["image"] for server in servers if server["image"]}
    return [image for image in needed.values() if cached.get(image["checksum"].lower()) != image["disk_format"]]


def first(
    placed: list[Placed],
    unplaced: list[Unplaced],
    *,
    run: Run,
    max_attempts: int,
    origin: Origin | None = None,
    all_or_nothing: bool = False,
    group_members: dict[str, dict[str, str]],
    cached_images: dict[str, dict[str, str]],
    security_groups: list[SeenRules] | None = None,
) -> Round:
    """The round after the scheduler. ``cached_images``: {host: {digest: disk_format}} of the caches."""
    # What is there already needs no claim; what a dead run left does, because its record names that run.
    servers = [(_position(item), _server(item, None, "claimed" if item["action"] in ("none", "start") else "placed")) for item in placed]
    servers += [(_position(item), _server(None, item, "failed")) for item in unplaced]
    servers.sort(key=lambda item: item[0])
    return staged(
        {
            "version": 1,
            "stage": "claim",
            "run": run,
            "origin": origin,
            "max_attempts": max_attempts,
            "all_or_nothing": all_or_nothing,
            "servers": {uuid: server for (_request, _index, uuid), server in servers},
            "placements": {},
            "lost_hosts": {},
            "group_members": group_members,
            "cached_images": cached_images,
            "images": {},
            "security_groups": security_groups or [],
            "grants": {},
            "reserved": {"open": [], "claimed": [], "absent": []},
        }
    )


def _position(server: Placed | Unplaced) -> tuple[int, int, str]:
    return server["request_index"], server["instance"]["launch_index"], server["instance"]["uuid"]


def _server(placed: Placed | None, unplaced: Unplaced | None, status: str) -> RoundServer:
    return {
        "placed": placed,
        "unplaced": unplaced,
        "status": status,
        "outcome": None,
        "error": unplaced["error"] if unplaced else None,
        "seconds": {},
        "changed": False,
        "drift": [],
        "warnings": [],
        "console": [],
    }


def _attempted(placed: Placed, stage: str, error: Error) -> None:
    placed["attempts"] = [*placed["attempts"], {"host": placed["host"], "stage": stage, "error": error["message"]}]


def _fail(server: RoundServer, placed: Placed, stage: str, error: Error, state: Round) -> None:
    """Record the attempt, and go to the next alternate that is not lost, if that may help."""
    _attempted(placed, stage, error)
    placed["alternates"] = [alternate for alternate in placed["alternates"] if alternate["host"] not in state["lost_hosts"]]
    if error["reschedule"] and placed["action"] == "build" and placed["alternates"] and len(placed["attempts"]) < state["max_attempts"]:
        following, *placed["alternates"] = placed["alternates"]
        placed["host"], placed["node"] = following["host"], following["node"]
        placed["instance"]["availability_zone"] = following["zone"]
        server["status"], server["error"] = "placed", None
    else:
        server["status"], server["error"] = "failed", error


def _lose(server: RoundServer, placed: Placed, stage: str, error: Error) -> None:
    """The guest may be up: the server stays where it is."""
    server["status"], server["outcome"], server["error"] = "unknown", "unknown", error
    _attempted(placed, stage, error)


def _settle(server: RoundServer, placed: Placed, outcome: Outcome, stage: str, state: Round) -> None:
    server["outcome"] = outcome["outcome"]
    server["changed"] = server["changed"] or outcome["changed"]
    placed["power_state"] = outcome["power_state"] or placed["power_state"]
    server["drift"] = outcome.get("drift") or server["drift"]
    server["warnings"] = outcome.get("warnings") or []
    ssh_ports = outcome.get("ssh_ports") or {}
    for port in placed["instance"]["ports"]:
        if port["id"] in ssh_ports:
            port["binding"] = {**port["binding"], "ssh_port": ssh_ports[port["id"]]}
    server["console"] = outcome.get("console") or []
    for name, seconds in outcome["seconds"].items():
        server["seconds"][name] = round(server["seconds"].get(name, 0.0) + seconds, 3)
    error = outcome["error"]
    if outcome["outcome"] == "unknown" or (error and stage == "release"):
        # A claim that could not be given up is there.
        _lose(server, placed, outcome["stage"], error or _lost(placed, stage, "the host does not say why"))
    elif error:
        _fail(server, placed, outcome["stage"], error, state)
    else:
        server["status"] = DONE_STATUS[stage]


def _lost(placed: Placed, stage: str, reason: str) -> Error:
    return {"error_class": "HostLost", "message": f"host {placed['host']} was lost in the stage {stage}: {reason}", "reschedule": False}


def conduct(state: Round, outcomes: Outcomes) -> Round:
    """The round that follows when the hosts have reported the outcomes of this one's stage."""
    state = copy.deepcopy(state)
    stage = state["stage"]
    told = {host: outcomes.get(host, LostHost("no result of this host")) for host in state["placements"]}
    state["reserved"] = after(state["reserved"], stage, told)
    # First of all hosts: no server must go on to one that is lost.
    state["lost_hosts"].update({host: reported.reason for host, reported in told.items() if isinstance(reported, LostHost)})
    for host, uuids in state["placements"].items():
        reported = told[host]
        lost = isinstance(reported, LostHost)
        known = reported.servers if isinstance(reported, LostHost) else reported
        for uuid in uuids:
            server = state["servers"][uuid]
            placed = server["placed"]
            if placed is None:
                continue
            if uuid in known:
                _settle(server, placed, known[uuid], stage, state)
            else:
                _lose(server, placed, stage, _lost(placed, stage, state["lost_hosts"][host] if lost else "the host reported nothing of this server"))
    _leave(state, stage)
    return staged(all_or_nothing(state) if stage == "claim" else state)


def _leave(state: Round, stage: str) -> None:
    """Whatever still was to be done on a lost host: the claim, or the guest, is there, and stays."""
    for server in state["servers"].values():
        placed = server["placed"]
        if placed and server["status"] == "claimed" and placed["host"] in state["lost_hosts"]:
            _lose(server, placed, stage, _lost(placed, stage, state["lost_hosts"][placed["host"]]))


def progress(state: Round) -> str:
    """Lines that say where servers go that a host refused or failed to build; empty if there are none."""
    lines = []
    for server in state["servers"].values():
        placed = server["placed"]
        if placed and placed["attempts"] and server["status"] == "placed":
            last = placed["attempts"][-1]
            lines.append(f"{placed['instance']['display_name']}: {last['host']} ({last['stage']}): {last['error']}; next: {placed['host']}")
    return "\n".join(lines)
