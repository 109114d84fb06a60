# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Requests as a plan keeps them, without what is secret, and whether others are asked for now; pure.

User data becomes a digest: whoever reads the plan does not have it, and a change of it is seen. The digest is salted and slow, because user data is often a
known text with a short secret in it. A password is left out altogether: it is too short for any digest, and no placement rests on it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator

from ansible_collections.kvmfleet.compute.plugins.plugin_utils.api.problems import SECRET_FIELDS
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.plan.differences import Difference, differences

PASSWORD = "adminPass"
GIVEN = "given"
ROUNDS = 100_000


class Hider:
    """Hides secrets with one salt, each value once."""

    def __init__(self, salt: str) -> None:
        """``salt``: any text."""
        self._salt = salt.encode()
        self._known: dict[str, str] = {}

    def _digest(self, value: object) -> str:
        text = json.dumps(value, sort_keys=True)
        if text not in self._known:
            self._known[text] = "pbkdf2:" + hashlib.pbkdf2_hmac("sha256", text.encode(), self._salt, ROUNDS).hex()
        return self._known[text]

    def hidden(self, value: object) -> object:
        """Plain data in which every field with a secret is a digest, or says that it is given."""
        if isinstance(value, dict):
            return {key: self._field(str(key), item) for key, item in value.items()}
        if isinstance(value, list):
            return [self.hidden(item) for item in value]
        return value

    def _field(self, key: str, value: object) -> object:
        if value is None or key not in SECRET_FIELDS:
            return self.hidden(value)
        return GIVEN if key == PASSWORD else self._digest(value)


def changed(was: list[object], now: list[object]) -> Iterator[tuple[int, Difference]]:
    """(position of the request, what is different), of requests that have nothing secret any more; a whole request has an empty path."""
    for index in range(max(len(was), len(now))):
        one = was[index] if index < len(was) else None
        other = now[index] if index < len(now) else None
        for found in differences(one, other):
            yield index, found
