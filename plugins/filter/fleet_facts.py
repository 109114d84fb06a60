# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Jinja filter: the facts of a fleet as one document; thin edge over plugin_utils/fleet."""

from __future__ import annotations

DOCUMENTATION = r"""
name: fleet_facts
author: The kvmfleet.compute authors (@kvmfleet)
version_added: 0.1.0
short_description: The facts of hosts as one document, for a plan without the hosts
description:
  - Gathers from C(hostvars) what P(kvmfleet.compute.server_schedule#module) reads of each host. Written as JSON it is the C(fleet_file) of a later run.
options:
  _input:
    description: C(hostvars).
    type: dict
    required: true
  hosts:
    description: The names of the hosts, in their order.
    type: list
    elements: str
    required: true
  hosts_variable:
    description: The name of the variable under which each host has what P(kvmfleet.compute.host_info#module) returned.
    type: str
    required: true
seealso:
  - module: kvmfleet.compute.host_info
  - module: kvmfleet.compute.server_schedule
"""

EXAMPLES = r"""
- name: Read the hosts
  kvmfleet.compute.host_info:
  register: hypervisor

- name: Keep what they have
  ansible.builtin.copy:
    content: "{{ hostvars | kvmfleet.compute.fleet_facts(ansible_play_hosts_all, 'hypervisor') | ansible.builtin.to_json }}"
    dest: fleet.json
    mode: "0644"
  delegate_to: localhost
  run_once: true
"""

RETURN = r"""
_value:
  description: C(version) and C(hosts), which has for each host C(host_info) and the variables that placement reads, as C(docs/data.md) tells.
  type: dict
"""

import typing as t

from ansible.errors import AnsibleFilterError

from ansible_collections.kvmfleet.compute.plugins.plugin_utils.fleet.fleet import fleet_file


def fleet_facts(hostvars: t.Mapping[str, object], hosts: t.Collection[object], hosts_variable: str) -> dict[str, object]:
    """The document."""
    missing = [str(name) for name in hosts if name not in hostvars]
    if missing:
        raise AnsibleFilterError(f"{', '.join(missing)}: not in the inventory")
    try:
        return fleet_file(hostvars, [str(name) for name in hosts], str(hosts_variable))
    except ValueError as error:
        raise AnsibleFilterError(str(error)) from error


class FilterModule:
    """Found by Ansible."""

    def filters(self) -> dict[str, t.Callable[..., object]]:
        """By name."""
        return {"fleet_facts": fleet_facts}
