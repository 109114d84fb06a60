# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Two hosts of the inventory that are one libvirt: counted twice, they would promise what is there once; pure.

The host's uuid alone tells nothing: machines that were cloned share it by accident. One libvirt also has one name of its host and one set of domains.
"""

from __future__ import annotations

import typing as t
from collections.abc import Iterator

from ansible_collections.kvmfleet.compute.plugins.plugin_utils.shapes import Fleet, FleetHost


class Twins(t.NamedTuple):
    """Two hosts with one uuid."""

    first: str  # inventory name
    second: str  # inventory name
    uuid: str  # of both
    are_one: bool  # one libvirt under two names; else two machines that were cloned


def _are_one(first: FleetHost, second: FleetHost) -> bool:
    # Not all domains: a guest may have come between the two looks.
    ours, theirs = ({domain.get("uuid") for domain in host["domains"]} for host in (first, second))
    return first["node"] == second["node"] and (not (ours or theirs) or bool(ours & theirs))


def twins(fleet: Fleet) -> Iterator[Twins]:
    """Each host that has the uuid of one before it."""
    seen: dict[str, tuple[str, FleetHost]] = {}
    for name, entry in fleet["hosts"].items():
        host = entry["state"]
        uuid = str(host.get("uuid") or "") if host else ""
        if not host or not uuid:
            continue
        first, state = seen.setdefault(uuid, (name, host))
        if first != name:
            yield Twins(first, name, uuid, _are_one(state, host))
