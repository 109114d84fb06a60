# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Jinja filter: the scheduler's filters; thin edge over plugin_utils/scheduler/stand_alone."""

from __future__ import annotations

DOCUMENTATION = r"""
name: filter_hosts
author: The kvmfleet.compute authors (@kvmfleet)
version_added: 0.1.0
short_description: Hosts that could take a server, as the scheduler filters them
description:
  - Gives the hosts that have room for one server of a request and pass the filters, in their order.
  - It runs what P(kvmfleet.compute.server_schedule#module) runs before the first pick. Nothing is placed, and no host is touched.
extends_documentation_fragment:
  - kvmfleet.compute.stand_alone
options:
  request:
    description:
      - A request spec. It needs C(flavor) with C(vcpus) and C(memory_mb).
      - Further keys are C(image), C(availability_zone), C(scheduler_hints), C(group), C(networks), C(project_id), C(force_hosts) and C(ignore_hosts).
    type: dict
    required: true
  filters:
    description: Names or dotted paths of filters, or mappings with C(expression). The default is Nova's five.
    type: list
    elements: raw
  aggregates:
    description: Host aggregates by name, as in C(compute_aggregates). A zone is one with the metadata C(availability_zone).
    type: dict
    default: {}
  reasons:
    description: Give why the other hosts are out, by host, in place of the hosts that are left.
    type: bool
    default: false
seealso:
  - plugin: kvmfleet.compute.weigh_hosts
    plugin_type: filter
  - module: kvmfleet.compute.server_schedule
"""

EXAMPLES = r"""
- name: Read the hosts
  kvmfleet.compute.host_info:
  register: hypervisor

- name: Show the hosts with room for a large server
  ansible.builtin.debug:
    msg: "{{ fleet | kvmfleet.compute.filter_hosts({'flavor': large}) | map(attribute='node') }}"
  vars:
    fleet: "{{ ansible_play_hosts | map('extract', hostvars, ['hypervisor', 'host']) }}"
    large: {vcpus: 8, memory_mb: 32768, root_gb: 100}
  run_once: true

- name: Show why the others have none
  ansible.builtin.debug:
    msg: "{{ fleet | kvmfleet.compute.filter_hosts({'flavor': large}, reasons=true) }}"
  vars:
    fleet: "{{ ansible_play_hosts | map('extract', hostvars, ['hypervisor', 'host']) }}"
    large: {vcpus: 8, memory_mb: 32768, root_gb: 100}
  run_once: true
"""

RETURN = r"""
_value:
  description:
    - The hosts that are left, as they were given.
    - With O(reasons=true), a dictionary from the name of each host that is out to the reason, with the numbers.
  type: raw
"""

import typing as t

from ansible_collections.kvmfleet.compute.plugins.plugin_utils.edge.template_filter import answer
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.scheduler import stand_alone


def filter_hosts(hosts: object, request: object, reasons: bool = False, **options: object) -> object:
    """The hosts that pass, or why the others don't."""
    passed, out = answer(stand_alone.filter_hosts, hosts, request, options)
    return out if reasons else passed


class FilterModule:
    """Found by Ansible."""

    def filters(self) -> dict[str, t.Callable[..., object]]:
        """By name."""
        return {"filter_hosts": filter_hosts}
