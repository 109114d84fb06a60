# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Jinja filter: what hosts have said of the members of security groups; thin edge over plugin_utils/fleet/member_reports.py."""

from __future__ import annotations

DOCUMENTATION = r"""
name: member_reports
author: The kvmfleet.compute authors (@kvmfleet)
version_added: 0.3.0
short_description: Bring together who is in which security group on which host
description:
  - Takes what M(kvmfleet.compute.security_groups) was registered as by each host. What is no report counts as no answer.
options:
  _input:
    description: The variables of the hosts (C(hostvars)).
    type: dict
    required: true
  hosts:
    description: The names of the hosts.
    type: list
    elements: str
    required: true
  variable:
    description: The name of the variable.
    type: str
    required: true
  about:
    description: Only hosts that want to know one of these groups have to be told. All that want to know any, if it is left out.
    type: list
    elements: str
seealso:
  - module: kvmfleet.compute.security_groups
"""

EXAMPLES = r"""
- name: Bring together what the hosts have said
  ansible.builtin.set_fact:
    told: "{{ hostvars | kvmfleet.compute.member_reports(ansible_play_hosts_all, 'asked') }}"
  run_once: true
"""

RETURN = r"""
_value:
  description:
    - C(reports), the list of what was reported.
    - C(hosts), the names of the hosts that have to be told.
    - C(silent), the names of those that have not answered.
    - C(rules_numbers), by the id of a group which rules are the latest that any of the hosts has, for P(kvmfleet.compute.group_rules#filter).
  type: dict
"""

import typing as t
from collections.abc import Collection, Mapping

from ansible.errors import AnsibleFilterError

from ansible_collections.kvmfleet.compute.plugins.plugin_utils.edge.plain import NotPlain, plain
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.edge.play_hosts import HostVariables
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.fleet.member_reports import Gathered, gathered


def member_reports(hostvars: Mapping[str, t.Any], hosts: Collection[object], variable: str, about: object = None) -> Gathered:
    """The reports, and whom they are for."""
    missing = [str(name) for name in hosts if name not in hostvars]
    if missing:
        raise AnsibleFilterError(f"{', '.join(missing)}: not in the inventory")
    try:
        name = str(variable)
        answers = {str(host): plain(HostVariables(hostvars, str(host), [name]).get(name)) for host in hosts}
        wanted: list[str] | None = plain(about)
    except NotPlain as error:
        raise AnsibleFilterError(str(error)) from error
    return gathered(answers, wanted)


class FilterModule:
    """Found by Ansible."""

    def filters(self) -> dict[str, t.Callable[..., object]]:
        """By name."""
        return {"member_reports": member_reports}
