# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Build: a claimed server gets its disks and runs.

Follows ``nova/virt/libvirt/driver.py: spawn`` and ``_create_image``; ``compute/builder.py`` tells the whole story.
"""

from __future__ import annotations

import contextlib
import typing as t

from ansible_collections.kvmfleet.compute.plugins.module_utils.compute.builder import Builder, Owned
from ansible_collections.kvmfleet.compute.plugins.module_utils.compute.transitions.base import Transition, Work, as_server_error
from ansible_collections.kvmfleet.compute.plugins.module_utils.compute.transitions.files import make_disks, make_folder, note_files
from ansible_collections.kvmfleet.compute.plugins.module_utils.compute.transitions.guest import (
    check_addresses,
    check_plugged,
    check_running,
    filter_ports,
    mark_started,
    realise_ports,
    reserve_addresses,
    resume,
    start_paused,
    stop,
    wait_plugged,
)
from ansible_collections.kvmfleet.compute.plugins.module_utils.compute.transitions.start import way_up
from ansible_collections.kvmfleet.compute.plugins.module_utils.errors import KvmfleetError, ServerError
from ansible_collections.kvmfleet.compute.plugins.module_utils.shapes import Order, Outcome

GONE = "InstanceNotFound"


def clear(work: Work) -> None:
    """What a dead run left is removed."""
    work.journal.undo()


def check_claim(work: Work) -> None:
    """The claim is still this run's: a take-over by force goes on beside a live builder. What comes next is the other's, and nothing is undone."""
    owned = work.builder.look_up(work.uuid)
    try:
        if owned is None:
            raise ServerError(GONE, f"server {work.uuid} is not on the host any more")
        work.builder.check_run(owned.record)
    except ServerError as error:
        raise ServerError(error.error_class, error.message, unknown=True) from error


def mark_active(work: Work) -> None:
    """The record says that the server is there; libvirt's choice of machine type is kept."""
    work.builder.hypervisor.set_record(work.uuid, {**work.record, "vm_state": "active", "run": None, "lease": None})


def bring_up(work: Work) -> None:
    """A guest that has run, or may have, runs again as it is: nothing of it is made anew."""
    for step in way_up(work.domain["power_state"] if work.domain else "nostate") or (check_plugged,):
        step(work)


def close_journal(work: Work) -> None:
    """Nothing is undone any more. Before the guest runs: so a journal never names what a guest has written, whatever becomes of its domain."""
    work.journal.close()


NEVER_RUN = ("shutdown", "paused")  # power states of a guest that no build has resumed


class Build(Transition):
    """What was claimed is built: a request that changed since a dead run claimed is drift."""

    name = "build"
    stage = "build"
    starts_from = ("building",)
    ends_in = "active"
    done = "built"
    steps = (
        stop,
        clear,
        realise_ports,
        check_addresses,
        note_files,
        make_folder,
        make_disks,
        filter_ports,
        reserve_addresses,
        start_paused,
        wait_plugged,
        check_claim,
        mark_started,
    )
    lasting = (close_journal, resume, check_running, check_claim, mark_active)
    adopting = (mark_started, close_journal, bring_up, check_running, check_claim, mark_active)  # in place of both, if the guest may have run

    def run(self, builder: Builder, order: Order) -> Outcome:
        """A failure removes what was made, the claim too; once the record says ``started`` nothing is undone."""
        uuid = order["instance"]["uuid"]
        if builder.check_mode:
            builder.realise(order["instance"].get("ports", []), is_new=True)
            return self.outcome(order, changed=True)
        with self._own(builder, uuid) as owned:
            work = Work(builder, order, {**owned.record, "machine_type": owned.domain["machine_type"]}, domain=owned.domain)
            if owned.record["started"] or owned.domain["power_state"] not in NEVER_RUN:
                self.last(work, self.adopting)
            else:
                self._make(work)
                self.last(work, self.lasting)
        return self.outcome_of(work)

    @contextlib.contextmanager
    def _own(self, builder: Builder, uuid: str) -> t.Iterator[Owned]:
        """The server under its lock, claimed by this run. The outcome of any error is unknown, unless libvirt says that the server is gone."""
        with contextlib.ExitStack() as stack:
            try:
                owned = stack.enter_context(builder.own(uuid, self.starts_from))
                builder.check_run(owned.record)
            except KvmfleetError as error:
                raise ServerError(error.error_class, f"{self.name}: {error.message}", unknown=error.error_class != GONE) from error
            yield owned

    def _make(self, work: Work) -> None:
        try:
            for step in self.steps:
                step(work)
        except (KvmfleetError, OSError) as error:
            failure = as_server_error(self.name, error)
            if failure.unknown:
                raise failure from error
            try:
                work.builder.undo(work.uuid)
            except ServerError as left:
                raise ServerError(failure.error_class, f"{failure.message}; {left.message}", unknown=True) from error
            raise failure from error
