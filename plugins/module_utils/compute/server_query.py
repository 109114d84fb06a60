# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which servers ``server_info`` returns; pure."""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.kvmfleet.compute.plugins.module_utils.shapes import InstanceReport


@dataclasses.dataclass(frozen=True)
class ServerQuery:
    """All that is given must match."""

    ids: t.List[str]
    names: t.List[str]
    project: t.Optional[str]
    reservation_id: t.Optional[str]
    group: t.Optional[str]  # id or name
    tags: t.List[str]

    @classmethod
    def of(cls, params: t.Dict[str, t.Any]) -> ServerQuery:
        """From the module's parameters."""
        return cls(params["ids"], params["names"], params["project"], params["reservation_id"], params["group"], params["tags"])

    def matches(self, server: InstanceReport) -> bool:
        """True if the server is asked for."""
        group = server["group"]
        return (
            (not self.ids or server["uuid"] in self.ids)
            and (not self.names or server["display_name"] in self.names)
            and self.project in (None, server["project_id"])
            and self.reservation_id in (None, server["reservation_id"])
            and (self.group is None or (group is not None and self.group in (group["id"], group["name"])))
            and set(self.tags) <= set(server["tags"])
        )

    def of_all(self, servers: t.Iterable[InstanceReport]) -> t.List[InstanceReport]:
        """Those of the servers that are asked for, by name."""
        return sorted((server for server in servers if self.matches(server)), key=lambda server: (server["display_name"], server["uuid"]))
