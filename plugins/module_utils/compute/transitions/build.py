# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Build: a claimed server gets its disks and runs.

Follows ``nova/virt/libvirt/driver.py: spawn`` and ``_create_image``; ``compute/builder.py`` tells the whole story.
"""

from __future__ import annotations

from ansible_collections.kvmfleet.compute.plugins.module_utils.compute.builder import Builder, Owned
from ansible_collections.kvmfleet.compute.plugins.module_utils.compute.transitions.base import RUNNING, Transition, Work, as_server_error
from ansible_collections.kvmfleet.compute.plugins.module_utils.compute.transitions.files import make_disks, make_folder
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


def clear(work: Work) -> None:
    """What a dead run left is removed."""
    work.journal.undo()


def mark_active(work: Work) -> None:
    """The record says that the server is there; libvirt's choice of machine type is kept."""
    hashes = work.builder.secret_hashes(work.uuid)
    work.builder.hypervisor.set_record(work.uuid, {**work.record, "vm_state": "active", "run": None, "secrets": hashes})


def close_journal(work: Work) -> None:
    """Nothing is undone any more."""
    work.journal.close()


class Build(Transition):
    """What was claimed is built: a request that changed since a dead run claimed is drift."""

    name = "build"
    stage = "build"
    starts_from = ("building",)
    ends_in = "active"
    done = "built"
    steps = (stop, clear, realise_ports, make_folder, make_disks, start_paused, check_plugged, resume)
    lasting = (check_running, mark_active, close_journal)

    def run(self, builder: Builder, order: Order) -> Outcome:
        """A failure removes what was made, the claim too; once the guest has run nothing is undone."""
        uuid = order["instance"]["uuid"]
        if builder.check_mode:
            builder.realise(order["instance"].get("ports", []))
            return self.outcome(order, changed=True)
        with builder.own(uuid, self.starts_from) as owned:
            self._check_run(builder, order, owned)
            work = Work(builder, order, {**owned.record, "machine_type": owned.domain["machine_type"]})
            if owned.domain["power_state"] in RUNNING:
                # A dead run got this far, only the record doesn't say so.
                self.last(work, (check_plugged, *self.lasting))
            else:
                self._make(work)
                self.last(work, self.lasting)
        result = self.outcome(order, changed=True, power_state="running")
        result["seconds"].update(work.seconds)
        return result

    def _check_run(self, builder: Builder, order: Order, owned: Owned) -> None:
        run = owned.record["run"]
        if run is None or run["id"] != builder.run["id"]:
            whose = f"run {run['id']}" if run else "no run"
            raise ServerError("InstanceIsBuilding", f"the claim of {order['instance']['display_name']} belongs to {whose}")

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
