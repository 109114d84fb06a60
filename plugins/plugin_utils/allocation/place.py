# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From the scheduler's picks to placed instances with ports: the seam between placement and claim; pure.

Names, addresses, quotas and group members of the whole fleet are decided before this returns; short-lived reservations would be taken here.
"""

from __future__ import annotations

import typing as t

from ansible_collections.kvmfleet.compute.plugins.plugin_utils.allocation.addresses import AddressBook, NoMoreFixedIps
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.fleet.fleet import DEFAULT_ZONE, zones_of

Instance = dict[str, t.Any]
Lost = tuple[Instance, dict[str, t.Any]]


def _error(error_class: str, message: str, reasons: dict[str, str] | None = None) -> dict[str, t.Any]:
    return {"error_class": error_class, "message": message, "reschedule": False, "reasons": reasons or {}}


def _place(instance: Instance, zones: dict[str, str], host: str, node: str, alternates: list[str], forced: bool) -> Instance:
    # A forced host is the only one that was asked for: there is nowhere else to try.
    others = [] if forced else alternates
    return {
        **instance,
        "host": host,
        "node": node,
        "availability_zone": zones.get(host, DEFAULT_ZONE),
        "alternates": others,
        "zones": {name: zones.get(name, DEFAULT_ZONE) for name in others},
        "attempts": [],
    }


def _existing(instance: Instance, zones: dict[str, str]) -> Instance:
    record = instance["existing"]["record"]
    host = instance["existing"]["host"]
    return {**_place(instance, zones, host, host, [], True), "ports": record.get("ports") or []}


def place(
    instances: list[Instance],
    results: list[tuple[dict[str, t.Any], dict[str, t.Any]]],
    fleet: dict[str, t.Any],
    book: AddressBook,
    explain: t.Callable[[dict[str, t.Any]], tuple[str, dict[str, str]]],
) -> tuple[list[Instance], list[Lost]]:
    """(placed instances with ports, [(instance, error)] of those that found no host or no address).

    ``results``: [(request spec, scheduler result)]; ``explain(result)``: (one sentence, {host: reason}).
    """
    by_id = {instance["uuid"]: instance for instance in instances}
    zones = zones_of(fleet)
    placed = [_existing(instance, zones) for instance in instances if instance.get("existing")]
    lost: list[Lost] = []
    chosen: list[Instance] = []
    for spec, result in results:
        picks = {}
        for uuid, pick in zip(spec["instance_uuids"], result.get("picks") or [], strict=False):
            if pick.get("host") and result["result"] in ("ok", "partial"):
                picks[uuid] = pick
        forced = _is_forced(spec)
        for uuid in spec["instance_uuids"]:
            pick = picks.get(uuid)
            if pick:
                chosen.append(_place(by_id[uuid], zones, pick["host"], pick.get("node") or pick["host"], _names(pick), forced))
            else:
                message, reasons = explain(result)
                lost.append((by_id[uuid], _error("NoValidHost", message, reasons)))
    for instance in chosen:
        book.reserve(instance["requested_networks"])
    for instance in chosen:
        try:
            instance["ports"] = [book.port(wanted) for wanted in instance["requested_networks"]]
            placed.append(instance)
        except NoMoreFixedIps as error:
            lost.append((instance, _error("NoMoreFixedIps", str(error))))
    return placed, lost


def _names(pick: dict[str, t.Any]) -> list[str]:
    return [alternate["host"] if isinstance(alternate, dict) else alternate for alternate in pick.get("alternates") or []]


def _is_forced(spec: dict[str, t.Any]) -> bool:
    zone = spec.get("availability_zone") or ""
    return ":" in zone or bool(spec.get("force_hosts")) or bool(spec.get("force_nodes")) or bool(spec.get("requested_destination"))


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
