#!/usr/bin/python
# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: security_groups
short_description: Ask a KVM host who is in which security group on it, and apply rules and members
version_added: 0.3.0
author:
  - The kvmfleet.compute authors (@kvmfleet)
description:
  - What the rules of security groups allow stands in IP sets of the kernel, which the network filters of a host look into. Rules may name a group in place of
    addresses. A host whose ports have such rules must know the addresses of the group's members on all hosts.
  - The roles P(kvmfleet.compute.create_server#role), P(kvmfleet.compute.delete_server#role) and P(kvmfleet.compute.security_groups#role) use it; it is of
    little use alone.
  - Rules have a number, too, if filter plugin P(kvmfleet.compute.group_rules#filter) has given them one. A host keeps the rules with the greatest one that it
    was told, and says in RV(problems) that it has others than it was told.
  - A host is believed about itself only. Each report has a number that grows, and of two reports of a host the one with the lower number counts no more. So
    it does not matter in which order runs at once tell a host, and what one of them left out the next one brings.
extends_documentation_fragment:
  - kvmfleet.compute.attributes
  - kvmfleet.compute.attributes.host
  - kvmfleet.compute.libvirt_host
attributes:
  check_mode:
    support: full
  diff_mode:
    support: none
  idempotent:
    support: full
options:
  operation:
    description:
      - V(report) says which addresses servers of the host have in which group, and which groups the host has to know.
      - V(apply) takes what hosts have reported, and O(security_groups). Network filters, IP sets and tables of nftables of
        the host that are not what they must be are made so.
    type: str
    choices: [report, apply]
    default: report
  wanted:
    description: For V(operation=report), groups that rules of the host's ports are going to name, as C(<project>/<id of the group>).
    type: list
    elements: str
    default: []
  leaving:
    description: For V(operation=report), ids of servers that are about to be deleted. From now on they are members of no group.
    type: list
    elements: str
    default: []
  staying:
    description: For V(operation=report), ids of servers that are members again if they were O(leaving).
    type: list
    elements: str
    default: []
  round_variable:
    description:
      - The name of the variable under which M(kvmfleet.compute.server_conduct) was registered. O(wanted) and O(staying) are those of what it has placed on the
        host.
    type: str
  hosts:
    description:
      - The names of the hosts that are asked. On another one nothing is done, and the task is skipped. If it is left out all are asked.
      - The action plugin looks at it. Unlike a condition of the task it is not shown with C(-v) for each host that is skipped.
    type: list
    elements: str
  host_name:
    description: The host's name in the inventory, under which it reports. The action plugin fills it in.
    type: str
  reports:
    description: For V(operation=apply), what hosts have reported (RV(report)).
    type: list
    elements: dict
    default: []
  security_groups:
    description:
      - The rules of security groups, as C(GroupRules) of the collection's C(docs/data.md). With V(operation=report) what they name for servers of the host is
        O(wanted).
      - A group that is left out keeps the rules that the host has.
    type: list
    elements: dict
    default: []
requirements:
  - Python >= 3.9 and the libvirt Python binding on the host
  - ipset and nft (nftables) on hosts with ports that are filtered
seealso:
  - module: kvmfleet.compute.server
"""

EXAMPLES = r"""
- name: Who is in which security group on the hypervisors?
  hosts: hypervisors
  gather_facts: false
  tasks:
    - name: Ask the host
      kvmfleet.compute.security_groups:
      register: asked

    - name: Show it
      ansible.builtin.debug:
        msg: "{{ asked.report.groups }}"
"""

RETURN = r"""
report:
  description: Who is in which group on the host, in the shape of C(docs/data.md) (MemberReport).
  returned: if O(operation=report)
  type: dict
  sample:
    host: kvm1
    number: 1795323000123
    groups:
      default/0b1e8f6c-6c7a-4a52-9a53-2f1b1b6f3a10: [192.0.2.5]
wanted_groups:
  description: The groups that rules of the host's ports name, as C(<project>/<id of the group>).
  returned: if O(operation=report)
  type: list
  elements: str
rules_numbers:
  description: Which rules the host has, by C(<project>/<id of the group>), in the shape of C(docs/data.md) (RulesNumber).
  returned: if O(operation=report)
  type: dict
  sample:
    default/0b1e8f6c-6c7a-4a52-9a53-2f1b1b6f3a10: {fleet: 3, local: 0, digest: 5c1f7a0e4e0f9d21}
changes:
  description: What was not what it must be, in a few words each.
  returned: if O(operation=apply)
  type: list
  elements: str
  sample: [rules of security group web, "members of security group web: 3, 1 more and 0 less than before"]
problems:
  description: What could not be made what it must be, and why, as sentences.
  returned: if O(operation=apply)
  type: list
  elements: str
"""

import dataclasses
import time
import traceback
import typing as t

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.kvmfleet.compute.plugins.module_utils.ansible_module import Module
from ansible_collections.kvmfleet.compute.plugins.module_utils.compute.arguments import HostOptions, host_argument_spec
from ansible_collections.kvmfleet.compute.plugins.module_utils.compute.group_members import GroupMembers
from ansible_collections.kvmfleet.compute.plugins.module_utils.errors import KvmfleetError
from ansible_collections.kvmfleet.compute.plugins.module_utils.libvirt import Hypervisor, require_libvirt
from ansible_collections.kvmfleet.compute.plugins.module_utils.network import ip_sets, packet_rules, packet_tables
from ansible_collections.kvmfleet.compute.plugins.module_utils.network.membership import NoReport, read_report, read_rules

ARGUMENT_SPEC = {
    **host_argument_spec(),
    "operation": {"type": "str", "choices": ["report", "apply"], "default": "report"},
    "wanted": {"type": "list", "elements": "str", "default": []},
    "leaving": {"type": "list", "elements": "str", "default": []},
    "staying": {"type": "list", "elements": "str", "default": []},
    "round_variable": {"type": "str"},
    "hosts": {"type": "list", "elements": "str"},
    "host_name": {"type": "str"},
    "reports": {"type": "list", "elements": "dict", "default": []},
    "security_groups": {"type": "list", "elements": "dict", "default": []},
}


@dataclasses.dataclass(frozen=True)
class Options:
    operation: str
    wanted: list[str]
    leaving: list[str]
    staying: list[str]
    host_name: str | None
    reports: list[dict[str, object]]
    security_groups: list[dict[str, object]]


def options_of(params: dict[str, t.Any]) -> Options:
    given: dict[str, t.Any] = {field.name: params[field.name] for field in dataclasses.fields(Options)}
    return Options(**given)


def main() -> None:
    module: Module = AnsibleModule(argument_spec=ARGUMENT_SPEC, supports_check_mode=True)
    require_libvirt(module)
    host, options = HostOptions.of(module.params), options_of(module.params)
    try:
        groups = {group["id"]: group for group in map(read_rules, options.security_groups)}
        with Hypervisor(host.libvirt_uri, host.libvirt_timeout_s) as hypervisor:
            members = GroupMembers(hypervisor, host.state_path, ip_sets, packet_rules, packet_tables, time.time, check_mode=module.check_mode)
            if options.operation == "report":
                asked = members.ask(options.host_name or "", options.wanted, options.leaving, options.staying, groups)
                numbers = {key: number.as_dict() for key, number in asked.numbers.items()}
                module.exit_json(changed=asked.changed, report=asked.report, wanted_groups=asked.wanted, rules_numbers=numbers)
            applied = members.tell([read_report(report) for report in options.reports], groups)
    except (KvmfleetError, NoReport, OSError) as error:
        module.fail_json(msg=str(error), exception=traceback.format_exc())
    module.exit_json(changed=bool(applied.changes), changes=applied.changes, problems=applied.problems)


if __name__ == "__main__":
    main()
