# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Jinja filter: the servers of a fleet as a table; thin edge over plugin_utils/fleet."""

from __future__ import annotations

DOCUMENTATION = r"""
name: server_list
author: The kvmfleet.compute authors (@kvmfleet)
version_added: 0.2.0
short_description: The servers of a fleet as a table
description:
  - Makes lines of at most 72 columns of a fleet file's content, a table for each project, of all servers that are there or being built.
options:
  _input:
    description: A fleet file's content, as P(kvmfleet.compute.fleet_facts#filter) makes it.
    type: dict
    required: true
seealso:
  - plugin: kvmfleet.compute.fleet_facts
    plugin_type: filter
"""

EXAMPLES = r"""
- name: Show the servers of a fleet file
  ansible.builtin.debug:
    msg: "{{ (lookup('ansible.builtin.file', 'fleet.json') | from_json | kvmfleet.compute.server_list).lines }}"
"""

RETURN = r"""
_value:
  description: C(lines), the tables, and C(unread), a sentence for each host that could not be read.
  type: dict
"""

import typing as t

from ansible.errors import AnsibleFilterError
from ansible.module_utils.basic import missing_required_lib

from ansible_collections.kvmfleet.compute.plugins.plugin_utils.edge.plain import plain
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.fleet.fleet import read_fleet_document
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.fleet.server_list import ServerList
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.fleet.server_list import server_list as listed
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.schema.libraries import MISSING


def server_list(document: object) -> ServerList:
    """The servers of a fleet file's content."""
    for library in MISSING:
        raise AnsibleFilterError(missing_required_lib(library))
    try:
        return listed(read_fleet_document(plain(document), "the fleet"))
    except ValueError as error:
        raise AnsibleFilterError(str(error)) from error


class FilterModule:
    """Found by Ansible."""

    def filters(self) -> dict[str, t.Callable[..., object]]:
        """By name."""
        return {"server_list": server_list}
