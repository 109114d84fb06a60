# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The host's Open vSwitch, by the tool ``ovs-vsctl``: its ports are libvirt's to make and to remove, and what libvirt leaves is removed here."""

from __future__ import annotations

import typing as t

from ansible_collections.kvmfleet.compute.plugins.module_utils import commands
from ansible_collections.kvmfleet.compute.plugins.module_utils.errors import ServerError
from ansible_collections.kvmfleet.compute.plugins.module_utils.network.switch_tables import TABLES, Switch, parse_switch
from ansible_collections.kvmfleet.compute.plugins.module_utils.shapes import SwitchPort

TOOL = "ovs-vsctl"
TIMEOUT_S = 10  # ovs-vsctl's own; its database answers in milliseconds


def read() -> Switch:
    """All bridges and ports; none where Open vSwitch is not installed. ServerError if it is, and does not answer."""
    if not commands.installed(TOOL):
        return Switch([], {})
    argv = [commands.administrators(TOOL), f"--timeout={TIMEOUT_S}", "--no-wait", "--format=json"]
    for table, columns in TABLES:
        argv += ["--", f"--columns={columns}", "list", table]
    text = commands.run(argv, timeout_s=2.0 * TIMEOUT_S)
    try:
        return parse_switch(text)
    except ValueError as error:
        raise ServerError("ProcessExecutionError", str(error), reschedule=True) from error


def switch_port(device: str) -> t.Optional[SwitchPort]:
    """Where Open vSwitch has a device; None if it hasn't. ServerError if it does not answer."""
    return read().ports.get(device)


def remove_port(device: str, domain_id: str) -> None:
    """Remove a device that no guest has any more, if it was that domain's; ServerError if Open vSwitch does not answer.

    Libvirt does so when a guest ends, but after a reset of the host Open vSwitch still knows what it had.
    """
    found = switch_port(device)
    if found is not None and found["domain_id"] == domain_id:
        argv = [commands.administrators(TOOL), f"--timeout={TIMEOUT_S}", "--if-exists", "del-port", found["bridge"], device]
        commands.run(argv, timeout_s=2.0 * TIMEOUT_S)
