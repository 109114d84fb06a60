# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Jinja filter: what of a selection of servers is not there; thin edge over plugin_utils/fleet/selection.py."""

from __future__ import annotations

DOCUMENTATION = r"""
name: missing_servers
author: The kvmfleet.compute authors (@kvmfleet)
version_added: 0.2.0
short_description: Which servers of a selection are not there, as a sentence
description:
  - Compares what was asked of M(kvmfleet.compute.server_info) with what the hosts have answered.
options:
  _input:
    description: The selection, with some of C(names), C(ids), C(reservation_id), C(group) and C(tags).
    type: dict
    required: true
  servers:
    description: The servers that were found on all hosts.
    type: list
    elements: dict
    required: true
  known:
    description: Servers of which one may have been meant.
    type: list
    elements: dict
    default: []
  unread:
    description: Hosts that could not be looked at.
    type: list
    elements: str
    default: []
seealso:
  - module: kvmfleet.compute.server_info
"""

EXAMPLES = r"""
- name: Say which of them are not there
  ansible.builtin.debug:
    msg: "{{ {'names': ['web-1', 'web-2']} | kvmfleet.compute.missing_servers(found.servers) }}"
"""

RETURN = r"""
_value:
  description: One sentence. It is empty if all of them are there.
  type: str
"""

import typing as t

from ansible.errors import AnsibleFilterError

from ansible_collections.kvmfleet.compute.plugins.plugin_utils.edge.plain import NotPlain, plain
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.fleet.selection import Found, Selection, missing


def missing_servers(selection: object, servers: object, known: object = (), unread: object = ()) -> str:
    """The sentence."""
    try:
        wanted: Selection = plain(selection)
        there: dict[str, list[Found]] = plain({"servers": servers, "known": known})
        hosts: list[str] = plain(unread)
        return missing(wanted, there["servers"], there["known"], hosts)
    except (NotPlain, AttributeError, KeyError, TypeError) as error:
        raise AnsibleFilterError(f"missing_servers takes a selection and servers as server_info returns them: {error}") from error


class FilterModule:
    """Found by Ansible."""

    def filters(self) -> dict[str, t.Callable[..., object]]:
        """By name."""
        return {"missing_servers": missing_servers}
