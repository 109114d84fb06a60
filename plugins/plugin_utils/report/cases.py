# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a run, or a validation, comes to for each server, as the reports of a pipeline show it; pure."""

from __future__ import annotations

import typing as t
from collections.abc import Callable

from ansible_collections.kvmfleet.compute.plugins.plugin_utils.shapes import BuildRequest, Fault, ReportRow, Round


class Place(t.NamedTuple):
    """Where something stands in a file."""

    file: str
    line: int  # from 1


# Where a path such as servers[0].flavor stands; None where that is not known.
PlaceOf = Callable[[str], Place | None]


class Problem(t.NamedTuple):
    """One thing that is wrong with a server or its request."""

    error_class: str
    message: str  # one sentence
    place: Place | None


class Case(t.NamedTuple):
    """One server, or before there are servers one request."""

    project: str
    name: str
    seconds: float
    problems: list[Problem]
    is_unknown: bool  # nobody knows what became of it


# Faults of no request.
CATALOGUE = "catalogue and fleet"


def cases_of_run(state: Round, rows: list[ReportRow], place_of: PlaceOf) -> list[Case]:
    """A case for each server of a round; ``rows``: its result."""
    cases = []
    for row in rows:
        server = state["servers"][row["id"]]
        of = server["placed"] or server["unplaced"]
        place = place_of(f"servers[{of['request_index']}]") if of else None
        error = row["error"]
        problems = [Problem(str(error["error_class"]), str(error["message"]), place)] if error else []
        cases.append(Case(row["project"], row["name"], sum(row["seconds"].values()), problems, row["state"] == "UNKNOWN"))
    return cases


def cases_of_instances(instances: list[BuildRequest]) -> list[Case]:
    """A case for each server of requests that nothing is wrong with."""
    return [Case(of["instance"]["project_id"], of["instance"]["display_name"], 0.0, [], False) for of in instances]


def cases_of_faults(names: list[str | None], faults: list[Fault], project: str, place_of: PlaceOf) -> list[Case]:
    """A case for each request, ``names`` being theirs, and one for what is wrong with none of them."""
    found: dict[int | None, list[Problem]] = {}
    for fault in faults:
        found.setdefault(fault["server"], []).append(Problem(fault["error_class"], fault["message"], place_of(fault["path"])))
    cases = [Case(project, name or f"servers[{index}]", 0.0, found.get(index, []), False) for index, name in enumerate(names)]
    return [*cases, *([Case(project, CATALOGUE, 0.0, found[None], False)] if None in found else [])]
