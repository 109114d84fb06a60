# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Jinja filter: the rules of a catalogue's security groups, as hosts enforce them; thin edge over plugin_utils/api."""

from __future__ import annotations

DOCUMENTATION = r"""
name: group_rules
author: The kvmfleet.compute authors (@kvmfleet)
version_added: 0.3.0
short_description: The rules of the catalogue's security groups, as hosts enforce them
description:
  - Checks C(compute_security_groups) and returns what M(kvmfleet.compute.security_groups) takes. The group C(default), which Neutron has in each project, is
    among them whether or not the catalogue has it.
options:
  _input:
    description: The catalogue's C(compute_security_groups), or a text of YAML or JSON with it.
    type: raw
    required: true
  numbers:
    description:
      - What P(kvmfleet.compute.member_reports#filter) says about the rules that hosts have (C(rules_numbers)). Of two runs at once with different rules all
        hosts keep those of the same one then.
      - If it is left out a host takes the rules for later ones than those that it has.
    type: dict
seealso:
  - module: kvmfleet.compute.security_groups
"""

EXAMPLES = r"""
- name: Apply the rules of the catalogue to the guests of a host
  kvmfleet.compute.security_groups:
    operation: apply
    security_groups: "{{ compute_security_groups | kvmfleet.compute.group_rules }}"

- name: Apply them to all hosts, though another run may do the same
  kvmfleet.compute.security_groups:
    operation: apply
    reports: "{{ gathered.reports }}"
    security_groups: "{{ compute_security_groups | kvmfleet.compute.group_rules(gathered.rules_numbers) }}"
  vars:
    gathered: "{{ hostvars | kvmfleet.compute.member_reports(ansible_play_hosts, 'asked') }}"
"""

RETURN = r"""
_value:
  description: The groups with their rules, in the shape of C(docs/data.md) (GroupRules).
  type: list
  elements: dict
"""

import typing as t

from ansible.errors import AnsibleFilterError

from ansible_collections.kvmfleet.compute.plugins.module_utils.network.rules_number import numbered, read_number
from ansible_collections.kvmfleet.compute.plugins.module_utils.shapes import GroupRules, RulesNumber
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.api.all_group_rules import InvalidGroups, all_group_rules
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.edge.plain import NotPlain, plain
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.schema import answers
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.schema.libraries import MISSING


def group_rules(catalogue: object, numbers: object = None) -> list[GroupRules]:
    """The rules of all groups; AnsibleFilterError with all that is wrong with them."""
    for missing in MISSING:
        raise AnsibleFilterError(missing)
    try:
        groups = all_group_rules(answers.mapping("compute_security_groups", plain(catalogue)))
        if numbers is None:
            return groups
        said: dict[str, RulesNumber] = plain(numbers)
        known = {group: read_number(number) for group, number in said.items()}
    except (NotPlain, InvalidGroups, answers.WrongAnswer) as error:
        raise AnsibleFilterError(str(error)) from error
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise AnsibleFilterError(f"group_rules: these are no numbers of rules: {type(error).__name__}: {error}") from error
    return numbered(groups, known)


class FilterModule:
    """Found by Ansible."""

    def filters(self) -> dict[str, t.Callable[..., object]]:
        """By name."""
        return {"group_rules": group_rules}
