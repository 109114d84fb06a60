# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Another host for servers that lost theirs to a group member that the facts don't show; pure.

The scheduler places them as it did before, with what this run's other servers use, with the members that the registrar knows, and without the hosts that were
tried, as in Nova.
"""

from __future__ import annotations

import typing as t

from ansible_collections.kvmfleet.compute.plugins.module_utils.shapes import Error
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.allocation.place import Placer
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.shapes import BuildRequest, Placed, RequestSpec, Round, ScheduleResult

Members = dict[str, dict[str, str]]  # hosts of a group's members, by group id and server id
Others = list[tuple[RequestSpec, dict[str, str]]]  # this run's other new servers: the request spec of some, and their hosts by id
THERE = ("placed", "claimed", "active", "unknown")


class Scheduling(t.Protocol):
    """The scheduler over the fleet of the run."""

    def __call__(self, specs: list[RequestSpec], occupied: Others, members: Members) -> list[ScheduleResult]:
        """A result for each request spec."""


def place_again(
    state: Round, lost: list[Placed], members: Members, requests: list[BuildRequest], specs: list[RequestSpec], placer: Placer, schedule: Scheduling
) -> dict[str, Error]:
    """Move servers of a round, which is changed; the errors of those for which there is no other host, by id."""
    uuids = {placed["instance"]["uuid"] for placed in lost}
    spec_of = {uuid: spec for spec in specs for uuid in spec["instance_uuids"]}
    by_id = {request["instance"]["uuid"]: request for request in requests}
    single = [_single(spec_of[placed["instance"]["uuid"]], placed, state) for placed in lost]
    known = {group: {uuid: host for uuid, host in of_group.items() if uuid not in uuids} for group, of_group in members.items()}
    errors: dict[str, Error] = {}
    for placed, spec, result in zip(lost, single, schedule(single, _others(state, uuids, specs), known), strict=True):
        uuid = placed["instance"]["uuid"]
        is_moved = result["result"] == "ok" and placer.move(placed, by_id[uuid], spec, result["picks"][0])
        if not is_moved:
            errors[uuid] = {"error_class": "NoValidHost", "message": result["message"], "reschedule": False}
    return errors


def _single(spec: RequestSpec, placed: Placed, state: Round) -> RequestSpec:
    """The request spec of one server, without the hosts that it was tried on and those that are lost."""
    instance = placed["instance"]
    return {
        **spec,
        "id": instance["uuid"],
        "num_instances": 1,
        "min_count": 1,
        "instance_uuids": [instance["uuid"]],
        "display_names": [instance["display_name"]],
        "ignore_hosts": [*spec["ignore_hosts"], *(attempt["host"] for attempt in placed["attempts"]), *state["lost_hosts"]],
    }


def _others(state: Round, lost: set[str], specs: list[RequestSpec]) -> Others:
    """What this run has placed beside them, which no facts show."""
    others: Others = []
    for spec in specs:
        servers = {uuid: state["servers"][uuid] for uuid in spec["instance_uuids"] if uuid not in lost and uuid in state["servers"]}
        hosts = {uuid: server["placed"]["host"] for uuid, server in servers.items() if server["placed"] and server["status"] in THERE}
        if hosts:
            others.append((spec, hosts))
    return others
