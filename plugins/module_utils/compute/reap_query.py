# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which servers a reaper takes: those whose recorded time has passed. Everything else that is asked for takes fewer of them; pure."""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.kvmfleet.compute.plugins.module_utils.duration import seconds_of
from ansible_collections.kvmfleet.compute.plugins.module_utils.errors import ServerError
from ansible_collections.kvmfleet.compute.plugins.module_utils.shapes import Record
from ansible_collections.kvmfleet.compute.plugins.module_utils.timestamp import unix_time


@dataclasses.dataclass(frozen=True)
class ReapQuery:
    """All that is given must match."""

    project: t.Optional[str]
    owner: t.Optional[str]
    job: t.Optional[str]
    tags: t.Optional[t.List[str]]
    older_than_s: t.Optional[int]

    @classmethod
    def of(cls, params: t.Dict[str, t.Any]) -> ReapQuery:
        """From the module's parameters; ServerError (InvalidInput) for what is given and empty: that would take more than was meant."""
        for name in ("project", "owner", "job", "tags", "older_than"):
            value = params[name]
            if value is not None and (not value or (name == "tags" and not all(value))):
                raise ServerError("InvalidInput", f"{name} is given and empty; leave it out to take servers of any")
        try:
            older_than_s = seconds_of(params["older_than"]) if params["older_than"] is not None else None
        except ValueError as error:
            raise ServerError("InvalidInput", f"older_than: {error}") from None
        return cls(params["project"], params["owner"], params["job"], params["tags"], older_than_s)

    def matches(self, record: Record, now: float) -> bool:
        """True if the server has a time and is asked for; ``now``: Unix time in s, by the host's clock."""
        origin = record["origin"]
        if origin is None or record["expires_at"] is None:
            return False
        created = unix_time(record["created_at"])
        return (
            self.project in (None, record["project_id"])
            and self.owner in (None, origin["owner"])
            and self.job in (None, origin["job"])
            and set(self.tags or ()) <= set(record["tags"])
            and (self.older_than_s is None or (created is not None and now - created >= self.older_than_s))
        )


def has_passed(record: Record, now: float) -> bool:
    """True if the server's recorded time is over; one that can't be read never is."""
    ends = unix_time(record["expires_at"])
    return ends is not None and ends <= now
