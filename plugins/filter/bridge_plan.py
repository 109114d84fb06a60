# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Jinja filter: how a host gets the bridges that are asked for; thin edge over plugin_utils/fleet/bridges."""

from __future__ import annotations

DOCUMENTATION = r"""
name: bridge_plan
author: The kvmfleet.compute authors (@kvmfleet)
version_added: 0.2.0
short_description: How a host gets the bridges that are asked for
description:
  - Gives the files and commands by which the role P(kvmfleet.compute.prepare_host#role) makes bridges without a network card, or why it can't. Nothing is done
    to an interface that is there.
options:
  _input:
    description: The bridges, C(compute_host_bridges), each with C(name) and C(addresses).
    type: list
    elements: dict
    required: true
  addresses:
    description: What C(ip -json -details address show) says on the host.
    type: str
    required: true
  connections:
    description: What C(ss -Htn state established) says.
    type: str
    required: true
  daemons:
    description: What C(systemctl is-active NetworkManager systemd-networkd) says.
    type: str
    required: true
  ifupdown:
    description: The line of C(/etc/network/interfaces) that reads C(interfaces.d), or nothing where ifupdown is not there.
    type: str
    required: true
  files:
    description: The paths of the files that the role has written before.
    type: str
    required: true
seealso:
  - plugin: kvmfleet.compute.host_findings
    plugin_type: filter
"""

EXAMPLES = r"""
- name: Ask for the interfaces
  ansible.builtin.command:
    argv: [ip, -json, -details, address, show]
  register: interfaces
  changed_when: false

- name: See how a bridge would be made on a host with systemd-networkd
  ansible.builtin.debug:
    msg: "{{ [{'name': 'br-int'}] | kvmfleet.compute.bridge_plan(interfaces.stdout, '', 'inactive active', '', '') }}"
"""

RETURN = r"""
_value:
  description: What is to be done.
  type: dict
  contains:
    faults:
      description: Why a bridge can't be made, a sentence each. With any of them there is nothing to do.
      type: list
      elements: str
    files:
      description: Files with C(path), C(content) and C(mode).
      type: list
      elements: dict
    commands:
      description: Commands in their order, each a list of words.
      type: list
      elements: list
"""

import typing as t

from ansible.errors import AnsibleFilterError

from ansible_collections.kvmfleet.compute.plugins.plugin_utils.fleet import bridges, host_network


def bridge_plan(wanted: list[dict[str, t.Any]], addresses: str, connections: str, daemons: str, ifupdown: str, files: str) -> bridges.Plan:
    """The plan."""
    asked = [bridges.Bridge(name=str(bridge["name"]), addresses=[str(address) for address in bridge.get("addresses") or []]) for bridge in wanted]
    try:
        return bridges.plan(asked, host_network.network(addresses, connections, daemons, ifupdown, files))
    except host_network.UnreadNetwork as error:
        raise AnsibleFilterError(str(error)) from error


class FilterModule:
    """Found by Ansible."""

    def filters(self) -> dict[str, t.Callable[..., object]]:
        """By name."""
        return {"bridge_plan": bridge_plan}
