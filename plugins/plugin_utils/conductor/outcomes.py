# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the hosts reported of a stage, as the conductor takes it; pure."""

from __future__ import annotations

import typing as t

from ansible_collections.kvmfleet.compute.plugins.module_utils.shapes import Outcome
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.shapes import Round

# What each host registered of a task: {host: result}; a host that skipped the task has an empty one.
Reports = t.Mapping[str, t.Mapping[str, t.Any]]


class LostHost(t.NamedTuple):
    """A host that gave no outcome."""

    reason: str


Outcomes = dict[str, "dict[str, Outcome] | LostHost"]


def read_outcomes(reports: Reports) -> Outcomes:
    """{host: {uuid: outcome} | LostHost} of the task that ran ``server``."""
    outcomes: Outcomes = {}
    for host, reported in reports.items():
        servers: list[Outcome] = reported.get("servers") or []
        if reported.get("unreachable"):
            outcomes[host] = LostHost(f"unreachable: {reported.get('msg') or 'no connection'}")
        elif "servers" not in reported or (reported.get("failed") and not servers):
            outcomes[host] = LostHost(str(reported.get("msg") or "the task gave no result"))
        else:
            outcomes[host] = {outcome["uuid"]: outcome for outcome in servers}
    return outcomes


def with_image_seconds(outcomes: Outcomes, state: Round, reports: Reports) -> Outcomes:
    """The outcomes with the seconds that a host spent on the image of each server; ``reports``: of the task that ran ``image``."""
    timed: Outcomes = {}
    for host, reported in outcomes.items():
        if isinstance(reported, LostHost):
            timed[host] = reported
            continue
        seconds: dict[str, float] = {image["id"]: image["seconds"] for image in reports.get(host, {}).get("images") or []}
        of_host: dict[str, Outcome] = {}
        for uuid, outcome in reported.items():
            placed = state["servers"][uuid]["placed"] if uuid in state["servers"] else None
            image = placed["image"] if placed else None
            spent = {"image": seconds[image["id"]]} if image and image["id"] in seconds else {}
            of_host[uuid] = {**outcome, "seconds": {**outcome["seconds"], **spent}}
        timed[host] = of_host
    return timed
