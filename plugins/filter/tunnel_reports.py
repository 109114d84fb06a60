# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Jinja filter: what hosts have said of their VXLAN networks; thin edge over plugin_utils/fleet/tunnel_reports.py."""

from __future__ import annotations

DOCUMENTATION = r"""
name: tunnel_reports
author: The kvmfleet.compute authors (@kvmfleet)
version_added: 0.3.0
short_description: Bring together which host has which VXLAN network
description:
  - Takes what M(kvmfleet.compute.tunnels) was registered as by each host. What is no report counts as no answer.
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
seealso:
  - module: kvmfleet.compute.tunnels
"""

EXAMPLES = r"""
- name: Bring together what the hosts have said
  ansible.builtin.set_fact:
    told: "{{ hostvars | kvmfleet.compute.tunnel_reports(ansible_play_hosts_all, 'asked') }}"
  run_once: true
"""

RETURN = r"""
_value:
  description:
    - C(reports), the list of what was reported.
    - C(hosts), the names of the hosts that have to be told.
    - C(silent), the names of those that have not answered.
  type: dict
"""

import typing as t
from collections.abc import Collection, Mapping

from ansible.errors import AnsibleFilterError

from ansible_collections.kvmfleet.compute.plugins.plugin_utils.edge.plain import NotPlain, plain
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.edge.play_hosts import HostVariables
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.fleet.tunnel_reports import GatheredTunnels, gathered


def tunnel_reports(hostvars: Mapping[str, t.Any], hosts: Collection[object], variable: str) -> GatheredTunnels:
    """The reports, and whom they are for."""
    missing = [str(name) for name in hosts if name not in hostvars]
    if missing:
        raise AnsibleFilterError(f"{', '.join(missing)}: not in the inventory")
    try:
        name = str(variable)
        return gathered({str(host): plain(HostVariables(hostvars, str(host), [name]).get(name)) for host in hosts})
    except NotPlain as error:
        raise AnsibleFilterError(str(error)) from error


class FilterModule:
    """Found by Ansible."""

    def filters(self) -> dict[str, t.Callable[..., object]]:
        """By name."""
        return {"tunnel_reports": tunnel_reports}
