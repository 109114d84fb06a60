# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The reaper of a host: it deletes the servers whose recorded time has passed, each looked at again under its lock."""

from __future__ import annotations

import time
import typing as t
from concurrent.futures import ThreadPoolExecutor

from ansible_collections.kvmfleet.compute.plugins.module_utils.compute.builder import Builder, Owned
from ansible_collections.kvmfleet.compute.plugins.module_utils.compute.locks import HELD
from ansible_collections.kvmfleet.compute.plugins.module_utils.compute.orders import read_order
from ansible_collections.kvmfleet.compute.plugins.module_utils.compute.reap_query import ReapQuery, has_passed
from ansible_collections.kvmfleet.compute.plugins.module_utils.compute.transitions.delete import Delete
from ansible_collections.kvmfleet.compute.plugins.module_utils.errors import KvmfleetError, unexpected
from ansible_collections.kvmfleet.compute.plugins.module_utils.shapes import Reaped, Record

AT_ONCE = 10


class Reaper:
    """One call on one host. ``skew_s``: how far the host's clock is from the controller's, after ``look``."""

    def __init__(self, builder: Builder, query: ReapQuery, *, controller_time: float, max_skew_s: float, clock: t.Callable[[], float] = time.time) -> None:
        self._builder, self._query, self._clock, self._max_skew_s = builder, query, clock, max_skew_s
        self.skew_s = clock() - controller_time
        self.waiting = 0  # servers that are asked for and whose time is not over
        self.reaped: t.List[Reaped] = []

    @property
    def is_skewed(self) -> bool:
        """True if the host's clock says nothing of any time."""
        return abs(self.skew_s) > self._max_skew_s

    def run(self) -> None:
        """Delete what is due; in check mode only say so."""
        now = self._clock()
        records = [domain["record"] for domain in self._builder.hypervisor.domains() if domain["record"] is not None]
        asked_for = [record for record in records if self._query.matches(record, now)]
        if self.is_skewed:
            why = f"the host's clock is {self.skew_s:+.0f} s from the controller's, and {self._max_skew_s:.0f} s are allowed"
            self.reaped = [_reaped(record, "skipped", why) for record in asked_for]
            return
        due = [record for record in asked_for if has_passed(record, now)]
        self.waiting = len(asked_for) - len(due)
        with ThreadPoolExecutor(max_workers=AT_ONCE) as pool:
            self.reaped = list(pool.map(self._reap, due))

    def _reap(self, record: Record) -> Reaped:
        whys: t.List[str] = []

        def stays(owned: t.Optional[Owned]) -> bool:
            whys.extend(self._stays(owned))
            return bool(whys)

        try:
            done = Delete(stays).run(self._builder, read_order({"uuid": record["uuid"], "display_name": record["display_name"]}))
        except KvmfleetError as error:
            return _reaped(record, "unknown" if error.unknown else "left" if error.error_class == HELD else "failed", error.message)
        except Exception as error:
            # One server's surprise must not hide what became of its neighbours.
            return _reaped(record, "unknown", unexpected(error)["message"])
        if whys:
            return _reaped(record, "left", whys[0])
        foreign = done.get("foreign_files")
        return _reaped(record, "deleted", f"what this collection has not made stays: {', '.join(foreign)}" if foreign else None)

    def _stays(self, owned: t.Optional[Owned]) -> t.List[str]:
        """Why the server must not be deleted, as it is now, under its lock; empty if nothing speaks against it."""
        now = self._clock()
        if owned is None:
            return ["it was deleted meanwhile"]
        if not (self._query.matches(owned.record, now) and has_passed(owned.record, now)):
            return ["its time was changed meanwhile"]
        if owned.domain.get("migrating"):
            return ["a migration is making it here"]
        if owned.record["vm_state"] == "building" and self._builder.lease_left_s(owned.record):
            return ["a run is building it"]
        return []


def _reaped(record: Record, outcome: str, why: t.Optional[str]) -> Reaped:
    origin = record["origin"]
    return {
        "uuid": record["uuid"],
        "display_name": record["display_name"],
        "project_id": record["project_id"],
        "owner": origin["owner"] if origin else None,
        "job": origin["job"] if origin else None,
        "expires_at": record["expires_at"],
        "outcome": outcome,
        "why": why,
    }


def sentences(reaper: Reaper, check_mode: bool) -> t.List[str]:
    """What was found, a line each; one sentence if nothing is due."""
    verbs = {"deleted": "would be deleted" if check_mode else "deleted"}
    lines = []
    for server in reaper.reaped:
        whose = f"project {server['project_id']}, owner {server['owner']}" + (f", job {server['job']}" if server["job"] else "")
        line = (
            f"{verbs.get(server['outcome'], server['outcome'])}: {server['display_name']} ({server['uuid']}; {whose}): its time ends at {server['expires_at']}"
        )
        lines.append(line + (f"; {server['why']}" if server["why"] else ""))
    return lines or [f"Nothing is due: the time of {reaper.waiting} servers that were asked for is not over."]
