# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From the scheduler's picks to placed instances with ports: the seam between placement and claim; pure.

Names, addresses, quotas and group members are those of the facts here; what other runs are about to take the registrar knows (``reservation.py``).
"""

from __future__ import annotations

from collections.abc import Callable

from ansible_collections.kvmfleet.compute.plugins.plugin_utils.allocation.addresses import AddressBook, NoMoreFixedIps
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.fleet.census import records, zones_of
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.fleet.target import DEFAULT_ZONE, is_forced
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.shapes import (
    Alternate,
    BuildRequest,
    Existing,
    Fleet,
    FleetInstance,
    Pick,
    Placed,
    PlacementError,
    RequestSpec,
    ScheduleResult,
    Unplaced,
)

# A host's text in a sentence.
MOST_SHOWN = 160


def _unplaced(request: BuildRequest, error_class: str, message: str, reasons: dict[str, str]) -> Unplaced:
    error: PlacementError = {"error_class": error_class, "message": message, "reschedule": False, "reasons": reasons}
    return {"request_index": request["request_index"], "instance": request["instance"], "error": error}


def _needs_image(action: str, record: FleetInstance) -> bool:
    """True if a disk has to be made of the image of a server that is there: a dead run left it, or it is off and its disk is gone."""
    made_of_image = {disk["file"] for disk in record["disks"] if disk["kind"] == "overlay"}
    return bool(made_of_image) and (
        action == "finish" or (action == "start" and any(path.rpartition("/")[2] in made_of_image for path in record["missing_files"]))
    )


def _without_image(record: FleetInstance) -> str:
    """What to do if the catalogue has nothing that a server's root disk can be made of."""
    image = record["image"]
    if image is None:
        return f"the record on host {record['host']} names no image that its root disk could be made of"
    checksum = image["checksum"][:MOST_SHOWN]
    return (
        f"the root disk has to be made of the image with checksum {checksum}, as the record on host {record['host']} says, and no entry of compute_images "
        f"has this checksum; add one with it, with its source and with disk_format: {image['disk_format'][:MOST_SHOWN]}"
    )


def _obstacle(request: BuildRequest, there: Existing) -> Unplaced | None:
    """Why nothing may be done with a server that is there, if that is so."""
    if there["error"]:
        return _unplaced(request, there["error"]["error_class"], there["error"]["message"], {})
    if _needs_image(there["action"], there["record"]) and not there["image"]:
        return _unplaced(request, "ImageNotFound", _without_image(there["record"]), {})
    return None


def _existing(request: BuildRequest, there: Existing, zones: dict[str, str]) -> Placed:
    """A server that is there stays where it is, with its ports; an order for it says what is left to do.

    Its image is the catalogue's: a host that could name a source would get any file of the controller.
    """
    instance, record, host = request["instance"], there["record"], there["host"]
    return {
        "version": 1,
        "instance": {**instance, "availability_zone": zones.get(host, DEFAULT_ZONE), "ports": record["ports"]},
        "action": there["action"],
        "group_hosts": [],
        "gone_run": record["run"]["id"] if there["action"] == "finish" and record["gone"] and record["run"] else None,
        "request_index": request["request_index"],
        "host": host,
        "node": host,
        "alternates": [],
        "attempts": [],
        "drift": there["drift"],
        "power_state": record["power_state"],
        "image": there["image"] if _needs_image(there["action"], record) else None,
    }


def _placed(request: BuildRequest, host: str, node: str, alternates: list[Alternate], zones: dict[str, str]) -> Placed:
    return {
        "version": 1,
        "instance": {**request["instance"], "availability_zone": zones.get(host, DEFAULT_ZONE)},
        "action": "build",
        "group_hosts": [],
        "gone_run": None,
        "request_index": request["request_index"],
        "host": host,
        "node": node,
        "alternates": alternates,
        "attempts": [],
        "drift": [],
        "power_state": None,
        "image": request["instance"]["image"],
    }


