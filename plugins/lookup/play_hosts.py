# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Lookup: the hosts pattern of a play, if the play would do something with it; thin edge over plugin_utils/edge and plugin_utils/fleet."""

from __future__ import annotations

DOCUMENTATION = r"""
name: play_hosts
author: The kvmfleet.compute authors (@kvmfleet)
version_added: 0.2.0
short_description: The hosts of a play, or a sentence why it would do nothing
description:
  - Gives back the pattern that it is given, for the C(hosts) of a play. It fails if the inventory has no host of that pattern, if C(--limit) leaves no host or
    a part of the fleet, and if C(--tags) leaves no task.
  - Ansible itself takes such a play as a success, with a warning at most.
options:
  _terms:
    description: One pattern of hosts, as C(hosts) of a play takes it.
    required: true
  is_whole:
    description:
      - The play has to see the whole fleet, so that C(--limit) is refused, and a pattern that leaves out hosts of the group C(hypervisors).
    type: bool
    default: false
notes:
  - Extra variables are known here. Variables of groups and hosts are not.
"""

EXAMPLES = r"""
- name: Create servers, or say why there is nothing to do
  hosts: "{{ lookup('kvmfleet.compute.play_hosts', 'hypervisors', is_whole=true) }}"
  gather_facts: false
  roles:
    - kvmfleet.compute.create_server
"""

RETURN = r"""
_raw:
  description: The pattern.
  type: list
  elements: str
"""

import typing as t

from ansible import context
from ansible.errors import AnsibleError, AnsibleLookupError
from ansible.inventory.manager import InventoryManager
from ansible.plugins.lookup import LookupBase

from ansible_collections.kvmfleet.compute.plugins.plugin_utils.edge import play_pattern
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.fleet.fleet import FleetError, refuse_partial_plays


class LookupModule(LookupBase):
    """Found by Ansible."""

    def run(self, terms: list[object], variables: dict[str, t.Any] | None = None, **options: object) -> list[str]:
        """The pattern in a list; AnsibleLookupError with one sentence if the play would do nothing."""
        self.set_options(var_options=variables, direct=options)
        known = variables or {}
        pattern = ",".join(map(str, terms[0])) if isinstance(terms[0], list) else str(terms[0])
        # A check of the syntax needs no inventory.
        if not context.CLIARGS.get("syntax"):
            self._check(pattern, known)
        return [pattern]

    def _check(self, pattern: str, known: t.Mapping[str, t.Any]) -> None:
        groups: dict[str, list[str]] = known["groups"]
        limit: str | None = known.get("ansible_limit")
        wrong = play_pattern.wrong_tags(known.get("ansible_run_tags") or (), known.get("ansible_skip_tags") or ())
        hosts = self._hosts(groups, pattern, None)
        wrong = wrong or (None if hosts else play_pattern.no_host(pattern, groups))
        if wrong:
            raise AnsibleLookupError(wrong)
        if self.get_option("is_whole"):
            try:
                refuse_partial_plays({"ansible_limit": limit, "ansible_play_hosts_all": hosts, "groups": groups}, None)
            except FleetError as error:
                raise AnsibleLookupError(str(error)) from None
        elif limit and not self._hosts(groups, pattern, limit):
            raise AnsibleLookupError(play_pattern.limit_leaves_nothing(limit, pattern, hosts))

    def _hosts(self, groups: t.Mapping[str, t.Iterable[str]], pattern: str, limit: str | None) -> list[str]:
        """The names of the hosts that match."""
        inventory = InventoryManager(self._loader, parse=False)
        for group, members in groups.items():
            inventory.add_group(group)
            for host in members:
                inventory.add_host(host, group=group)
        try:
            inventory.subset(limit)
            return [str(host.name) for host in inventory.get_hosts(pattern=pattern)]
        except AnsibleError:
            # So it is for a pattern that names nothing, where host_pattern_mismatch says so.
            return []
