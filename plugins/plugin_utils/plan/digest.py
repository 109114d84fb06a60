# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The digest of a plan, by which one that was changed by hand, or cut, is seen; pure."""

from __future__ import annotations

import hashlib
import json
import typing as t


def digest_of(plan: t.Mapping[str, object]) -> str:
    """sha256:<hex> of everything in the plan but its digest."""
    rest = {key: value for key, value in plan.items() if key != "digest"}
    text = json.dumps(rest, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return "sha256:" + hashlib.sha256(text.encode()).hexdigest()