class Placer:
    """The fleet that servers are placed in."""

    def __init__(self, fleet: Fleet) -> None:
        self.zones = zones_of(fleet)
        self._nodes = {name: host["state"]["node"] for name, host in fleet["hosts"].items() if host["state"]}

    def _alternates(self, request: BuildRequest, spec: RequestSpec, pick: Pick) -> list[Alternate]:
        """A host that was asked for is the only one: there is nowhere else to try."""
        if is_forced(request["target"]) or spec["requested_destination"]:
            return []
        return [{"host": name, "node": self._nodes[name], "zone": self.zones.get(name, DEFAULT_ZONE)} for name in pick["alternates"]]

    def move(self, placed: Placed, request: BuildRequest, spec: RequestSpec, pick: Pick) -> bool:
        """Put a placed server where the scheduler has put it now; False if it found no host."""
        host = pick["host"]
        if not host:
            return False
        placed["host"], placed["node"] = host, pick["node"] or host
        placed["alternates"] = self._alternates(request, spec, pick)
        placed["instance"]["availability_zone"] = self.zones.get(host, DEFAULT_ZONE)
        return True

    def placed(self, request: BuildRequest, spec: RequestSpec, pick: Pick) -> Placed | None:
        """The server where the scheduler has put it; None if it found no host."""
        host = pick["host"]
        return _placed(request, host, pick["node"] or host, self._alternates(request, spec, pick), self.zones) if host else None


def place(
    requests: list[BuildRequest],
    results: list[tuple[RequestSpec, ScheduleResult]],
    fleet: Fleet,
    book: AddressBook,
    explain: Callable[[ScheduleResult], tuple[str, dict[str, str]]],
) -> tuple[list[Placed], list[Unplaced]]:
    """Place every build request: those with a host and their ports, and those without.

    ``explain(result)``: (one sentence, {host: reason}).
    """
    by_id = {request["instance"]["uuid"]: request for request in requests}
    placer = Placer(fleet)
    placed: list[Placed] = []
    unplaced: list[Unplaced] = []
    for request in requests:
        if request["existing"]:
            obstacle = _obstacle(request, request["existing"])
            if obstacle:
                unplaced.append(obstacle)
            else:
                placed.append(_existing(request, request["existing"], placer.zones))
    chosen: list[tuple[BuildRequest, Placed]] = []
    for spec, result in results:
        picks = dict(zip(spec["instance_uuids"], result["picks"], strict=False)) if result["result"] in ("ok", "partial") else {}
        for uuid in spec["instance_uuids"]:
            server = placer.placed(by_id[uuid], spec, picks[uuid]) if uuid in picks else None
            if server:
                chosen.append((by_id[uuid], server))
            else:
                unplaced.append(_unplaced(by_id[uuid], "NoValidHost", *explain(result)))
    for request, _server in chosen:
        book.reserve(request["networks"])
    for request, server in chosen:
        try:
            server["instance"]["ports"] = [book.port(wanted) for wanted in request["networks"]]
            placed.append(server)
        except NoMoreFixedIps as error:
            unplaced.append(_unplaced(request, "NoMoreFixedIps", str(error), {}))
    return placed, unplaced


def by_host(placed: list[Placed]) -> dict[str, list[Placed]]:
    """The placed servers of each host that has any."""
    placements: dict[str, list[Placed]] = {}
    for server in placed:
        placements.setdefault(server["host"], []).append(server)
    return placements


def group_members(fleet: Fleet, placed: list[Placed]) -> dict[str, dict[str, str]]:
    """{group id: {uuid: host}} of the servers that are there, for the groups of those that are placed."""
    members: dict[str, dict[str, str]] = {}
    for server in placed:
        if server["instance"]["group"]:
            members[server["instance"]["group"]["id"]] = {}
    for record in records(fleet) if members else ():
        group = record["group"]
        if group and group["id"] in members:
            members[group["id"]][record["uuid"]] = record["host"]
    return members


def cached_images(fleet: Fleet, placed: list[Placed]) -> dict[str, dict[str, str]]:
    """{host: {"sha256:…" or "sha512:…": disk format}} of the images that are needed and in the caches of hosts that they may be needed on."""
    needed = {server["image"]["checksum"].lower() for server in placed if server["image"]}
    hosts = {host for server in placed for host in (server["host"], *(alternate["host"] for alternate in server["alternates"]))}
    cached: dict[str, dict[str, str]] = {}
    for name in sorted(hosts):
        state = fleet["hosts"][name]["state"]
        for image in state["images"] if state else []:
            for algorithm, digest in image["digests"].items():
                if f"{algorithm}:{digest}" in needed:
                    cached.setdefault(name, {})[f"{algorithm}:{digest}"] = image["disk_format"]
    return cached
