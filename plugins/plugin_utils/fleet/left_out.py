# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Of which fleet the hosts are by their facts, and which of its hosts were not looked at; pure."""

from __future__ import annotations

from ansible_collections.kvmfleet.compute.plugins.module_utils.shapes import Epoch
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.fleet.agreement import names
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.shapes import Fleet


def latest_epoch(fleet: Fleet) -> Epoch | None:
    """The latest one that a host holds; None if none holds any, or all facts are from before there were epochs."""
    held = [host["state"]["registrar"]["epoch"] for host in fleet["hosts"].values() if host["state"]]
    return max((epoch for epoch in held if epoch), key=lambda epoch: epoch["number"], default=None)


def left_out(fleet: Fleet) -> str:
    """Which of the fleet's hosts are not among these, in a sentence; empty if all are."""
    epoch = latest_epoch(fleet)
    missing = set(epoch["hosts"]).difference(fleet["hosts"]) if epoch else set[str]()
    return f"host {names(missing)} of the fleet was not looked at, and may have more servers" if missing else ""
