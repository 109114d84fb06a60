# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Delete: domain, NVRAM, disks, config drive and record go; files that are not ours stay.

Follows ``nova/virt/libvirt/driver.py: destroy`` and ``cleanup``.
"""

from __future__ import annotations

import contextlib
import os
import typing as t

from ansible_collections.kvmfleet.compute.plugins.module_utils.compute import locks
from ansible_collections.kvmfleet.compute.plugins.module_utils.compute.builder import Builder, Owned
from ansible_collections.kvmfleet.compute.plugins.module_utils.compute.transitions.base import Transition, Work, as_server_error
from ansible_collections.kvmfleet.compute.plugins.module_utils.compute.transitions.guest import stop
from ansible_collections.kvmfleet.compute.plugins.module_utils.errors import KvmfleetError, ServerError
from ansible_collections.kvmfleet.compute.plugins.module_utils.shapes import Order, Outcome
from ansible_collections.kvmfleet.compute.plugins.module_utils.storage.removal import remove_path
from ansible_collections.kvmfleet.compute.plugins.module_utils.storage.table import backend_of


def remove_disks(work: Work) -> None:
    """Each disk (local disks go with their server, as in Nova), and what only we write beside them."""
    used = {disk["target"]: disk["path"] for disk in work.domain["disks"]} if work.domain is not None else {}
    for disk in work.record["disks"]:
        backend_of(disk).remove(work.files.disk(disk))
        overlay = used.get(disk["device_name"])
        if overlay is not None and os.path.dirname(overlay) == work.files.folder:
            # A snapshot has put it over the disk: it is the disk now.
            remove_path("file", overlay)
    remove_path("file", work.files.config_source)
    remove_path("log", work.files.console_log)


def clear(work: Work) -> None:
    """What an unfinished build made."""
    work.journal.undo()


def remove_folder(work: Work) -> None:
    """The folder, unless something foreign lies in it."""
    folder = work.files.folder
    left = sorted(os.listdir(folder)) if os.path.isdir(folder) else []
    work.foreign_files = [os.path.join(folder, name) for name in left]
    if not left:
        with contextlib.suppress(FileNotFoundError):
            os.rmdir(folder)


def unplug(work: Work) -> None:
    """What a switch still has of its ports."""
    work.builder.unplug(work.record)


def remove_filters(work: Work) -> None:
    """What filtered its ports."""
    work.builder.filters.remove(work.record)


def remove_reservations(work: Work) -> None:
    """What DHCP servers of the host have kept for its ports."""
    work.builder.reservations.remove(work.record["ports"])


def undefine(work: Work) -> None:
    """The definition, last: as long as it stands, a run that was cut off finds the server and can go on."""
    work.builder.hypervisor.undefine(work.uuid)


def sweep(builder: Builder) -> None:
    """What was made for networks of servers and no domain needs any more. The server is gone by then: the outcome of an error is unknown, not failed."""
    try:
        builder.sweep()
    except (KvmfleetError, OSError) as error:
        answer = as_server_error(Delete.name, error)
        raise ServerError(answer.error_class, answer.message, unknown=True) from error


def remove_networks(work: Work) -> None:
    """DHCP servers and networks, now that this domain is gone."""
    sweep(work.builder)


class Delete(Transition):
    """Idempotent: a server that does not exist is unchanged."""

    name = "delete"
    stage = "delete"
    starts_from = ("building", "active")
    done = "deleted"
    steps = (stop, unplug, remove_disks, clear, remove_folder, remove_filters, remove_reservations, undefine, remove_networks)

    def __init__(self, stays: t.Optional[t.Callable[[t.Optional[Owned]], bool]] = None) -> None:
        """``stays``: is asked under the server's lock, with what is there then, None if nothing is; True leaves it all as it is."""
        self._stays = stays

    def run(self, builder: Builder, order: Order) -> Outcome:
        """In whatever state the server is; a failure leaves what is left of it to the next run."""
        uuid = order["instance"]["uuid"]
        try:
            with builder.lock(uuid):
                owned = builder.look_up(uuid)
                if self._stays is not None and self._stays(owned):
                    if owned is None and not builder.check_mode:
                        locks.forget(builder.host.state_path, uuid)
                    return self.outcome(order, what="unchanged")
                if owned is not None:
                    work = Work(builder, order, owned.record, domain=owned.domain)
                    if not builder.check_mode:
                        for step in self.steps:
                            step(work)
                    result = self.outcome(order, changed=True)
                    result["foreign_files"] = work.foreign_files
                else:
                    result = self._rest(builder, order)
                if not builder.check_mode:
                    locks.forget(builder.host.state_path, uuid)
                    if owned is not None:
                        # Last, because it may fail: what others that went at the same time have kept for it.
                        builder.filters.drop_sets(owned.record)
        except (KvmfleetError, OSError) as error:
            failure = as_server_error(self.name, error)
            raise ServerError(failure.error_class, failure.message, unknown=failure.unknown) from error
        return result

    def _rest(self, builder: Builder, order: Order) -> Outcome:
        """Of a server without a domain: what an unfinished build made."""
        uuid = order["instance"]["uuid"]
        journal, folder = builder.host.journal(uuid), builder.host.folder(uuid)
        changed = bool(journal.entries())
        if not builder.check_mode:
            journal.undo()
            sweep(builder)
        result = self.outcome(order, what="deleted" if changed else "unchanged", changed=changed)
        result["foreign_files"] = [os.path.join(folder, name) for name in sorted(os.listdir(folder))] if os.path.isdir(folder) else []
        return result
