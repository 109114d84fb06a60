# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Says in words why servers are where they are, and why not; pure."""

from __future__ import annotations

import typing as t
from collections import Counter

from ansible_collections.kvmfleet.compute.plugins.module_utils.reason import Reason
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.shapes import Pick, Removal, ScheduleResult

# Hosts that are shown without -vvv, if every server found a place and if one found none.
BRIEF, LISTED = 4, 20


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


def table(result: ScheduleResult, names: list[str], whole: bool = False) -> list[str]:
    """Lines of text: where each server goes and why; every host and weight if it is to be the whole."""
    lines = []
    for name, pick in zip(names, result["picks"], strict=False):
        if pick.get("host") and result["result"] in ("ok", "partial"):
            weighed = ", ".join(f"{host} {weight:.3f}" for host, weight in pick["weighed"][: None if whole else BRIEF])
            lines.append(f"{name} -> {pick['host']}" + (f"  (weights: {weighed})" if pick["survivors"] > 1 else "  (the only host left)"))
            if whole:
                lines.extend(_weights(pick))
    if result["result"] not in ("ok",):
        missing = names[sum(1 for pick in result["picks"] if pick.get("host")) if result["result"] == "partial" else 0 :]
        lines.append(f"{', '.join(missing)} -> nowhere: {result['message']}")
    found = sorted(reasons(result).items())
    if whole or result["result"] != "ok":
        shown = found if whole else found[:LISTED]
        lines.extend(f"    not {host}: {why}" for host, why in shown)
        left = len(found) - len(shown) + result["omitted"]
        if left:
            lines.append(f"    and {left} more hosts" + ("" if whole else " (-vvv)"))
    elif found:
        left = len(found) - BRIEF + result["omitted"]
        lines.append(f"    not chosen: {'; '.join(f'{host}: {why}' for host, why in found[:BRIEF])}" + (f"; and {left} more (-vvv)" if left > 0 else ""))
    return lines


def _weights(pick: Pick) -> list[str]:
    lines = []
    for host, _weight in pick["weighed"]:
        weights = pick["weights"][host].items()
        parts = ", ".join(f"{name.removesuffix('Weigher')} {item['raw']:g} {item['multiplied']:+.3f}" for name, item in weights)
        lines.append(f"    {host}: {parts or 'nothing tells it from the others'}")
    return lines
