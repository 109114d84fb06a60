# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The names of servers as hosts of the running inventory: a server never takes the name of a host or a group that is there; pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection

# Ansible makes these by itself when they are asked for.
LOCALHOST = ("localhost", "127.0.0.1", "::1")
GROUP = "kvmfleet_servers"
# What add_host would take apart into a host and a port.
_HOST_AND_PORT = re.compile(r"(?:\[.*\]|[^:]*):[0-9]+")


class InventoryNames:
    """Which names a server may have in the running inventory."""

    def __init__(self, prefix: str, hosts: Collection[str], groups: Collection[str], id_of: Callable[[str], object]) -> None:
        """``id_of``: the ``kvmfleet_id`` of a host that is there; None if it has none."""
        self._prefix, self._hosts, self._groups, self._id_of = prefix, hosts, groups, id_of

    def name(self, display_name: str) -> str:
        """The host that a server is in the running inventory."""
        return f"{self._prefix}{display_name}"

    def is_there(self, display_name: str) -> bool:
        """True if there is a host of that name."""
        return self.name(display_name) in self._hosts

    def rule(self, display_name: str, uuid: str | None) -> str | None:
        """The rule that a server's name breaks; None if it breaks none. ``uuid``: of a server that is there."""
        name = self.name(display_name)
        remedy = "another name, or compute_inventory_prefix, keeps them apart"
        if _HOST_AND_PORT.fullmatch(name):
            return f"{name} would be a host and a port in the running inventory; {remedy}"
        if name in self._groups or name == GROUP:
            return f"{name} is a group of the inventory, and a server becomes a host of it; {remedy}"
        if name in self._hosts:
            own = uuid is not None and self._id_of(name) == uuid
            return None if own else f"{name} is a host of the inventory that is not this server (its kvmfleet_id is not the server's); {remedy}"
        return f"{name} is the controller itself for Ansible; {remedy}" if name.lower() in LOCALHOST else None
