# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From the scheduler's picks to placed instances with ports: the seam between placement and claim; pure.

Names, addresses, quotas and group members of the whole fleet are decided before this returns; short-lived reservations would be taken here.
"""

from __future__ import annotations

import typing as t

from ansible_collections.kvmfleet.compute.plugins.plugin_utils.allocation.addresses import AddressBook, NoMoreFixedIps
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.fleet.fleet import zones_of
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.fleet.target import DEFAULT_ZONE
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.shapes import Pick, RequestSpec, ScheduleResult

Data = dict[str, t.Any]


def _error(error_class: str, message: str, reasons: dict[str, str] | None = None) -> Data:
    return {"error_class": error_class, "message": message, "reschedule": False, "reasons": reasons or {}}


def _unplaced(request: Data, error: Data) -> Data:
    return {"request_index": request["request_index"], "instance": request["instance"], "error": error}


def _existing(request: Data, zones: dict[str, str]) -> Data:
    """A server that is there stays where it is, with its ports; an order for it says what is left to do."""
    there, instance = request["existing"], request["instance"]
    record, action, host = there["record"], there["action"], there["host"]
    roots = {disk["file"] for disk in record["disks"] if disk["kind"] == "overlay"}
    root_is_gone = any(path.rsplit("/", 1)[-1] in roots for path in record["missing_files"])
    return {
        "version": 1,
        "instance": {**instance, "availability_zone": zones.get(host, DEFAULT_ZONE), "ports": record.get("ports") or []},
        "action": action,
        "group_hosts": [],
        "request_index": request["request_index"],
        "host": host,
        "node": host,
        "alternates": [],
        "attempts": [],
        "drift": there["drift"],
        # What is there is built of what it was claimed with.
        "image": (record.get("image") or instance["image"]) if action == "finish" or (action == "start" and root_is_gone) else None,
    }


def _placed(request: Data, pick: Pick, zones: dict[str, str]) -> Data:
    host, instance = str(pick["host"]), request["instance"]
    # A forced host is the only one that was asked for: there is nowhere else to try.
    others = [] if request["target"]["host"] or request["target"]["node"] else [_alternate(item, zones) for item in pick["alternates"]]
    return {
        "version": 1,
        "instance": {**instance, "availability_zone": zones.get(host, DEFAULT_ZONE)},
        "action": "build",
        "group_hosts": [],
        "request_index": request["request_index"],
        "host": host,
        "node": pick["node"] or host,
        "alternates": others,
        "attempts": [],
        "drift": [],
        "image": instance["image"],
    }


def _alternate(item: Data | str, zones: dict[str, str]) -> Data:
    host, node = (item["host"], item.get("node")) if isinstance(item, dict) else (item, None)
    return {"host": host, "node": node or host, "zone": zones.get(host, DEFAULT_ZONE)}


def place(
    requests: list[Data],
    results: list[tuple[RequestSpec, ScheduleResult]],
    fleet: Data,
    book: AddressBook,
    explain: t.Callable[[ScheduleResult], tuple[str, dict[str, str]]],
) -> tuple[list[Data], list[Data]]:
    """(Placed of every build request that has a host and its ports, Unplaced of every other one).

    ``results``: [(request spec, scheduler result)]; ``explain(result)``: (one sentence, {host: reason}).
    """
    by_id = {request["instance"]["uuid"]: request for request in requests}
    zones = zones_of(fleet)
    placed = [_existing(request, zones) for request in requests if request["existing"]]
    unplaced: list[Data] = []
    chosen: list[tuple[Data, Data]] = []
    for spec, result in results:
        picks: dict[str, Pick] = {}
        for uuid, pick in zip(spec["instance_uuids"], result["picks"], strict=False):
            if pick["host"] and result["result"] in ("ok", "partial"):
                picks[uuid] = pick
        for uuid in spec["instance_uuids"]:
            if uuid in picks:
                pick = {**picks[uuid], "alternates": []} if spec["requested_destination"] else picks[uuid]
                chosen.append((by_id[uuid], _placed(by_id[uuid], pick, zones)))
            else:
                message, reasons = explain(result)
                unplaced.append(_unplaced(by_id[uuid], _error("NoValidHost", message, reasons)))
    for request, _server in chosen:
        book.reserve(request["networks"])
    for request, server in chosen:
        try:
            server["instance"]["ports"] = [book.port(wanted) for wanted in request["networks"]]
            placed.append(server)
        except NoMoreFixedIps as error:
            unplaced.append(_unplaced(request, _error("NoMoreFixedIps", str(error))))
    return placed, unplaced


def group_members(fleet: dict[str, t.Any]) -> dict[str, dict[str, str]]:
    """{group id: {uuid: host}} of the servers that are there."""
    members: dict[str, dict[str, str]] = {}
    for name, host in fleet["hosts"].items():
        for record in (host["state"] or {}).get("instances") or []:
            group = record.get("group")
            if group:
                members.setdefault(group["id"], {})[record["uuid"]] = name
    return members


def cached_images(fleet: dict[str, t.Any]) -> dict[str, dict[str, str]]:
    """{host: {"sha256:…" or "sha512:…": disk format}} of the images in the hosts' caches."""
    return {
        name: {f"{algorithm}:{digest}": image["disk_format"] for image in host["state"].get("images") or [] for algorithm, digest in image["digests"].items()}
        for name, host in fleet["hosts"].items()
        if host["state"] and host["state"].get("images")
    }
