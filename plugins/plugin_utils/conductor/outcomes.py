# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the hosts reported of a stage, as the conductor takes it; pure."""

from __future__ import annotations

import typing as t
from collections.abc import Mapping

from ansible_collections.kvmfleet.compute.plugins.module_utils.shapes import Outcome
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.shapes import Round

# What each host registered of a task: {host: result}; a host that skipped the task has an empty one.
Reports = Mapping[str, Mapping[str, t.Any]]


class LostHost(t.NamedTuple):
    """A host that gave no outcome, or not of all servers, because it was lost on the way: nothing more is sent to it."""

    reason: str
    servers: Mapping[str, Outcome] = {}  # the outcomes that it did give, by uuid


Outcomes = dict[str, "dict[str, Outcome] | LostHost"]


def read_outcomes(reports: Reports) -> Outcomes:
    """{host: {uuid: outcome} | LostHost} of the task that ran ``server``."""
    outcomes: Outcomes = {}
    for host, reported in reports.items():
        servers: list[Outcome] = reported.get("servers") or []
        if reported.get("unreachable"):
            outcomes[host] = LostHost(f"unreachable: {reported.get('msg') or 'no connection'}")
        elif reported.get("timedout"):
            # What Ansible says of a task that it has cut off; on the host it may still run.
            outcomes[host] = LostHost(f"the task was cut off: {reported.get('msg') or 'its time was over'}")
        elif "servers" not in reported or (reported.get("failed") and not servers):
            outcomes[host] = LostHost(str(reported.get("msg") or "the task gave no result"))
        else:
            found = {outcome["uuid"]: outcome for outcome in servers}
            outcomes[host] = LostHost(str(reported["lost"]), found) if reported.get("lost") else found
    return outcomes


def with_image_seconds(outcomes: Outcomes, state: Round, reports: Reports) -> Outcomes:
    """The outcomes with the seconds that a host spent on the image of each server; ``reports``: of the task that ran ``image``."""
    timed: Outcomes = {}
    for host, reported in outcomes.items():
        seconds: dict[str, float] = {image["id"]: image["seconds"] for image in reports.get(host, {}).get("images") or []}
        if isinstance(reported, LostHost):
            timed[host] = reported._replace(servers=_with_seconds(reported.servers, state, seconds))
        else:
            timed[host] = _with_seconds(reported, state, seconds)
    return timed


def _with_seconds(servers: Mapping[str, Outcome], state: Round, seconds: Mapping[str, float]) -> dict[str, Outcome]:
    of_host: dict[str, Outcome] = {}
    for uuid, outcome in servers.items():
        placed = state["servers"][uuid]["placed"] if uuid in state["servers"] else None
        image = placed["image"] if placed else None
        spent = {"image": seconds[image["id"]]} if image and image["id"] in seconds else {}
        of_host[uuid] = {**outcome, "seconds": {**outcome["seconds"], **spent}}
    return of_host


def without_images(reports: Reports, images: Reports) -> Reports:
    """``reports`` of the task that ran ``server``; of a host that was lost in the task that ran ``image``, and not asked to build any more, that one's."""
    return {host: images[host] if "servers" not in reported and is_lost(images.get(host, {})) else reported for host, reported in reports.items()}


def is_lost(reported: Mapping[str, t.Any]) -> bool:
    """True if a task did not come to an end on the host."""
    return bool(reported.get("unreachable") or reported.get("timedout"))
