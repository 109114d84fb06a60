# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What of a selection of servers no host has, in one sentence; pure."""

from __future__ import annotations

import typing as t
from collections.abc import Iterable, Mapping

from ansible_collections.kvmfleet.compute.plugins.plugin_utils.lines import named
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.schema.suggestion import nearest

# More names than this tell a reader nothing.
MOST_NAMED = 20


class Selection(t.TypedDict, total=False):
    """Which servers are meant; all that is given must match."""

    names: list[str]  # display names
    ids: list[str]  # uuids
    reservation_id: str  # of all servers of one run
    group: str  # name or id of a server group
    tags: list[str]  # all of them


# What is read of a server.
Found = Mapping[str, str]


def missing(selection: Selection, servers: Iterable[Found], known: Iterable[Found], unread: Iterable[str]) -> str:
    """A sentence of what is selected and not among ``servers``; empty if all of it is.

    ``known``: all servers of the project, of which one may have been meant. ``unread``: hosts that couldn't be looked at.
    """
    found = list(servers)
    names, ids = {server["display_name"] for server in found}, {server["uuid"] for server in found}
    lost = [f"the name {name}" for name in dict.fromkeys(selection.get("names") or ()) if name not in names]
    lost += [f"the id {uuid}" for uuid in dict.fromkeys(selection.get("ids") or ()) if uuid not in ids]
    others = _others(selection)
    if not lost and (found or not others):
        return ""
    what = " or ".join(lost[:MOST_NAMED]) + (f" (and {len(lost) - MOST_NAMED} more)" if len(lost) > MOST_NAMED else "")
    text = f"no server has {' '.join(filter(None, (what, 'with' if what and others else '', ' and '.join(others))))}"
    hosts = list(unread)
    return text + _meant(selection, names, sorted({server["display_name"] for server in known})) + (f"; not read: {', '.join(hosts)}" if hosts else "")


def _others(selection: Selection) -> list[str]:
    """What is selected beside names and ids, in words."""
    tags, reservation, group = selection.get("tags") or [], selection.get("reservation_id"), selection.get("group")
    return [
        *([f"the tag{'s' if len(tags) > 1 else ''} {', '.join(tags)}"] if tags else []),
        *([f"the reservation {reservation}"] if reservation else []),
        *([f"the server group {group}"] if group else []),
    ]


def _meant(selection: Selection, names: set[str], known: list[str]) -> str:
    """The names that are there and may have been meant."""
    if not known:
        return ""
    lost = [name for name in selection.get("names") or () if name not in names]
    others = [name for name in lost if name in known]
    if others:
        return f"; {', '.join(others[:MOST_NAMED])} {'is' if len(others) == 1 else 'are'} there, but not with all that is selected"
    near = [nearest(name, known) for name in lost]
    meant = list(dict.fromkeys(name for name in near if name))
    if meant:
        return f"; did you mean {', '.join(meant[:MOST_NAMED])}?"
    return f"; there are {named(known, MOST_NAMED)}"
