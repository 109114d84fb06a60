# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The policy of a server group over the whole fleet: members by the facts and by reservations; pure.

Follows ``nova/compute/manager.py: _validate_instance_group_policy``; a soft policy refuses nothing.
"""

from __future__ import annotations

import typing as t

from ansible_collections.kvmfleet.compute.plugins.module_utils.errors import ServerError

if t.TYPE_CHECKING:
    from ansible_collections.kvmfleet.compute.plugins.module_utils.shapes import GroupUse


class InTheWay(ServerError):
    """A member of the group keeps a server from its host; another host may do."""

    def __init__(self, message: str, member: str, host: str) -> None:
        super().__init__("GroupAffinityViolation", message, reschedule=True)
        self.member = member
        self.host = host


class Group:
    """One group with its members so far."""

    def __init__(self, use: GroupUse) -> None:
        self._use = use
        self._reserved: t.Set[t.Tuple[str, str]] = set()

    def add(self, server: str, host: str) -> None:
        """A member by a reservation."""
        self._reserved.add((server, host))

    def members(self) -> t.Dict[str, str]:
        """The hosts of all members, by the ids of the servers."""
        return {**self._use["members"], **dict(sorted(self._reserved))}

    def check(self, server: str, host: str) -> None:
        """InTheWay if the policy keeps the server from the host."""
        if self._use["policy"] == "anti-affinity":
            self._check_apart(server, host)
        elif self._use["policy"] == "affinity":
            self._check_together(server, host)

    def _check_apart(self, server: str, host: str) -> None:
        here = sorted({member for member, where in self._everybody(server) if where == host})
        limit = self._use["max_server_per_host"]
        if len(here) >= limit:
            message = f"anti-affinity group {self._use['name']} allows {limit} per host, {len(here)} on host {host}: {', '.join(here)}"
            raise InTheWay(message, here[0], host)

    def _check_together(self, server: str, host: str) -> None:
        """Where the facts show members, there; and with every member by a reservation, because the facts may show one that is gone since."""
        shown = [(member, where) for member, where in sorted(self._use["members"].items()) if member != server]
        elsewhere = sorted(pair for pair in self._reserved if pair[0] != server and pair[1] != host)
        if shown and all(where != host for _member, where in shown):
            elsewhere.extend(shown)
        if elsewhere:
            member, where = elsewhere[0]
            raise InTheWay(f"affinity group {self._use['name']} lives on host {where} with member {member}, not on host {host}", member, where)

    def _everybody(self, server: str) -> t.Set[t.Tuple[str, str]]:
        return {pair for pair in {*self._use["members"].items(), *self._reserved} if pair[0] != server}
