# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One cause is one fault: a field that is missing because its name is misspelt is no second one; pure."""

from __future__ import annotations

import re
from collections.abc import Iterable

from ansible_collections.kvmfleet.compute.plugins.plugin_utils.api.aliases import FIELDS
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.schema.fault import Fault

_MEANT = re.compile(r"unknown field; did you mean (\w+)\?")
# Lists of mappings with a name, which people write as a list of names.
_NAMED = re.compile(r"(networks|security_groups)\[\d+\]")


def faults(found: Iterable[Fault]) -> list[Fault]:
    """The faults of a request without those that another one of them is the cause of; a name where a mapping must be is told how to write it."""
    every = list(found)
    meant = {FIELDS.get(match.group(1), match.group(1)) for fault in every if (match := _MEANT.match(fault.rule))}
    return [_explained(fault) for fault in every if not (fault.path in meant and fault.rule.startswith("is required"))]


def _explained(fault: Fault) -> Fault:
    is_name = isinstance(fault.value, str) and fault.rule == "must be a mapping" and _NAMED.fullmatch(fault.path)
    return fault._replace(rule=f"{fault.rule}, such as {{name: {fault.value}}}") if is_name else fault
