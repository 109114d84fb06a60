# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Steps that start a guest; build and start share them.

Follows ``nova/virt/libvirt/driver.py: _create_guest_with_network``.
"""

from __future__ import annotations

import time

from ansible_collections.kvmfleet.compute.plugins.module_utils.compute.transitions.base import Work
from ansible_collections.kvmfleet.compute.plugins.module_utils.errors import ServerError
from ansible_collections.kvmfleet.compute.plugins.module_utils.shapes import Record


def stop(work: Work) -> None:
    """No guest of it runs."""
    work.builder.hypervisor.destroy(work.uuid)


def realise_ports(work: Work) -> None:
    """The host can carry its ports: the stage port of the chain, which needs no call of its own."""
    begin = time.monotonic()
    work.builder.realise(work.record["ports"], is_new=not work.record["started"])
    if work.record["started"]:
        work.warnings += work.builder.too_small(work.record["ports"])
    work.seconds["port"] = round(time.monotonic() - begin, 3)


def check_addresses(work: Work) -> None:
    """Nobody else uses its addresses."""
    work.builder.check_unused(work.record["ports"])


def filter_ports(work: Work) -> None:
    """What its ports may send and receive is defined: the guest's first frame is filtered."""
    work.warnings += work.builder.filter_ports(work.record)


def reserve_addresses(work: Work) -> None:
    """DHCP servers of the host know what its ports get, before the guest asks."""
    work.builder.reservations.make(work.record["ports"])
    work.builder.dhcp_servers.make(work.record["ports"])


def start_paused(work: Work) -> None:
    """The guest is there, its CPUs stopped."""
    work.builder.hypervisor.start_paused(work.uuid)
    work.started_paused = True


def check_plugged(work: Work) -> None:
    """Each port's tap is where it belongs. What does not come by itself is told: a server that is there has nowhere else to go."""
    work.warnings += work.builder.check_plugged(work.record, wait=False)


def wait_plugged(work: Work) -> None:
    """Each port's tap is where it belongs, and its frames pass; as long as the run waits for that."""
    work.warnings += work.builder.check_plugged(work.record, wait=True)


def mark_started(work: Work) -> None:
    """The record says that the guest runs, before it does: whoever dies from here on, nothing of it is undone."""
    if not work.record["started"]:
        record: Record = {**work.record, "lease": work.builder.lease(), "started": True}
        work.builder.hypervisor.set_record(work.uuid, record)
        work.record = record


def resume(work: Work) -> None:
    """The guest runs."""
    work.builder.hypervisor.resume(work.uuid)


def check_running(work: Work) -> None:
    """It still does."""
    work.power_state = work.builder.hypervisor.power_state(work.uuid)
    if work.power_state != "running":
        raise ServerError("InstancePowerOnFailure", f"the guest is {work.power_state} right after its start")
