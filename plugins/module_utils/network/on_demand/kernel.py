# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The network devices of the host, by the tools ``ip`` and ``bridge`` of iproute2."""

from __future__ import annotations

import socket
import typing as t

from ansible_collections.kvmfleet.compute.plugins.module_utils import commands
from ansible_collections.kvmfleet.compute.plugins.module_utils.errors import ServerError
from ansible_collections.kvmfleet.compute.plugins.module_utils.network.on_demand.devices import Device, devices, flood_list
from ansible_collections.kvmfleet.compute.plugins.module_utils.network.on_demand.names import is_our_name
from ansible_collections.kvmfleet.compute.plugins.module_utils.network.on_demand.plan import Command

TIMEOUT_S = 30.0  # of one command


class KernelLike(t.Protocol):
    """The network devices of a host."""

    def has_ours(self) -> bool:
        """True if a device has a name that is made here."""

    def devices(self) -> t.Dict[str, Device]:
        """Every device by name; ServerError if that can't be told."""

    def flood_list(self, device: str) -> t.Set[str]:
        """Where a VXLAN link sends what has no other entry; ServerError if that can't be told."""

    def run(self, wanted: t.Iterable[Command]) -> None:
        """Run commands one after the other; ServerError with the first that fails."""


class Kernel:
    """This host's."""

    def has_ours(self) -> bool:
        """True if a device has a name that is made here."""
        return any(is_our_name(name) for _index, name in socket.if_nameindex())

    def devices(self) -> t.Dict[str, Device]:
        """Every device by name; ServerError if that can't be told."""
        return _read(devices, ["ip", "-json", "-details", "link", "show"])

    def flood_list(self, device: str) -> t.Set[str]:
        """Where a VXLAN link sends what has no other entry; ServerError if that can't be told."""
        return _read(flood_list, ["bridge", "-json", "fdb", "show", "dev", device])

    def run(self, wanted: t.Iterable[Command]) -> None:
        """Run commands one after the other; ServerError with the first that fails."""
        for command in wanted:
            _run(command)


def _run(command: Command) -> str:
    return commands.run([commands.administrators(command[0]), *command[1:]], TIMEOUT_S)


Read = t.TypeVar("Read")


def _read(read: t.Callable[[str], Read], command: Command) -> Read:
    text = _run(command)
    try:
        return read(text)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ServerError("PortBindingFailed", f"what `{' '.join(command)}` says can't be read: {type(error).__name__}: {error}", reschedule=True) from error
