# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Jinja filter: the scheduler's weighers; thin edge over plugin_utils/scheduler/stand_alone."""

from __future__ import annotations

DOCUMENTATION = r"""
name: weigh_hosts
author: The kvmfleet.compute authors (@kvmfleet)
version_added: 0.1.0
short_description: Hosts in the order in which the scheduler would take them
description:
  - Weighs all the hosts it is given, best first, each with the numbers that decided. It filters none; put P(kvmfleet.compute.filter_hosts#filter) before it.
extends_documentation_fragment:
  - kvmfleet.compute.stand_alone
options:
  request:
    description:
      - A request spec. It needs C(flavor) with C(vcpus) and C(memory_mb).
      - Further keys are C(image), C(scheduler_hints) and C(group).
    type: dict
    required: true
  weighers:
    description: Names or dotted paths of weighers, or mappings with C(expression) and C(multiplier). The default is all of Nova's.
    type: list
    elements: raw
  aggregates:
    description: Host aggregates by name, as in C(compute_aggregates). Their metadata may override a multiplier.
    type: dict
    default: {}
seealso:
  - plugin: kvmfleet.compute.filter_hosts
    plugin_type: filter
  - module: kvmfleet.compute.server_schedule
"""

EXAMPLES = r"""
- name: Show the best host for a small server
  ansible.builtin.debug:
    msg: "{{ (fleet | kvmfleet.compute.filter_hosts(request) | kvmfleet.compute.weigh_hosts(request) | first).name }}"
  vars:
    fleet: "{{ ansible_play_hosts | map('extract', hostvars, ['hypervisor', 'host']) }}"
    request: {flavor: {vcpus: 1, memory_mb: 1024, root_gb: 10}}
  run_once: true
"""

RETURN = r"""
_value:
  description: The hosts, best first; equals stand in the order they were given.
  type: list
  elements: dict
  contains:
    name:
      description: Name of the host.
      type: str
    weight:
      description: The sum of its multiplied weights.
      type: float
    weights:
      description: By weigher, C(raw), C(normalised) and C(multiplied); those that tell this host from others only.
      type: dict
    host:
      description: The host as it was given.
      type: dict
"""

import typing as t

from ansible_collections.kvmfleet.compute.plugins.plugin_utils.edge.template_filter import answer
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.scheduler import stand_alone


def weigh_hosts(hosts: object, request: object, **options: object) -> object:
    """The hosts, best first."""
    return answer(stand_alone.weigh_hosts, hosts, request, options)


class FilterModule:
    """Found by Ansible."""

    def filters(self) -> dict[str, t.Callable[..., object]]:
        """By name."""
        return {"weigh_hosts": weigh_hosts}
