# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Why each server is where it is, and why nowhere else, from the scheduler's picks; pure."""

from __future__ import annotations

import typing as t

from ansible_collections.kvmfleet.compute.plugins.plugin_utils.shapes import Pick, ReportRow, Round, RoundServer, ScheduleResult, Weight

# Hosts whose weights one server shows.
MOST_WEIGHED = 20


class Weighed(t.NamedTuple):
    """A host that a server could have gone to."""

    host: str
    weight: float
    weights: dict[str, Weight]  # by weigher, of those that tell the host from others


class OutGroup(t.NamedTuple):
    """Hosts that are out by one filter or resource."""

    by: str
    hosts: list[tuple[str, str]]  # (inventory name, why)


class ServerRow(t.NamedTuple):
    """A server of the run."""

    row: ReportRow
    flavor: str
    image: str
    why: str  # one sentence
    weighed: list[Weighed]  # best first
    weighers: list[str]  # of those that tell these hosts from each other
    left: int  # hosts with weights that are left out
    alternates: list[str]  # where it goes if its host refuses it
    request: str  # id of its RequestRow; empty: nothing was chosen for it


class RequestRow(t.NamedTuple):
    """The hosts that a request's servers can't go to."""

    id: str
    names: list[str]  # of its servers
    message: str  # one sentence, if not all servers found a place
    out: list[OutGroup]  # most hosts first
    omitted: int  # hosts whose reasons are left out


def _by(why: str) -> tuple[str, str]:
    """(who refuses, the rest of the sentence), of a reason in words."""
    by, colon, text = why.partition(": ")
    return (by, text) if colon and " " not in by else (why, "")


def _out(result: ScheduleResult) -> list[OutGroup]:
    found = {host: _by(why) for host, why in result["rejected_by_placement"].items()}
    for pick in result["picks"]:
        found.update({host: (removal["filter"], removal["reason"]) for host, removal in pick["removed"].items()})
        found.update({host: _by(why) for host, why in pick["claim_failed"]})
    groups: dict[str, list[tuple[str, str]]] = {}
    for host, (by, text) in sorted(found.items()):
        groups.setdefault(by, []).append((host, text))
    return sorted((OutGroup(by, hosts) for by, hosts in groups.items()), key=lambda group: (-len(group.hosts), group.by))


def _why_chosen(pick: Pick) -> str:
    host, weighed = pick["host"], pick["weighed"]
    if pick["survivors"] == 1:
        return "the only host left"
    weight = dict(weighed).get(host or "")
    text = f"one of {pick['survivors']} hosts that were left" + (f", with weight {weight:.3f}" if weight is not None else "")
    others = [(name, other) for name, other in weighed if name != host]
    if weight is None or not others:
        return text
    equal = sum(1 for _name, other in others if other == weight)
    if equal:
        return f"{text}; {equal} more {'has' if equal == 1 else 'have'} the same"
    return f"{text}; the next is {others[0][0]} with {others[0][1]:.3f}"


def _why(server: RoundServer, pick: Pick | None) -> str:
    placed, unplaced = server["placed"], server["unplaced"]
    if unplaced:
        return f"{unplaced['error']['error_class']}: {unplaced['error']['message']}"
    if not placed:
        return ""
    if placed["action"] != "build":
        return "it is there already, and a server that is there stays where it is"
    if pick is None or not pick["host"]:
        return ""
    why = _why_chosen(pick)
    if placed["host"] == pick["host"]:
        return why
    return f"the next host of those that were left, after {pick['host']} ({why})"


def server_rows(state: Round, rows: list[ReportRow], scheduled: list[ScheduleResult]) -> list[ServerRow]:
    """Every server of the round, in the order of ``rows``, which are its result."""
    picks = {pick["instance_uuid"]: (result["id"], pick) for result in scheduled for pick in result["picks"]}
    ids = {result["id"] for result in scheduled}
    made = []
    for row in rows:
        server = state["servers"][row["id"]]
        placed = server["placed"]
        of = placed or server["unplaced"]
        if not of:
            continue
        _id, pick = picks.get(row["id"], ("", None))
        instance, request = of["instance"], f"request-{of['request_index']}"
        is_there = placed is not None and placed["action"] != "build"
        shown = [] if pick is None else [Weighed(host, weight, pick["weights"].get(host, {})) for host, weight in pick["weighed"][:MOST_WEIGHED]]
        made.append(
            ServerRow(
                row,
                instance["flavor"]["name"],
                instance["image"]["name"] if instance["image"] else "",
                _why(server, pick),
                shown,
                sorted({name for host in shown for name in host.weights}),
                len(pick["weighed"]) - len(shown) if pick else 0,
                [alternate["host"] for alternate in placed["alternates"]] if placed else [],
                request if request in ids and not is_there else "",
            )
        )
    return made


def request_rows(servers: list[ServerRow], scheduled: list[ScheduleResult]) -> list[RequestRow]:
    """Every request that something was placed of, with the hosts that are out for it."""
    names: dict[str, list[str]] = {}
    for server in servers:
        names.setdefault(server.request, []).append(server.row["name"])
    return [RequestRow(item["id"], names.get(item["id"], []), item["message"], _out(item), item["omitted"]) for item in scheduled]
