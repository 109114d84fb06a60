# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""All errors of a run as one text that a terminal, a log and a merge request can show; pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from ansible_collections.kvmfleet.compute.plugins.plugin_utils.lines import named, wrapped
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.shapes import Fault

# Lines with errors, and requests or hosts that one of them names.
MOST_LINES = 20
_PLACE = re.compile(r"servers\[\d+\]|hosts\..+")


def text(errors: Sequence[Fault], origin: Callable[[str], str | None]) -> str:
    """An indented paragraph for each error, with where it was written (``origin`` of a path: ``servers.yml:3``), those alike in one; one error is one line.

    ``errors`` must not be empty.
    """
    lines = [_line(alike, origin) for alike in _alike(errors)]
    if len(lines) == 1:
        return lines[0]
    count = f"{len(errors)} errors, so nothing was touched:"
    more = [f"  and {len(lines) - MOST_LINES} more lines like these, see errors in the result"] if len(lines) > MOST_LINES else []
    return "\n".join([count, *(part for line in lines[:MOST_LINES] for part in wrapped(f"  {line}")), *more])


def _alike(errors: Sequence[Fault]) -> list[list[Fault]]:
    """The errors that differ in nothing but the request, or the host, that they are about."""
    groups: dict[tuple[str, str, str, str], list[Fault]] = {}
    for error in errors:
        groups.setdefault((_PLACE.sub("", error["path"]), _value(error), error["rule"], error["error_class"]), []).append(error)
    return list(groups.values())


def _value(error: Fault) -> str:
    return "" if error["path"].startswith("hosts.") else repr(error["value"])


def _line(alike: list[Fault], origin: Callable[[str], str | None]) -> str:
    first = alike[0]
    where = origin(first["path"])
    others = [found.group() for error in alike[1:] if (found := _PLACE.match(error["path"]))]
    too = f" (so {'have' if len(others) > 1 else 'has'} {named(others)})" if others else ""
    return (f"{where}: " if where else "") + f"{first['message']} [{first['error_class']}]{too}"
