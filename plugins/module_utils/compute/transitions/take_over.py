# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Take-over: a claim whose run is dead gets this run's name, and with it the right to build it."""

from __future__ import annotations

from ansible_collections.kvmfleet.compute.plugins.module_utils.compute.builder import Builder
from ansible_collections.kvmfleet.compute.plugins.module_utils.compute.transitions.base import Transition, Work
from ansible_collections.kvmfleet.compute.plugins.module_utils.shapes import Order, Outcome


def name_run(work: Work) -> None:
    """The record names this run; over a process that may let the guest run at any moment it says ``started`` too."""
    started = work.record["started"] or work.held_by_another
    work.builder.hypervisor.set_record(work.uuid, {**work.record, "run": work.builder.run, "started": started})


class TakeOver(Transition):
    """The controller found the run dead when it read the fleet; the server's lock shows here that no process works on it."""

    name = "take_over"
    stage = "claim"
    starts_from = ("building",)
    ends_in = "building"
    done = "claimed"
    refused = "refused"
    steps = (name_run,)

    def run(self, builder: Builder, order: Order) -> Outcome:
        """Refused while a process of the host builds the server, unless the take-over is forced."""
        with builder.own(order["instance"]["uuid"], self.starts_from, force=builder.force_take_over) as owned:
            if not builder.check_mode:
                work = Work(builder, order, owned.record, held_by_another=not owned.locked)
                for step in self.steps:
                    step(work)
        return self.outcome(order, changed=True)
