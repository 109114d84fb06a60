# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a host takes claims of a run: the epoch and the ticket that the run's grant is of against what the host holds; pure."""

from __future__ import annotations

import typing as t

from ansible_collections.kvmfleet.compute.plugins.module_utils.registrar.refusal import Refused

if t.TYPE_CHECKING:
    from ansible_collections.kvmfleet.compute.plugins.module_utils.registrar.host_state import HostState
    from ansible_collections.kvmfleet.compute.plugins.module_utils.shapes import Epoch, EpochId, Grant


def check_grant(state: HostState, shown: t.Optional[Grant]) -> None:
    """Refused as by ``check_epoch``; or TicketOver, if what was granted to a killed run has been freed for others since."""
    check_epoch(state.epoch, shown["epoch"] if shown else None)
    if shown and any(one["ticket"] == shown["ticket"] for one in state.ended):
        raise Refused("TicketOver", f"ticket {shown['ticket']} was ended on this host, because its run was seen to be killed: run again")


def check_epoch(held: t.Optional[Epoch], shown: t.Optional[EpochId]) -> None:
    """Refused (EpochMissing, EpochOver, EpochForeign) unless the run shows what the host holds. No other host of the fleet does better."""
    if held is None or held["store"] == "none":
        if shown is not None:
            raise _not_granting(held, shown)
        return
    ours = f"epoch {held['number']}"
    if shown is None:
        raise Refused("EpochMissing", f"the host is of a fleet with a registrar ({ours}), and this run has nothing granted by it: {ROLE}, or {OFF}")
    theirs = f"epoch {shown['number']}"
    if shown["number"] < held["number"]:
        raise Refused("EpochOver", f"this run is of {theirs}, and the host is at {ours}: run again")
    if shown["number"] > held["number"]:
        raise Refused("EpochMissing", f"this run is of {theirs}, and the host is at {ours} still: run again, so that it takes it")
    if shown["id"] != held["id"]:
        raise Refused("EpochForeign", f"the host's {ours} is {held['id']}, and this run's is {shown['id']}: it is a host of another fleet")


ROLE = "create servers by the role create_server without compute_registrar: none"
OFF = "take the registrar off by the playbook kvmfleet.compute.registrar"


def _not_granting(held: t.Optional[Epoch], shown: EpochId) -> Refused:
    theirs = f"this run is of epoch {shown['number']}"
    if held is None:
        return Refused("EpochMissing", f"{theirs}, and the host holds no epoch: run again, so that it takes it")
    if shown["number"] > held["number"]:
        return Refused("EpochMissing", f"{theirs}, and the host is still at epoch {held['number']}, in which there is no registrar: run again")
    return Refused("EpochOver", f"{theirs}, and by epoch {held['number']}, which the host holds, the fleet has no registrar: run again")
