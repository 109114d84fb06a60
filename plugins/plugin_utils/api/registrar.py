# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the registrar means for a validation: without it nothing new is built; pure but for the validation and the fleet that it is given."""

from __future__ import annotations

from collections.abc import Callable

from ansible_collections.kvmfleet.compute.plugins.module_utils.registrar.epoch import NONE
from ansible_collections.kvmfleet.compute.plugins.module_utils.registrar.refusal import Refused
from ansible_collections.kvmfleet.compute.plugins.module_utils.shapes import Process
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.api.problems import Problems
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.fleet.agreement import PLAYBOOK, Drawn, Inventory, agree, out_of_step
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.fleet.begun import Begun
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.fleet.dead_runs import without
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.fleet.left_out import latest_epoch
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.shapes import Agreement, Fleet, Validation

NO_PROMISE = (
    "the registrar was not asked: names, addresses, quotas and places in server groups are free by what is known now, and another run may take them before "
    "this request is built"
)


def refuse_without(validated: Validation, fleet: Fleet) -> None:
    """Without a registrar the hosts of a fleet that has one would refuse every claim."""
    epoch = latest_epoch(fleet)
    if epoch and epoch["store"] != NONE:
        problems = Problems()
        problems.add(
            "compute_registrar",
            "none",
            f"the hosts are of a fleet with a registrar (epoch {epoch['number']}), and would refuse every claim: leave compute_registrar: none out, or take "
            f"the registrar off by {PLAYBOOK}off",
            "EpochMissing",
            409,
        )
        _refuse(validated, problems)


def is_to_build(validated: Validation) -> bool:
    """True if there are servers that are not there yet."""
    return any(not item["existing"] for item in validated["instances"])


def settled(
    validated: Validation,
    fleet: Fleet,
    begun: Begun,
    inventory: Inventory,
    new_id: str,
    drawn: Drawn | None = None,
    *,
    leaves_out: bool,
    is_killed: Callable[[Process | None], bool],
) -> Agreement | None:
    """The agreement; None if there is none, and then the validation has errors. ``drawn``: of PostgreSQL, if it has the ledger.

    ``leaves_out``: a host that can take no claim is left out with a warning, and gets no server; else it is an error. ``is_killed``: was a process on this
    controller, and is it no more?
    """
    problems = Problems()
    agreement: Agreement | None = None
    try:
        agreement = without(agree(begun, inventory, new_id, drawn), fleet, is_killed)
    except Refused as refused:
        problems.add("compute_registrar", "host", str(refused), refused.error_class, 503)
    # What is offered first may change this.
    for host, why in out_of_step(begun, agreement).items() if agreement and not agreement["offers"] else ():
        state = fleet["hosts"][host]["state"]
        if state is None:
            continue
        if leaves_out:
            state["service"] = {"disabled": True, "disabled_reason": why}
            validated["warnings"].append(f"host {host} gets no server: {why}")
        else:
            problems.add(f"hosts.{host}", None, f"{why}; compute_unreachable_hosts: ignore gives it no server", "HostUnreachable", 503)
    if problems.errors:
        _refuse(validated, problems)
        return None
    return agreement


def _refuse(validated: Validation, problems: Problems) -> None:
    validated["errors"] += problems.errors
    validated["instances"], validated["request_specs"], validated["groups"], validated["kept_ports"] = [], [], [], []
