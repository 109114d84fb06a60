# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Release: a claim that this run has taken, and does not build, is given up; whatever else is there by now stays as it is."""

from __future__ import annotations

import typing as t

from ansible_collections.kvmfleet.compute.plugins.module_utils.compute.builder import Builder, Owned
from ansible_collections.kvmfleet.compute.plugins.module_utils.compute.transitions.base import Transition
from ansible_collections.kvmfleet.compute.plugins.module_utils.compute.transitions.delete import Delete
from ansible_collections.kvmfleet.compute.plugins.module_utils.shapes import Order, Outcome


class Release(Transition):
    """Idempotent: what is not a claim of this run, or is one no more, is unchanged."""

    name = "release"
    stage = "delete"
    starts_from = ("building",)
    done = "deleted"

    def run(self, builder: Builder, order: Order) -> Outcome:
        """Looked at under the server's lock."""

        def stays(owned: t.Optional[Owned]) -> bool:
            record = owned.record if owned is not None else None
            own = record is not None and record["run"] is not None and record["run"]["id"] == builder.run["id"]
            return record is None or not own or record["started"] or record["vm_state"] not in self.starts_from

        return Delete(stays=stays).run(builder, order)
