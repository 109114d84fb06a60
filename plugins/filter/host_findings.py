# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Jinja filter: what a host lacks; thin edge over plugin_utils/fleet/readiness."""

from __future__ import annotations

DOCUMENTATION = r"""
name: host_findings
author: The kvmfleet.compute authors (@kvmfleet)
version_added: 0.2.0
short_description: What a host lacks to be a hypervisor of the fleet
description:
  - Gives a sentence for each thing that is missing, with what to do about it. The role P(kvmfleet.compute.prepare_host#role) ends with them.
options:
  _input:
    description: What P(kvmfleet.compute.host_info#module) has returned, facts or a failure.
    type: dict
    required: true
  os_family:
    description: The distribution's family, as in C(ansible_facts.os_family). It decides which package has a command.
    type: str
    required: true
  commands:
    description: The commands that were looked for and not found.
    type: list
    elements: str
    default: []
  networks:
    description: The networks of the catalogue, C(compute_networks), whose bridges, libvirt networks and devices the host must have.
    type: dict
    default: {}
  virt_type:
    description: What guests are to run on. With V(qemu) the host needs no KVM.
    type: str
seealso:
  - module: kvmfleet.compute.host_info
"""

EXAMPLES = r"""
- name: Read the host
  kvmfleet.compute.host_info:
  register: hypervisor
  failed_when: false

- name: Say what it lacks
  ansible.builtin.debug:
    msg: "{{ hypervisor | kvmfleet.compute.host_findings('Debian', networks=compute_networks) }}"
"""

RETURN = r"""
_value:
  description: The sentences; an empty list if the host is ready.
  type: list
  elements: str
"""

import typing as t

from ansible.errors import AnsibleFilterError

from ansible_collections.kvmfleet.compute.plugins.plugin_utils.fleet import readiness
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.schema.answers import mapping


def host_findings(
    info: t.Mapping[str, t.Any],
    os_family: str,
    commands: list[str] | None = None,
    networks: t.Mapping[str, t.Any] | str | None = None,
    virt_type: str | None = None,
) -> list[str]:
    """The sentences; ``networks`` may be a text of YAML or JSON."""
    known = mapping("compute_networks", networks or {})
    if not isinstance(known, dict):
        raise AnsibleFilterError("compute_networks: must be a mapping from a name to its attributes")
    return list(readiness.findings(os_family, commands or [], info, known, virt_type))


class FilterModule:
    """Found by Ansible."""

    def filters(self) -> dict[str, t.Callable[..., object]]:
        """By name."""
        return {"host_findings": host_findings}
