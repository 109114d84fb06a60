# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Start: a server that is off, by way of a hard reboot: XML from the record, missing disks made again, plug, start.

Follows ``nova/virt/libvirt/driver.py: power_on`` and ``_hard_reboot``.
"""

from __future__ import annotations

import contextlib

from ansible_collections.kvmfleet.compute.plugins.module_utils.compute.builder import Builder
from ansible_collections.kvmfleet.compute.plugins.module_utils.compute.drift import secrets_drift
from ansible_collections.kvmfleet.compute.plugins.module_utils.compute.transitions.base import RUNNING, Transition, Work, as_server_error
from ansible_collections.kvmfleet.compute.plugins.module_utils.compute.transitions.files import make_missing_disks
from ansible_collections.kvmfleet.compute.plugins.module_utils.compute.transitions.guest import (
    check_plugged,
    check_running,
    realise_ports,
    resume,
    start_paused,
    stop,
)
from ansible_collections.kvmfleet.compute.plugins.module_utils.errors import KvmfleetError, ServerError
from ansible_collections.kvmfleet.compute.plugins.module_utils.shapes import Order, Outcome


def define(work: Work) -> None:
    """The domain as the record says."""
    work.builder.hypervisor.define(work.builder.render(work.record))


class Start(Transition):
    """A server that is there and off runs again."""

    name = "start"
    stage = "build"
    starts_from = ("active",)
    ends_in = "active"
    done = "started"
    steps = (stop, realise_ports, make_missing_disks, define, start_paused, check_plugged, resume)
    lasting = (check_running,)

    def run(self, builder: Builder, order: Order) -> Outcome:
        """The power state is read under the lock: a server that runs by now is unchanged. A failure leaves it off."""
        with builder.own(order["instance"]["uuid"], self.starts_from) as owned:
            if owned.domain["power_state"] in RUNNING:
                result = self.outcome(order, what="unchanged", power_state="running")
            else:
                work = Work(builder, order, owned.record)
                if not builder.check_mode:
                    self._make(work)
                    self.last(work, self.lasting)
                result = self.outcome(order, changed=True, power_state="running")
                result["seconds"].update(work.seconds)
            result["drift"] = secrets_drift(builder, owned.record)
        return result

    def _make(self, work: Work) -> None:
        try:
            for step in self.steps:
                step(work)
        except (KvmfleetError, OSError) as error:
            failure = as_server_error(self.name, error)
            if not failure.unknown:
                with contextlib.suppress(KvmfleetError):
                    work.builder.hypervisor.destroy(work.uuid)
            # The server has its disks here: no other host can start it.
            raise ServerError(failure.error_class, failure.message, unknown=failure.unknown) from error
