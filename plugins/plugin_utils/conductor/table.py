# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The result of a run as lines of text that no output format breaks at 80 columns; pure."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence

from ansible_collections.kvmfleet.compute.plugins.module_utils.remedies import MANUAL, REBUILD, RERUN
from ansible_collections.kvmfleet.compute.plugins.module_utils.shapes import Drift
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.columns import aligned
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.fleet.nova_view import shown
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.lines import MOST_NAMES, WIDTH, named, wrapped
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.shapes import ReportRow

REMEDIES = {
    RERUN: "a run applies it",
    REBUILD: "only a server that is made anew has it",
    MANUAL: "no run applies it: put it right on the host",
}
# Characters of a value in a line, and lost servers that are told.
MOST_SHOWN, MOST_LINES = 200, 20
HEAD = ("SERVER", "STATE", "HOST", "ZONE", "ADDRESSES", "SECONDS")
# The columns that may be cut: all but the state and the seconds.
ELASTIC = (0, 2, 3, 4)


def table(report: Sequence[ReportRow]) -> list[str]:
    """The servers: name, state, host (without a domain that all hosts share), zone, first address, seconds; then what differs, and what hosts have to say."""
    hosts = [row["host"] for row in report if row["host"]]
    domains = {host.partition(".")[2] for host in hosts}
    rows = [HEAD, *_folded([_cells(row, len(domains) == 1) for row in report])]
    return aligned(rows, WIDTH, ELASTIC) + _drift_lines(report) + _warning_lines(report)


def _folded(rows: Sequence[tuple[str, ...]]) -> list[tuple[str, ...]]:
    """The rows; of many servers that have no host, and that nothing but the name tells apart, there is one, with how many more there are."""
    alike: dict[tuple[str, ...], list[str]] = {}
    for row in rows:
        if row[2] == "-":
            alike.setdefault(row[1:], []).append(row[0])
    folded = []
    for row in rows:
        names = alike.get(row[1:], [])
        if len(names) <= MOST_NAMES:
            folded.append(row)
        elif row[0] == names[0]:
            folded.append((f"{row[0]} +{len(names) - 1}", *row[1:]))
    return folded


def _cells(row: ReportRow, one_domain: bool) -> tuple[str, ...]:
    addresses = [shown(address) for network in row["addresses"].values() for address in network]
    more = f" +{len(addresses) - 1}" if len(addresses) > 1 else ""
    host = row["host"] or "-"
    seconds = f"{sum(row['seconds'].values()):.1f}" if row["seconds"] else "-"
    first = addresses[0] + more if addresses else "-"
    return row["name"], row["state"], host.partition(".")[0] if one_domain else host, row["zone"] or "-", first, seconds


def _drift_lines(report: Sequence[ReportRow]) -> list[str]:
    """What differs from the request, once for all servers that it is the same of."""
    found: dict[Hashable, tuple[Drift, list[str]]] = {}
    for row in report:
        for drift in row["drift"]:
            key = (drift["path"], repr(drift["wanted"]), repr(drift["actual"]), drift["remedy"])
            found.setdefault(key, (drift, []))[1].append(row["name"])
    lines: list[str] = []
    for drift, names in found.values():
        verb = "differs" if len(names) == 1 else "differ"
        lines += wrapped(f"{named(names)} {verb} from the request: {_difference(drift)}; {REMEDIES[drift['remedy']]}")
    return lines


def _warning_lines(report: Sequence[ReportRow]) -> list[str]:
    """What hosts have to say of servers that run; at most so many, then their number."""
    warnings = [f"{row['name']}: {warning if len(warning) <= MOST_SHOWN else f'{warning[:MOST_SHOWN]}…'}" for row in report for warning in row["warnings"]]
    more = len(warnings) - MOST_LINES
    told = warnings[:MOST_LINES] + ([f"and {more} more warnings; compute_result_file has all"] if more > 0 else [])
    return [line for warning in told for line in wrapped(warning)]


def _difference(drift: Drift) -> str:
    wanted, actual = _shown(drift["wanted"]), _shown(drift["actual"])
    return f"{drift['path'][:MOST_SHOWN]} is {actual}, not {wanted}"


def _shown(value: object) -> str:
    """A value in a line; a host may have said it."""
    text = "nothing" if value is None else repr(value)
    return text if len(text) <= MOST_SHOWN else f"{text[:MOST_SHOWN]}…"


def lost(report: Iterable[ReportRow]) -> list[str]:
    """A sentence for each reason why servers did not come to be, with those that it is the reason of; at most so many, then their number."""
    reasons: dict[str, list[str]] = {}
    for row in report:
        if row["error"]:
            tried = "".join(f"; tried {attempt['host']} ({attempt['stage']})" for attempt in row["attempts"])
            more = tried if len(row["attempts"]) > 1 else ""
            reasons.setdefault(f"{row['error']['error_class']}: {row['error']['message']}{more}", []).append(row["name"])
    sentences = [f"{named(names)}: {reason}" for reason, names in reasons.items()]
    left = len(sentences) - MOST_LINES
    return sentences[:MOST_LINES] + ([f"and {left} more reasons; compute_result_file and -vvv have all"] if left > 0 else [])
