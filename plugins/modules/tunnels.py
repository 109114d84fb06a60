#!/usr/bin/python
# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: tunnels
short_description: Ask a KVM host which VXLAN networks its servers are on, and tell it who else has them
version_added: 0.3.0
author:
  - The kvmfleet.compute authors (@kvmfleet)
description:
  - A host sends a frame of a VXLAN network for whom nobody has answered yet to each host that has servers on that network. It must know where these are.
  - The roles P(kvmfleet.compute.create_server#role) and P(kvmfleet.compute.delete_server#role) use it; it is of little use alone.
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
      - V(report) says which VXLAN networks servers of the host are on, running or not, and from where it sends.
      - V(apply) takes what hosts have reported.
    type: str
    choices: [report, apply]
    default: report
  tunnel_address:
    description:
      - The host's own address from which it sends VXLAN to the other hosts, and where they reach it.
      - If it is left out it is the one from which the host uses its default route.
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
requirements:
  - Python >= 3.9 and the libvirt Python binding on the host
  - iproute2 on the host
seealso:
  - module: kvmfleet.compute.server
"""

EXAMPLES = r"""
- name: Which VXLAN networks do the hypervisors have?
  hosts: hypervisors
  gather_facts: false
  tasks:
    - name: Ask the host
      kvmfleet.compute.tunnels:
      register: asked

    - name: Show it
      ansible.builtin.debug:
        msg: "{{ asked.report.networks }}"
"""

RETURN = r"""
report:
  description: Which VXLAN networks servers of the host are on, in the shape of C(docs/data.md) (TunnelReport).
  returned: if O(operation=report)
  type: dict
  sample:
    host: kvm1
    number: 1795323000123
    address: 192.0.2.11
    networks: ["5", "7"]
changes:
  description: What was not what it must be, in a few words each.
  returned: if O(operation=apply)
  type: list
  elements: str
  sample: ["hosts of VXLAN network 5: 2 beside this one"]
problems:
  description: What could not be made what it must be, and why, as sentences.
  returned: if O(operation=apply)
  type: list
  elements: str
"""

import time
import traceback

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.kvmfleet.compute.plugins.module_utils.ansible_module import Module
from ansible_collections.kvmfleet.compute.plugins.module_utils.compute.arguments import HostOptions, host_argument_spec
from ansible_collections.kvmfleet.compute.plugins.module_utils.compute.on_demand import OnDemand
from ansible_collections.kvmfleet.compute.plugins.module_utils.errors import KvmfleetError
from ansible_collections.kvmfleet.compute.plugins.module_utils.libvirt import Hypervisor, require_libvirt
from ansible_collections.kvmfleet.compute.plugins.module_utils.network.on_demand.facts import tunnel
from ansible_collections.kvmfleet.compute.plugins.module_utils.network.on_demand.kernel import Kernel
from ansible_collections.kvmfleet.compute.plugins.module_utils.network.on_demand.peers import NoTunnelReport, read_report

ARGUMENT_SPEC = {
    **host_argument_spec(),
    "operation": {"type": "str", "choices": ["report", "apply"], "default": "report"},
    "tunnel_address": {"type": "str"},
    "hosts": {"type": "list", "elements": "str"},
    "host_name": {"type": "str"},
    "reports": {"type": "list", "elements": "dict", "default": []},
}


def main() -> None:
    module: Module = AnsibleModule(argument_spec=ARGUMENT_SPEC, supports_check_mode=True)
    require_libvirt(module)
    host = HostOptions.of(module.params)
    operation: str = module.params["operation"]
    host_name: str = module.params["host_name"] or ""
    tunnel_address: str | None = module.params["tunnel_address"]
    given: list[dict[str, object]] = module.params["reports"]
    try:
        with Hypervisor(host.libvirt_uri, host.libvirt_timeout_s) as hypervisor:
            networks = OnDemand(hypervisor, host.state_path, Kernel(), check_mode=module.check_mode)
            if operation == "report":
                found, _why = tunnel(tunnel_address)
                report = networks.ask(host_name, found["address"] if found else None, int(time.time() * 1000))
                module.exit_json(changed=False, report=report)
            told = networks.tell([read_report(report) for report in given])
    except (KvmfleetError, NoTunnelReport, OSError) as error:
        module.fail_json(msg=str(error), exception=traceback.format_exc())
    module.exit_json(changed=bool(told.changes), changes=told.changes, problems=told.problems)


if __name__ == "__main__":
    main()
