# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Why a play would do nothing: patterns of hosts that match none, limits and tags that leave nothing; pure."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping

from ansible_collections.kvmfleet.compute.plugins.plugin_utils.lines import named
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.schema.suggestion import suggestion

# Tags that a task without a tag runs with.
OF_ALL = frozenset({"all", "untagged"})
# Groups that every inventory has, and that nobody means.
ALWAYS_THERE = frozenset({"all", "ungrouped"})
MOST_NAMED = 5


def wrong_tags(run: Collection[str], skip: Collection[str]) -> str | None:
    """A sentence if no task is left by ``--tags`` and ``--skip-tags``; the playbooks' tasks have no tags."""
    if run and OF_ALL.isdisjoint(run):
        return f"--tags {','.join(run)}: no task here has a tag, so nothing would be done; run it without --tags"
    if not OF_ALL.isdisjoint(skip):
        return f"--skip-tags {','.join(skip)}: no task would be left; run it without --skip-tags"
    return None


def no_host(pattern: str, groups: Mapping[str, Collection[str]]) -> str:
    """The sentence for a pattern that no host of the inventory matches; ``groups``: the hosts of each group."""
    hosts = groups.get("all") or ()
    if not hosts:
        return f"the inventory has no host, so there is none that matches {pattern}; give an inventory with -i"
    known = sorted(group for group in groups if group not in ALWAYS_THERE and groups[group])
    # Of a pattern of several parts the first that is unknown is likely meant otherwise.
    unknown = next((part for part in re.split(r"[,:&!\s]+", pattern) if part and part not in groups and part not in hosts), pattern)
    near = suggestion(unknown, [*known, *hosts])
    hint = near if near.startswith("; did you mean") else ""
    there = f"groups there: {', '.join(known)}" if known else f"it has no group, but {named(sorted(hosts), MOST_NAMED)}"
    return f"no host of the inventory matches {pattern} (compute_hosts){hint or '; name them with -e compute_hosts=…'} ({there})"


def limit_leaves_nothing(limit: str, pattern: str, hosts: Collection[str]) -> str:
    """The sentence for a ``--limit`` that leaves none of the hosts that a play has."""
    which = f" ({named(list(hosts), MOST_NAMED)})" if [pattern] != list(hosts) else ""
    return f"--limit {limit} leaves nothing of what this playbook runs on, {pattern}{which}, so nothing would be done"
