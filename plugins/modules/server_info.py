#!/usr/bin/python
# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: server_info
short_description: Read back the servers of a KVM host from its domains
version_added: 0.1.0
author:
  - The kvmfleet.compute authors (@kvmfleet)
description:
  - Returns the record of each server of this collection on the host, with its power state. All given filters must match.
extends_documentation_fragment:
  - kvmfleet.compute.attributes
  - kvmfleet.compute.attributes.reads
  - kvmfleet.compute.attributes.host
  - kvmfleet.compute.libvirt_host
options:
  ids:
    description: Only servers with one of these ids.
    type: list
    elements: str
    default: []
  names:
    description: Only servers with one of these names.
    type: list
    elements: str
    default: []
  project:
    description: Only servers of this project.
    type: str
  reservation_id:
    description: Only servers of this reservation.
    type: str
  group:
    description: Only members of this server group, by its name or id.
    type: str
  tags:
    description: Only servers that carry all of these tags.
    type: list
    elements: str
    default: []
seealso:
  - module: kvmfleet.compute.server
"""

EXAMPLES = r"""
- name: Which servers of this reservation are here?
  kvmfleet.compute.server_info:
    reservation_id: r-8k2m1x0q
  register: found

- name: Which servers carry the tag ci?
  kvmfleet.compute.server_info:
    tags: [ci]
"""

RETURN = r"""
servers:
  description: The records, by name; their shape is in C(docs/data.md) (Instance record). Secrets are not among them.
  returned: success
  type: list
  elements: dict
  contains:
    uuid:
      description: The server's id.
      type: str
    display_name:
      description: The server's name.
      type: str
    domain_name:
      description: The name of the libvirt domain.
      type: str
    vm_state:
      description: V(building) or V(active).
      type: str
    power_state:
      description: V(running), V(paused), V(shutdown), V(crashed), …
      type: str
    ports:
      description: The ports with MAC and IP addresses.
      type: list
      elements: dict
member_of:
  description: The security groups that these servers are in with a port that has port security, as C(<project>/<id of the group>).
  returned: success
  type: list
  elements: str
wanted_groups:
  description: The security groups that rules of the host's ports name, in the same form.
  returned: success
  type: list
  elements: str
"""

import traceback

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.kvmfleet.compute.plugins.module_utils.ansible_module import Module
from ansible_collections.kvmfleet.compute.plugins.module_utils.compute import membership_file
from ansible_collections.kvmfleet.compute.plugins.module_utils.compute.arguments import HostOptions, host_argument_spec
from ansible_collections.kvmfleet.compute.plugins.module_utils.compute.host_report import instances
from ansible_collections.kvmfleet.compute.plugins.module_utils.compute.server_query import ServerQuery
from ansible_collections.kvmfleet.compute.plugins.module_utils.errors import KvmfleetError
from ansible_collections.kvmfleet.compute.plugins.module_utils.libvirt import Hypervisor, require_libvirt
from ansible_collections.kvmfleet.compute.plugins.module_utils.network.members import groups_of_members

ARGUMENT_SPEC = {
    **host_argument_spec(),
    "ids": {"type": "list", "elements": "str", "default": []},
    "names": {"type": "list", "elements": "str", "default": []},
    "project": {"type": "str"},
    "reservation_id": {"type": "str"},
    "group": {"type": "str"},
    "tags": {"type": "list", "elements": "str", "default": []},
}


def main() -> None:
    module: Module = AnsibleModule(argument_spec=ARGUMENT_SPEC, supports_check_mode=True)
    require_libvirt(module)
    options, query = HostOptions.of(module.params), ServerQuery.of(module.params)
    try:
        with Hypervisor(options.libvirt_uri, options.libvirt_timeout_s) as hypervisor:
            servers = query.of_all(instances(hypervisor.domains(live=True), options.instances_path, options.state_path))
        wanted = sorted(membership_file.read(options.state_path).wanted)
    except (KvmfleetError, OSError) as error:
        module.fail_json(msg=str(error), exception=traceback.format_exc())
    module.exit_json(changed=False, servers=servers, member_of=sorted(groups_of_members(servers)), wanted_groups=wanted)


if __name__ == "__main__":
    main()
