# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Faults as one sentence, where an exception has to tell them; pure."""

from __future__ import annotations

import json
from collections.abc import Iterable

from ansible_collections.kvmfleet.compute.plugins.plugin_utils.schema.fault import Fault

MOST_FAULTS, MOST_CHARACTERS = 10, 60


def _shown(value: object) -> str:
    if isinstance(value, (dict, list)):
        return "a mapping" if isinstance(value, dict) else "a list"
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= MOST_CHARACTERS else f"{text[:MOST_CHARACTERS]}…"


def _one(fault: Fault) -> str:
    rule, semicolon, more = fault.rule.partition(";")
    given = f", not {_shown(fault.value)}" if rule.startswith("must be ") else ""
    return (f"{fault.path}: " if fault.path else "") + f"{rule}{given}{semicolon}{more}"


def sentence(faults: Iterable[Fault]) -> str:
    """``a: must be a number, not "x"; b: is required``; empty if there is no fault."""
    found = list(faults)
    more = f"; and {len(found) - MOST_FAULTS} more" if len(found) > MOST_FAULTS else ""
    return "; ".join(map(_one, found[:MOST_FAULTS])) + more
