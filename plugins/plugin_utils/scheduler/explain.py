# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Says in words why servers are where they are, and why not; pure."""

from __future__ import annotations

import re
import typing as t
from collections import Counter

Result = dict[str, t.Any]

# Hosts that are shown without -v: where servers found a place, and where one found none.
BRIEF, LISTED = 4, 20

_NUMBERS = re.compile(r"(-?\d+(?:\.\d+)?) left of .*?asked (\d+)")


def reasons(result: Result) -> dict[str, str]:
    """{host: why it was not chosen}, with the filter's name and numbers."""
    found = dict(result["rejected_by_placement"])
    for pick in result["picks"]:
        found.update(removals(pick["removed"]))
        for host, why in pick["claim_failed"]:
            found[host] = why
    return found


def _kind(reason: str) -> str:
    return reason.split(":", 1)[0]


def _nearest(found: dict[str, str]) -> str | None:
    """The host that lacks the smallest part of what was asked."""
    best: tuple[float, str] | None = None
    for host, why in found.items():
        match = _NUMBERS.search(why)
        if match:
            left, asked = float(match.group(1)), float(match.group(2))
            lacking = (asked - left) / asked
            if best is None or lacking < best[0]:
                best = (lacking, host)
    return f"{best[1]} ({found[best[1]]})" if best else None


def no_valid_host(found: dict[str, str]) -> str:
    """One sentence of {host: why not}: how many hosts fell for what, and the nearest miss with its numbers."""
    if not found:
        return "no valid host: the play has no host that can be read"
    counts = Counter(map(_kind, found.values()))
    text = "no valid host of " + f"{len(found)}: " + ", ".join(f"{count} {kind}" for kind, count in counts.most_common())
    nearest = _nearest(found) or (f"{next(iter(found))} ({next(iter(found.values()))})" if len(counts) == len(found) == 1 else None)
    return f"{text}; nearest miss: {nearest}" if nearest else text


def removals(removed: dict[str, dict[str, str]]) -> dict[str, str]:
    """{host: why} of what filters removed."""
    return {host: f"{why['filter']}: {why['reason']}" for host, why in removed.items()}


def table(result: Result, names: list[str], verbosity: int = 0) -> list[str]:
    """Lines of text: where each server goes and why; every host and weight at verbosity 1 and up."""
    lines = []
    for name, pick in zip(names, result["picks"], strict=False):
        if pick.get("host") and result["result"] in ("ok", "partial"):
            weighed = ", ".join(f"{host} {weight:.3f}" for host, weight in pick["weighed"][: None if verbosity else BRIEF])
            lines.append(f"{name} -> {pick['host']}" + (f"  (weights: {weighed})" if pick["survivors"] > 1 else "  (the only host left)"))
            if verbosity:
                lines.extend(_weights(pick))
    if result["result"] not in ("ok",):
        missing = names[sum(1 for pick in result["picks"] if pick.get("host")) if result["result"] == "partial" else 0 :]
        lines.append(f"{', '.join(missing)} -> nowhere: {result['message']}")
    found = sorted(reasons(result).items())
    if verbosity or result["result"] != "ok":
        shown = found if verbosity else found[:LISTED]
        lines.extend(f"    not {host}: {why}" for host, why in shown)
        left = len(found) - len(shown) + result["omitted"]
        if left:
            lines.append(f"    and {left} more hosts" + ("" if verbosity else " (-v)"))
    elif found:
        left = len(found) - BRIEF + result["omitted"]
        lines.append(f"    not chosen: {'; '.join(f'{host}: {why}' for host, why in found[:BRIEF])}" + (f"; and {left} more (-v)" if left > 0 else ""))
    return lines


def _weights(pick: Result) -> list[str]:
    lines = []
    for host, _weight in pick["weighed"]:
        weights = pick["weights"][host].items()
        parts = ", ".join(f"{name.removesuffix('Weigher')} {item['raw']:g} {item['multiplied']:+.3f}" for name, item in weights)
        lines.append(f"    {host}: {parts or 'nothing tells it from the others'}")
    return lines
