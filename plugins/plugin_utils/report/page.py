# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A run to look at: one HTML page that needs no network; pure.

What stands in it was said by hosts, by those who ask for servers and by the inventory: none of it is ever markup, and the page lets no script run but its own.
"""

from __future__ import annotations

import base64
import hashlib
import typing as t
from collections import Counter

import jinja2

from ansible_collections.kvmfleet.compute.plugins.plugin_utils.fleet.nova_view import shown
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.report.choices import request_rows, server_rows
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.report.host_rows import Bar, fleet_bars, host_rows
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.report.page_script import SCRIPT
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.report.page_style import STYLE
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.report.page_template import TEMPLATE
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.shapes import Fleet, ReportRow, Round, ScheduleResult

# Servers that are named in one place; and hosts that are out and may be listed without a click.
MOST_NAMED, MOST_OPEN = 6, 20
LEGEND = (
    ("used", "used when the run began"),
    ("new", "taken by new servers of this run"),
    ("reserved", "reserved for the host"),
    ("free", "free (with the allocation ratio)"),
)
MOODS = {"ERROR": "is-bad", "UNKNOWN": "is-bad", "ACTIVE": "is-good", "PLANNED": "is-new"}
# Of a bar's width, of which a part that is there shows at least LEAST.
WIDTH, LEAST = 1000, 6


def _hash(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def _drawn(parts: Bar) -> list[tuple[str, int, int]]:
    """(part, start, width) of a bar's parts that are there, from the left."""
    drawn, begin = [], 0
    for kind, amount in (("reserved", parts.reserved), ("used", parts.used), ("new", parts.new)):
        if amount:
            start, end = begin * WIDTH // parts.size, (begin + amount) * WIDTH // parts.size
            width = max(LEAST, end - start)
            drawn.append((kind, min(start, WIDTH - width), width))
        begin += amount
    return drawn


def _number(value: int) -> str:
    return f"{value:,}"


def _title(rows: list[ReportRow]) -> str:
    there = [row["host"] for row in rows if row["host"]]
    hosts = len(set(there))
    number = str(len(rows)) if len(there) == len(rows) else f"{len(there)} of {len(rows)}"
    text = f"{number} server{'' if len(rows) == 1 else 's'} on {hosts} host{'' if hosts == 1 else 's'}"
    return f"Plan of {text}" if any(row["state"] == "PLANNED" for row in rows) else text


def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined)
    environment.filters.update(drawn=_drawn, number=_number, mood=lambda state: MOODS.get(state, ""), shown=shown)
    return environment


def render(state: Round, rows: list[ReportRow], scheduled: list[ScheduleResult], fleet: Fleet | None, when: str) -> str:
    """The page. ``rows``: the result of the round's servers; ``scheduled`` may lack requests; without a fleet there are no bars; ``when``: in words."""
    servers = server_rows(state, rows, scheduled)
    hosts = host_rows(fleet, state) if fleet else []
    context: dict[str, t.Any] = {
        "title": _title(rows),
        "when": when,
        "states": sorted(Counter(row["state"] for row in rows).items()),
        "servers": servers,
        "hosts": hosts,
        "totals": fleet_bars(hosts),
        "requests": request_rows(servers, scheduled),
        "legend": LEGEND,
        "most_named": MOST_NAMED,
        "most_open": MOST_OPEN,
        "style": STYLE,
        "style_hash": _hash(STYLE),
        "script": SCRIPT,
        "script_hash": _hash(SCRIPT),
    }
    return _environment().from_string(TEMPLATE).render(context)
