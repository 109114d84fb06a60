# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Jinja filter: how SSH reaches a server through its hypervisor; thin edge over plugin_utils/fleet."""

from __future__ import annotations

DOCUMENTATION = r"""
name: login_proxy
author: The kvmfleet.compute authors (@kvmfleet)
version_added: 0.2.0
short_description: The ansible_ssh_common_args of a server behind its hypervisor
description:
  - Makes a C(ProxyCommand) of the variables by which Ansible reaches the hypervisor - C(ansible_host), C(ansible_user), C(ansible_port),
    C(ansible_ssh_private_key_file), C(ansible_ssh_common_args) and C(ansible_ssh_extra_args). A password is none of them.
  - It is empty if the hypervisor is the controller itself.
options:
  _input:
    description: The variables of the hypervisor.
    type: dict
    required: true
  name:
    description: The hypervisor's name in the inventory.
    type: str
    required: true
  server_id:
    description:
      - The id of the server, if it is reached at a port of the hypervisor's loopback address. Its host key is known by the id then, because many servers
        have that address.
    type: str
    version_added: 0.3.0
"""

EXAMPLES = r"""
- name: Log in to a server through its hypervisor
  ansible.builtin.add_host:
    name: web-1
    ansible_host: 192.168.7.10
    ansible_ssh_common_args: "{{ hostvars['kvm1'] | kvmfleet.compute.login_proxy('kvm1') }}"
"""

RETURN = r"""
_value:
  description: The arguments as one text.
  type: str
"""

import typing as t

from ansible.errors import AnsibleFilterError

from ansible_collections.kvmfleet.compute.plugins.plugin_utils.fleet.login_proxy import ssh_arguments


def login_proxy(variables: t.Mapping[str, object], name: object, server_id: str | None = None) -> str:
    """The arguments."""
    try:
        return ssh_arguments(variables, str(name), server_id)
    except ValueError as error:
        raise AnsibleFilterError(f"ansible_ssh_common_args of host {name}: {error}") from error


class FilterModule:
    """Found by Ansible."""

    def filters(self) -> dict[str, t.Callable[..., object]]:
        """By name."""
        return {"login_proxy": login_proxy}
