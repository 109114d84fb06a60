#!/usr/bin/python
# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: host_info
short_description: Report what a KVM host has, what is committed on it and which servers live there
version_added: 0.1.0
author:
  - The kvmfleet.compute authors (@kvmfleet)
description:
  - Reads a hypervisor in one libvirt connection, as C(nova-compute) does for the resource tracker - totals, reserved and committed resources of every domain
    (also of those that this collection did not make), the records of this collection's servers, versions, CPU, virtualisation types, bridges, libvirt networks,
    the disk of the instances path and the cached images.
  - No claims are taken while it reads the domains. It waits for a run that is taking some, two minutes at most.
  - What it returns is the input of M(kvmfleet.compute.server_validate) and M(kvmfleet.compute.server_schedule).
extends_documentation_fragment:
  - kvmfleet.compute.attributes
  - kvmfleet.compute.attributes.reads
  - kvmfleet.compute.attributes.host
  - kvmfleet.compute.libvirt_host
  - kvmfleet.compute.libvirt_host.capacity
  - kvmfleet.compute.libvirt_host.networks
seealso:
  - module: kvmfleet.compute.registrar
  - module: kvmfleet.compute.server_schedule
"""

EXAMPLES = r"""
- name: See what the hypervisors have
  hosts: hypervisors
  gather_facts: false
  tasks:
    - name: Read the host
      kvmfleet.compute.host_info:
      register: host_info

    - name: Show how much memory is committed
      ansible.builtin.debug:
        msg: "{{ host_info.host.used.MEMORY_MB }} of {{ host_info.host.memory_mb }} MB"
"""

RETURN = r"""
host:
  description: The host facts, in the shape of C(docs/data.md); a host of the scheduler takes them as they are.
  returned: success
  type: dict
  contains:
    version:
      description: Version of the shape.
      type: int
    node:
      description: The hypervisor's host name as libvirt knows it.
      type: str
    vcpus:
      description: CPUs of the host.
      type: int
    memory_mb:
      description: Memory of the host in MB.
      type: int
    disk_gb:
      description: Size of the instances path's file system in GB.
      type: int
    used:
      description: What all domains commit, per resource class (C(VCPU), C(MEMORY_MB), C(DISK_GB)).
      type: dict
    reserved:
      description: What is kept back for the host, per resource class.
      type: dict
    allocation_ratio:
      description: How often each unit is given away, per resource class.
      type: dict
    instances:
      description: The record of each server of this collection, with its power state.
      type: list
      elements: dict
    domains:
      description: Every domain with its vcpus, memory_mb, disk_gb, power_state, MAC addresses and whether it is foreign.
      type: list
      elements: dict
    networks:
      description:
        - The bridges, libvirt networks, Open vSwitch bridges (C(switches)) and other devices of the host, and in C(unlimited) why it can't limit the bandwidth
          of guests, if that is so.
        - Since 0.3.0 in C(user_backends) why it can't connect guests without privileges by C(passt) and by C(slirp), null where it can.
        - Since 0.3.0 its C(physical_networks), the C(tunnel) from which it sends VXLAN, and in C(no_dhcp) why it can't answer guests that ask for an address.
      type: dict
    images:
      description: The cached images with digest, format and sizes in bytes.
      type: list
      elements: dict
    virt_types:
      description: The virtualisation types that work on the host.
      type: list
      elements: str
    registrar:
      description: What the host holds of the fleet's registrar, as in RV(kvmfleet.compute.registrar#module:held).
      type: dict
  sample:
    version: 1
    node: kvm1
    vcpus: 16
    memory_mb: 64000
    disk_gb: 900
    used:
      VCPU: 12
      MEMORY_MB: 16384
      DISK_GB: 120
"""

import traceback

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.kvmfleet.compute.plugins.module_utils.ansible_module import Module
from ansible_collections.kvmfleet.compute.plugins.module_utils.compute import host_report
from ansible_collections.kvmfleet.compute.plugins.module_utils.compute.arguments import (
    Capacity,
    HostOptions,
    NetworkOptions,
    capacity_argument_spec,
    host_argument_spec,
    network_argument_spec,
)
from ansible_collections.kvmfleet.compute.plugins.module_utils.errors import KvmfleetError
from ansible_collections.kvmfleet.compute.plugins.module_utils.libvirt import Hypervisor, require_libvirt
from ansible_collections.kvmfleet.compute.plugins.module_utils.shapes import HostFacts

ARGUMENT_SPEC = {**host_argument_spec(), **capacity_argument_spec(), **network_argument_spec()}


def read(options: HostOptions, capacity: Capacity, network: NetworkOptions, check_mode: bool) -> HostFacts:
    with Hypervisor(options.libvirt_uri, options.libvirt_timeout_s) as hypervisor:
        return host_report.facts(
            hypervisor,
            instances_path=options.instances_path,
            image_cache_path=options.image_cache_path,
            state_path=options.state_path,
            reserved=capacity.reserved,
            allocation_ratio=capacity.allocation_ratio,
            check_mode=check_mode,
            bridge_mappings=network.bridge_mappings,
            tunnel_address=network.tunnel_address,
        )


def main() -> None:
    module: Module = AnsibleModule(argument_spec=ARGUMENT_SPEC, supports_check_mode=True)
    require_libvirt(module)
    try:
        host = read(HostOptions.of(module.params), Capacity.of(module.params), NetworkOptions.of(module.params), module.check_mode)
    except (KvmfleetError, OSError) as error:
        module.fail_json(msg=str(error), exception=traceback.format_exc())
    for sentence in host_report.copies(host["domains"]):
        module.warn(sentence)
    module.exit_json(changed=False, host=host)


if __name__ == "__main__":
    main()
