#!/usr/bin/python
# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: port
short_description: Realise the ports of servers on a KVM host
version_added: 0.1.0
author:
  - The kvmfleet.compute authors (@kvmfleet)
description:
  - Neutron's part of the chain on the host. It never chooses - MAC and IP addresses come from M(kvmfleet.compute.server_schedule) - but makes sure that the
    host can carry each port (its Linux bridge is there, up, and lets packets of the network's MTU through, its libvirt network is active, starting it if it is
    defined but not active, and its kernel can keep a limit of the bandwidth), and renders the network data that the guest reads from its config drive.
  - Of a network with a C(provider:network_type) it checks what the host must have to make it. It is made with the first server that needs it, and goes with the
    last, so that only M(kvmfleet.compute.server) makes it.
  - The tap itself is made by libvirt when the server starts; M(kvmfleet.compute.server) then checks that it is on its bridge.
extends_documentation_fragment:
  - kvmfleet.compute.attributes
  - kvmfleet.compute.attributes.host
  - kvmfleet.compute.libvirt_host.networks
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
  idempotent:
    support: full
options:
  servers:
    description:
      - What is placed on the host, as in RV(kvmfleet.compute.server_schedule#module:placements). Of the C(instance) of each, C(uuid), C(display_name) and
        C(ports) are read.
    type: list
    elements: dict
    required: true
  libvirt_uri:
    description: The libvirt connection on the host.
    type: str
    default: qemu:///system
  libvirt_timeout_s:
    description: How long libvirt may take to answer a call, in seconds. What a call does that has not ended by then is unknown.
    type: float
    default: 60
  on_error:
    description:
      - V(fail) fails the task if any server's ports can't be realised.
      - V(report) only says so in RV(servers), for a caller that goes on with the others.
    type: str
    choices: [fail, report]
    default: fail
requirements:
  - Python >= 3.9 on the host, with the distribution's libvirt binding (C(python3-libvirt))
seealso:
  - module: kvmfleet.compute.server
"""

EXAMPLES = r"""
- name: Realise the ports that were chosen for this host
  kvmfleet.compute.port:
    servers: "{{ placement.placements[inventory_hostname] | default([]) }}"
"""

RETURN = r"""
servers:
  description: The outcome of each server, in the order of O(servers).
  returned: always
  type: list
  elements: dict
  contains:
    uuid:
      description: The server's id.
      type: str
    display_name:
      description: The server's name.
      type: str
    outcome:
      description: V(unchanged), V(built) if a libvirt network was started, V(failed) or V(unknown).
      type: str
    stage:
      description: Always V(port).
      type: str
    error:
      description: Null, or error_class, message and reschedule.
      type: dict
    network_data:
      description: The C(network_data.json) of the server's config drive.
      type: dict
    seconds:
      description: The time taken, in seconds, by stage.
      type: dict
"""

import traceback

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.kvmfleet.compute.plugins.module_utils.ansible_module import Module
from ansible_collections.kvmfleet.compute.plugins.module_utils.compute.arguments import NetworkOptions, libvirt_argument_spec, network_argument_spec
from ansible_collections.kvmfleet.compute.plugins.module_utils.compute.outcome import finish
from ansible_collections.kvmfleet.compute.plugins.module_utils.compute.port_batch import PortBatch, read_servers
from ansible_collections.kvmfleet.compute.plugins.module_utils.errors import KvmfleetError
from ansible_collections.kvmfleet.compute.plugins.module_utils.libvirt import Hypervisor, require_libvirt

ARGUMENT_SPEC = {
    "servers": {"type": "list", "elements": "dict", "required": True},
    **libvirt_argument_spec(),
    **network_argument_spec(),
    "on_error": {"type": "str", "choices": ["fail", "report"], "default": "fail"},
}


def main() -> None:
    module: Module = AnsibleModule(argument_spec=ARGUMENT_SPEC, supports_check_mode=True)
    require_libvirt(module)
    on_error: str = module.params["on_error"]
    try:
        servers = read_servers(module.params["servers"])
        with Hypervisor(module.params["libvirt_uri"], module.params["libvirt_timeout_s"]) as hypervisor:
            batch = PortBatch(hypervisor, NetworkOptions.of(module.params), module.check_mode)
            outcomes = batch.realise(servers)
    except (KvmfleetError, OSError) as error:
        module.fail_json(msg=str(error), exception=traceback.format_exc(), servers=[])
    finish(module, outcomes, on_error, batch.diff())


if __name__ == "__main__":
    main()
