# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The rules of all security groups of a catalogue, whichever servers are in them; pure."""

from __future__ import annotations

from ansible_collections.kvmfleet.compute.plugins.module_utils.shapes import GroupRules
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.api.catalogue import load
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.api.enforced_groups import obstacle, rules_of
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.schema.fault import Fault
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.schema.sentence import sentence


class InvalidGroups(ValueError):
    """The groups have faults, or a rule that hosts can't enforce; the message names all of them."""


def all_group_rules(security_groups: object) -> list[GroupRules]:
    """The rules by the catalogue's ``compute_security_groups``, with those of the group default; InvalidGroups if there is anything wrong."""
    catalogue, faults = load({"security_groups": security_groups})
    groups = catalogue.security_groups
    for key, group in groups.by_key.items():
        why = obstacle(group)
        if why:
            faults.append(Fault(f"compute_security_groups.{key}", group["name"], why))
    if faults:
        raise InvalidGroups(sentence(faults))
    return rules_of(groups, [group["id"] for group in groups.by_key.values()])
