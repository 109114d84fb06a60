# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Start: a server that is off, by way of a hard reboot: XML from the record, missing disks made again, plug, start.

Follows ``nova/virt/libvirt/driver.py: power_on`` and ``_hard_reboot``.
"""

from __future__ import annotations

import typing as t

from ansible_collections.kvmfleet.compute.plugins.module_utils.compute.builder import Builder
from ansible_collections.kvmfleet.compute.plugins.module_utils.compute.drift import secrets_drift
from ansible_collections.kvmfleet.compute.plugins.module_utils.compute.transitions.base import RUNNING, Step, Transition, Work, as_server_error
from ansible_collections.kvmfleet.compute.plugins.module_utils.compute.transitions.files import check_disks, make_missing_disks
from ansible_collections.kvmfleet.compute.plugins.module_utils.compute.transitions.guest import (
    check_plugged,
    check_running,
    filter_ports,
    realise_ports,
    reserve_addresses,
    resume,
    start_paused,
    stop,
)
from ansible_collections.kvmfleet.compute.plugins.module_utils.errors import KvmfleetError, ServerError
from ansible_collections.kvmfleet.compute.plugins.module_utils.shapes import Order, Outcome, Record

CRASHED = "crashed"


def name_run(work: Work) -> None:
    """The record names the run: a guest that is paused then is one whose start was cut off, and not one that its user has paused."""
    record: Record = {**work.record, "run": work.builder.run}
    work.builder.hypervisor.set_record(work.uuid, record)
    work.record = record


def forget_run(work: Work) -> None:
    """The record names no run any more."""
    work.builder.hypervisor.set_record(work.uuid, {**work.record, "run": None})


STEPS: t.Tuple[Step, ...] = (
    check_disks,
    realise_ports,
    make_missing_disks,
    filter_ports,
    reserve_addresses,
    name_run,
    start_paused,
    check_plugged,
    resume,
)


def way_up(power_state: str) -> t.Tuple[Step, ...]:
    """The steps from a power state to a guest that runs; none if it does. The definition stays as it is: snapshots and attached devices are in it.

    ServerError (InstanceInvalidState) if the guest sleeps: only its user can tell whether that may be cut.
    """
    if power_state in RUNNING:
        return ()
    if power_state == "paused":
        return (check_plugged, resume)
    if power_state == CRASHED:
        return (stop, *STEPS)
    if power_state == "shutdown":
        return STEPS
    raise ServerError("InstanceInvalidState", f"the guest is {power_state}: wake it or stop it, then run again")


class Start(Transition):
    """A server that is there and off runs again."""

    name = "start"
    stage = "build"
    starts_from = ("active",)
    ends_in = "active"
    done = "started"
    steps = STEPS
    lasting = (check_running, forget_run)

    def run(self, builder: Builder, order: Order) -> Outcome:
        """The power state is read under the lock: a server that runs by now is unchanged. A failure leaves it as it was, with its disks."""
        with builder.own(order["instance"]["uuid"], self.starts_from) as owned:
            steps = way_up(owned.domain["power_state"])
            if not steps:
                result = self.outcome(order, what="unchanged", power_state=owned.domain["power_state"])
            else:
                work = Work(builder, order, owned.record, domain=owned.domain, power_state=owned.domain["power_state"])
                if builder.check_mode:
                    check_disks(work)
                else:
                    self._make(work, steps)
                    self.last(work, self.lasting)
                result = self.outcome_of(work)
            result["drift"] = secrets_drift(builder, owned.record)
        return result

    def _make(self, work: Work, steps: t.Iterable[Step]) -> None:
        try:
            for step in steps:
                step(work)
        except (KvmfleetError, OSError) as error:
            failure = as_server_error(self.name, error)
            unknown = failure.unknown or not self._is_off_again(work)
            # The server has its disks here: no other host can start it.
            raise ServerError(failure.error_class, failure.message, unknown=unknown) from error

    def _is_off_again(self, work: Work) -> bool:
        """Stop the guest that this start has started and that has not run yet; False if that is not proven. Another's guest is left alone."""
        if not work.started_paused:
            return True
        hypervisor = work.builder.hypervisor
        try:
            if hypervisor.power_state(work.uuid) == "paused":
                hypervisor.destroy(work.uuid)
            return hypervisor.power_state(work.uuid) == "shutdown"
        except KvmfleetError:
            return False
