# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Quotas of projects at the moment of the claim (``nova/compute/utils.py: check_num_instances_quota``, the recheck): facts and reservations; pure."""

from __future__ import annotations

import typing as t

from ansible_collections.kvmfleet.compute.plugins.module_utils.errors import ServerError

if t.TYPE_CHECKING:
    from ansible_collections.kvmfleet.compute.plugins.module_utils.shapes import Quota

SERVER = frozenset({"instances", "cores", "ram"})
GROUPS = "server_groups"


class Usage:
    """What projects use: by the facts, and by servers that the facts don't show.

    A group is the project's once a server of the project is in it (``nova/api/openstack/compute/server_groups.py: create``, the recheck), and is counted once.
    """

    def __init__(self, quotas: t.Dict[str, t.Dict[str, Quota]], project_groups: t.Dict[str, t.List[str]]) -> None:
        self._quotas = quotas
        self._reserved: t.Dict[t.Tuple[str, str], int] = {}
        self._groups = {project: set(groups) for project, groups in project_groups.items()}

    def add(self, project: str, amounts: t.Dict[str, int]) -> None:
        """Count a server that the facts don't show."""
        for resource, amount in amounts.items():
            self._reserved[(project, resource)] = self._reserved.get((project, resource), 0) + amount

    def join(self, project: str, group: str) -> None:
        """A server of the project is in a group, whether the facts show it or not."""
        self._groups.setdefault(project, set()).add(group)

    def check(self, project: str, amounts: t.Dict[str, int], group: t.Optional[str]) -> None:
        """ServerError if a server of the project, in this group, would go beyond a limit."""
        over: t.Dict[str, str] = {}
        groups = self._groups.get(project, set())
        for resource, quota in sorted(self._quotas.get(project, {}).items()):
            if resource == GROUPS:
                asked, used = int(group is not None and group not in groups), len(groups)
            else:
                asked, used = amounts.get(resource, 0), quota["used"] + self._reserved.get((project, resource), 0)
            if asked and 0 <= quota["limit"] < used + asked:
                over[resource] = f"{resource}: requested {asked}, already used or reserved {used} of {quota['limit']}"
        if over:
            raise ServerError(_error_class(over), f"quota of project {project} exceeded for " + ", ".join(over.values()))


def _error_class(over: t.Collection[str]) -> str:
    """Nova counts ports before anything else, and the members of a server group after the servers; the groups themselves when they are made."""
    if "ports" in over:
        return "PortLimitExceeded"
    if SERVER.intersection(over):
        return "TooManyInstances"
    return "ServerGroupLimitExceeded" if set(over) == {GROUPS} else "OverQuota"
