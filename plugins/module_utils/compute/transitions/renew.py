# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Renew: a claim gets a new lease, because its server has to wait for its turn in a call, where nobody holds its lock yet."""

from __future__ import annotations

from ansible_collections.kvmfleet.compute.plugins.module_utils.compute.builder import Builder
from ansible_collections.kvmfleet.compute.plugins.module_utils.compute.transitions.base import Transition, Work
from ansible_collections.kvmfleet.compute.plugins.module_utils.shapes import Order, Outcome


def renew_lease(work: Work) -> None:
    """The claim holds as long as if it were taken now."""
    work.builder.hypervisor.set_record(work.uuid, {**work.record, "lease": work.builder.lease()})


class Renew(Transition):
    """Under the server's lock, as all that writes a record: who takes the claim over is never written over."""

    name = "renew"
    stage = "build"
    starts_from = ("building",)
    ends_in = "building"
    done = "claimed"
    steps = (renew_lease,)

    def run(self, builder: Builder, order: Order) -> Outcome:
        """InstanceIsBuilding if the claim is another run's."""
        with builder.own(order["instance"]["uuid"], self.starts_from) as owned:
            builder.check_run(owned.record)
            work = Work(builder, order, owned.record)
            for step in self.steps:
                step(work)
        return self.outcome(order, changed=True)
