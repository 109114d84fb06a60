# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the hosts reported of a stage, as the conductor takes it; pure."""

from __future__ import annotations

import typing as t
from collections.abc import Collection, Mapping

from ansible_collections.kvmfleet.compute.plugins.module_utils.shapes import Drift, Outcome
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.conductor.answer_shape import DONE, ERRORS, faults_of_outcomes, has_seconds
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.shapes import Round

# What each host registered of a task: {host: result}; a host that skipped the task has an empty one.
Reports = Mapping[str, Mapping[str, t.Any]]


class LostHost(t.NamedTuple):
    """A host that gave no outcome, or not of all servers, because it was lost on the way: nothing more is sent to it."""

    reason: str
    servers: Mapping[str, Outcome] = {}  # the outcomes that it did give, by uuid


Outcomes = dict[str, "dict[str, Outcome] | LostHost"]


def read_outcomes(state: Round, reports: Reports) -> Outcomes:
    """{host: {uuid: outcome} | LostHost} of the task that ran ``server`` for this round: what a host says of servers that it was not given is dropped."""
    return {host: _read(state["stage"], state["placements"].get(host, []), reported) for host, reported in reports.items()}


def _read(stage: str, given: Collection[str], reported: Mapping[str, t.Any]) -> dict[str, Outcome] | LostHost:
    servers: t.Any = reported.get("servers") or []
    if reported.get("unreachable"):
        return LostHost(f"unreachable: {reported.get('msg') or 'no connection'}")
    if reported.get("timedout"):
        # What Ansible says of a task that it has cut off; on the host it may still run.
        return LostHost(f"the task was cut off: {reported.get('msg') or 'its time was over'}")
    if "servers" not in reported or (reported.get("failed") and not servers):
        return LostHost(str(reported.get("msg") or "the task gave no result"))
    wrong = faults_of_outcomes(servers)
    if wrong:
        return LostHost(f"its answer is none: {wrong}")
    outcomes: list[Outcome] = [_whole(outcome) for outcome in servers if outcome["uuid"] in given]
    for outcome in outcomes:
        if outcome["outcome"] not in (ERRORS if outcome["error"] else (*DONE[stage], "unknown")):
            with_error = "with an error" if outcome["error"] else "without an error"
            return LostHost(f"its answer is none: {outcome['uuid']} is {outcome['outcome']} {with_error} in the stage {stage}")
    found = {outcome["uuid"]: outcome for outcome in outcomes}
    return LostHost(str(reported["lost"]), found) if reported.get("lost") else found


def _whole(outcome: Outcome) -> Outcome:
    """With what may be null and was left out."""
    drift: list[Drift] = [{**item, "wanted": item.get("wanted"), "actual": item.get("actual")} for item in outcome.get("drift") or []]
    whole: Outcome = {
        **outcome,
        "display_name": outcome.get("display_name"),
        "error": outcome.get("error"),
        "power_state": outcome.get("power_state"),
    }
    if drift:
        whole["drift"] = drift
    return whole


def with_image_seconds(outcomes: Outcomes, state: Round, reports: Reports) -> Outcomes:
    """The outcomes with the seconds that a host spent on the image of each server; ``reports``: of the task that ran ``image``."""
    timed: Outcomes = {}
    for host, reported in outcomes.items():
        images: t.Any = reports.get(host, {}).get("images") or []
        seconds: dict[str, float] = {image["id"]: image["seconds"] for image in images} if has_seconds(images) else {}
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
