# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Says in words why servers are where they are, and why not; pure."""

from __future__ import annotations

import typing as t
from collections import Counter

from ansible_collections.kvmfleet.compute.plugins.module_utils.reason import Reason
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.lines import named
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.shapes import Pick, Removal, ScheduleResult

# Without -vvv: hosts whose weights are shown, and reasons if every server found a place and if one found none.
WEIGHED, BRIEF, LISTED = 2, 4, 20


def reasons(result: ScheduleResult) -> dict[str, str]:
    """Why each host was not chosen, in words, by its name."""
    found = dict(result["rejected_by_placement"])
    for pick in result["picks"]:
        found.update({host: f"{removal['filter']}: {removal['reason']}" for host, removal in pick["removed"].items()})
        found.update(pick["claim_failed"])
    return found


def removals(removed: dict[str, Reason]) -> dict[str, Removal]:
    """What filters have dropped, as it crosses the task."""
    return {host: {"filter": why.by, "reason": why.text, "left": why.left, "asked": why.asked} for host, why in removed.items()}


def nearest_miss(found: dict[str, Reason], filters: t.Sequence[str]) -> str:
    """The host that lacks the smallest part of what is requested; if no reason is about an amount, the one that passed the most of ``filters``."""
    order = {name: index for index, name in enumerate(filters)}
    measured = {host: why.lacking for host, why in found.items() if why.lacking is not None}
    if measured:
        return min(measured, key=lambda host: measured[host])
    return max(found, key=lambda host: order.get(found[host].by, -1))


def no_valid_host(found: dict[str, Reason], filters: t.Sequence[str]) -> str:
    """One sentence: how many hosts are out by what, and the nearest miss; ``filters``: their names, in order."""
    if not found:
        return "no valid host: the play has no host that can be read"
    counts = Counter(why.by for why in found.values())
    text = f"no valid host of {len(found)}: " + ", ".join(f"{count} {by}" for by, count in counts.most_common())
    nearest = nearest_miss(found, filters)
    return f"{text}; nearest miss: {nearest} ({found[nearest]})"


def table(requests: t.Iterable[tuple[t.Sequence[str], ScheduleResult]], whole: bool = False) -> list[str]:
    """Lines of text of each request, with the names of its servers: where they go and why; every host and weight if it is to be the whole.

    In short, what is so of several requests is said once.
    """
    lines: list[str] = []
    homeless: dict[tuple[str, ...], tuple[str, list[str], list[str]]] = {}
    last: list[str] = []
    for names, result in requests:
        is_placed = result["result"] in ("ok", "partial")
        placed = [(name, pick) for name, pick in zip(names, result["picks"], strict=False) if is_placed and pick.get("host")]
        for name, pick in placed:
            lines.extend(_choice(name, pick, whole))
        why = _why_not(result, whole)
        if result["result"] != "ok":
            missing = names[len(placed) if result["result"] == "partial" else 0 :]
            key = (result["message"], *why, *(missing if whole else ()))
            homeless.setdefault(key, (result["message"], why, []))[2].extend(missing)
        elif whole or why != last:
            lines.extend(why)
            last = why
    for message, why, missing in homeless.values():
        lines.append(f"{', '.join(missing) if whole else named(missing)} -> nowhere: {message}")
        lines.extend(why)
    return lines


def _choice(name: str, pick: Pick, whole: bool) -> list[str]:
    weighed = ", ".join(f"{host} {weight:.3f}" for host, weight in pick["weighed"][: None if whole else WEIGHED])
    line = f"{name} -> {pick['host']}" + (f"  (weights: {weighed})" if pick["survivors"] > 1 else "  (the only host left)")
    return [line, *(_weights(pick) if whole else ())]


def _why_not(result: ScheduleResult, whole: bool) -> list[str]:
    """Why hosts are out: each of them if it is to be the whole, else the first reasons with the hosts that they are the reasons of."""
    found = sorted(reasons(result).items())
    if whole:
        return [f"    not {host}: {why}" for host, why in found] + ([f"    and {result['omitted']} more hosts"] if result["omitted"] else [])
    hosts: dict[str, list[str]] = {}
    for host, why in found:
        hosts.setdefault(why, []).append(host)
    most = BRIEF if result["result"] == "ok" else LISTED
    shown = [f"{named(of)}: {why}" for why, of in list(hosts.items())[:most]]
    left = sum(len(of) for of in list(hosts.values())[most:]) + result["omitted"]
    if result["result"] != "ok":
        return [f"    not {line}" for line in shown] + ([f"    and {left} more hosts (-vvv)"] if left else [])
    return ([f"    not chosen: {'; '.join(shown)}" + (f"; and {left} more (-vvv)" if left else "")]) if found else []


def _weights(pick: Pick) -> list[str]:
    lines = []
    for host, _weight in pick["weighed"]:
        weights = pick["weights"][host].items()
        parts = ", ".join(f"{name.removesuffix('Weigher')} {item['raw']:g} {item['multiplied']:+.3f}" for name, item in weights)
        lines.append(f"    {host}: {parts or 'nothing tells it from the others'}")
    return lines
