# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation of the options in ``module_utils/compute/arguments.py``; keep in step."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  libvirt_uri:
    description: The libvirt connection on the host.
    type: str
    default: qemu:///system
  libvirt_timeout_s:
    description:
      - How long libvirt may take to answer a call, in seconds, more than the 30 that it waits for a busy domain by itself. The start of a guest may take a
        second more for each GiB of its memory. The time in which libvirt is at work on network filters does not count, up to an hour.
      - What a call does that has not ended by then is unknown. Nothing more is sent to libvirt by this task.
    type: float
    default: 60
  instances_path:
    description: The folder on the host in which each server has a folder of its own for its disks.
    type: path
    default: /var/lib/libvirt/kvmfleet/instances
  image_cache_path:
    description: The folder on the host with the verified images, named by their digests.
    type: path
    default: /var/lib/libvirt/kvmfleet/images
  state_path:
    description: The folder on the host for what has no domain (locks, journals, counters). It is made with mode 0700.
    type: path
    default: /var/lib/kvmfleet
attributes:
  action_group:
    description: Use C(group/kvmfleet.compute.host) in C(module_defaults) to set these options for all modules that have them.
    support: full
    membership:
      - kvmfleet.compute.host
requirements:
  - Python >= 3.9 on the host, with the distribution's libvirt binding (C(python3-libvirt))
"""

    CAPACITY = r"""
options:
  cpu_allocation_ratio:
    description: Virtual CPUs given away for each CPU of the host.
    type: float
    default: 4.0
  ram_allocation_ratio:
    description: Memory given away for each MB of the host.
    type: float
    default: 1.0
  disk_allocation_ratio:
    description: Disk given away for each GB of the file system that holds O(instances_path).
    type: float
    default: 1.0
  reserved_host_cpus:
    description: CPUs kept back for the host itself.
    type: int
    default: 0
  reserved_host_memory_mb:
    description: Memory kept back for the host itself, in MB.
    type: int
    default: 512
  reserved_host_disk_mb:
    description: Disk kept back for the host itself, in MB.
    type: int
    default: 0
"""

    NETWORKS = r"""
options:
  bridge_mappings:
    description:
      - The host's physical networks, as C(provider:physical_network) of a network names them, each with the device that the host has for it. For a network of
        the type C(flat) that is a Linux bridge, for one of the type C(vlan) a bridge or any other device.
    type: dict
    default: {}
    version_added: 0.3.0
  tunnel_address:
    description:
      - The host's own address from which it sends VXLAN to the other hosts, and where they reach it.
      - If it is left out it is the one from which the host uses its default route.
    type: str
    version_added: 0.3.0
"""
