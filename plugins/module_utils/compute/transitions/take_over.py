# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Take-over: a claim whose run is dead gets this run's name, and with it the right to build it."""

from __future__ import annotations

from ansible_collections.kvmfleet.compute.plugins.module_utils.compute.builder import Builder
from ansible_collections.kvmfleet.compute.plugins.module_utils.compute.lease import holder
from ansible_collections.kvmfleet.compute.plugins.module_utils.compute.transitions.base import Transition, Work
from ansible_collections.kvmfleet.compute.plugins.module_utils.errors import ServerError
from ansible_collections.kvmfleet.compute.plugins.module_utils.shapes import Order, Outcome, Record


def name_run(work: Work) -> None:
    """The record names this run; over a process that may let the guest run at any moment it says ``started`` too."""
    started = work.record["started"] or work.held_by_another
    work.builder.hypervisor.set_record(work.uuid, {**work.record, "run": work.builder.run, "lease": work.builder.lease(), "started": started})


class TakeOver(Transition):
    """The controller found the run dead when it read the fleet. What it can't know is seen here: the server's lock, and whether the claim holds by now."""

    name = "take_over"
    stage = "claim"
    starts_from = ("building",)
    ends_in = "building"
    done = "claimed"
    refused = "refused"
    steps = (name_run,)

    def run(self, builder: Builder, order: Order) -> Outcome:
        """Refused while a process of the host builds the server or its run lives, unless the take-over is forced."""
        with builder.own(order["instance"]["uuid"], self.starts_from, force=builder.force_take_over) as owned:
            if not builder.force_take_over:
                self._check_dead(builder, order, owned.record)
            if not builder.check_mode:
                work = Work(builder, order, owned.record, held_by_another=not owned.locked)
                for step in self.steps:
                    step(work)
        return self.outcome(order, changed=True)

    @staticmethod
    def _check_dead(builder: Builder, order: Order, record: Record) -> None:
        """Its lease has ended, or the controller has seen that its process is gone; ServerError (InstanceIsBuilding) if neither is so."""
        left, run = builder.lease_left_s(record), record["run"]
        if left and run is not None and run["id"] not in (builder.run["id"], order["gone_run"]):
            raise ServerError("InstanceIsBuilding", f"the claim of {record['display_name']} belongs to {holder(run)} for another {left} s")
