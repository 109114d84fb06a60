# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The entries of one kind of the catalogue, found by id or by name; pure."""

from __future__ import annotations

import typing as t
import uuid


class Named(t.TypedDict):
    """What all entries have; those that can be referred to by an id have ``id``, too."""

    name: str  # given, or the entry's key


E = t.TypeVar("E", bound=Named)


class Entries(t.Generic[E]):
    """Entries by their key, and the keys of those that were left out for a fault of their own: that they are unknown is no second fault."""

    def __init__(self, entries: dict[str, E], faulty: set[str]) -> None:
        self.by_key, self.faulty = entries, faulty
        self._by_id: dict[object, E] = {entry.get("id"): entry for entry in entries.values() if "id" in entry}
        self._by_name: dict[str, list[E]] = {}
        for entry in entries.values():
            self._by_name.setdefault(entry["name"], []).append(entry)

    def matches(self, reference: object) -> list[E]:
        """The entry with this id or, failing that, all with this name or, failing that, the one of this key."""
        text = str(reference)
        by_id = self._by_id.get(text)
        if by_id is None and text not in self._by_name:
            by_id = self._by_id.get(plain_uuid(text)) or self.by_key.get(text)
        return [by_id] if by_id else self._by_name.get(text, [])

    def find(self, reference: object) -> E | None:
        """The one entry that is meant; None if it does not exist or the name is ambiguous."""
        found = self.matches(reference)
        return found[0] if len(found) == 1 else None

    def names(self) -> list[str]:
        """Their keys, sorted."""
        return sorted(self.by_key)

    def leave_out(self, key: str) -> None:
        """Take away an entry whose fault shows only beside others."""
        entry = self.by_key.pop(key)
        self.faulty.add(key)
        self._by_name[entry["name"]].remove(entry)
        self._by_id = {name: item for name, item in self._by_id.items() if item is not entry}


def plain_uuid(text: str) -> str:
    """A UUID in its usual spelling; any other text as it is."""
    try:
        return str(uuid.UUID(text))
    except ValueError:
        return text
