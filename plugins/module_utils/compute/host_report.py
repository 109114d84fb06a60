# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Host facts: what nova-compute reports of its host, read in one libvirt connection.

Follows ``nova/virt/libvirt/driver.py: get_available_resource`` and ``update_provider_tree``; the shape is in docs/data.md (Host facts).
"""

from __future__ import annotations

import os
import typing as t

from ansible_collections.kvmfleet.compute.plugins.module_utils.compute import build_failures, locks
from ansible_collections.kvmfleet.compute.plugins.module_utils.compute.committed import domain_resources, used
from ansible_collections.kvmfleet.compute.plugins.module_utils.compute.traits import cpu_traits
from ansible_collections.kvmfleet.compute.plugins.module_utils.image.cache import cached_images
from ansible_collections.kvmfleet.compute.plugins.module_utils.libvirt import Hypervisor
from ansible_collections.kvmfleet.compute.plugins.module_utils.network import bridges
from ansible_collections.kvmfleet.compute.plugins.module_utils.storage.disks import InstanceFiles

GIB = 2**30


def existing_parent(path: str) -> str:
    """The path itself, or the nearest folder above it that exists."""
    while not os.path.exists(path) and os.path.dirname(path) != path:
        path = os.path.dirname(path)
    return path


def _same_file_system(path: str | None, device: int) -> bool:
    try:
        return bool(path) and os.stat(t.cast(str, path)).st_dev == device
    except OSError:
        return False


def _allocated(path: str) -> int:
    try:
        return os.stat(path).st_blocks * 512
    except OSError:
        return 0


def add_disk_sizes(hypervisor: Hypervisor, domains: list[dict[str, t.Any]], instances_path: str) -> int:
    """Set ``disk_bytes`` (virtual size on the instances' file system) of foreign domains; returns the bytes allocated by all domains' disks there."""
    device = os.stat(existing_parent(instances_path)).st_dev
    allocated = 0
    for domain in domains:
        own = [disk["path"] for disk in domain["disks"] if not disk["readonly"] and disk["device"] == "disk" and _same_file_system(disk["path"], device)]
        allocated += sum(_allocated(path) for path in own)
        if not domain.get("record"):
            domain["disk_bytes"] = sum(hypervisor.disk_capacity(domain["uuid"], path) or 0 for path in own)
    return allocated


def _missing_files(record: dict[str, t.Any], instances_path: str) -> list[str]:
    return [disk["path"] for disk in InstanceFiles(instances_path, record["uuid"]).plan(record) if not os.path.exists(disk["path"])]


def instances(domains: list[dict[str, t.Any]], instances_path: str, state_path: str) -> list[dict[str, t.Any]]:
    """The records of our domains, each with power_state, locked and missing_files; the keyed hashes of secrets stay on the host."""
    return [
        dict(
            {key: value for key, value in domain["record"].items() if key != "secrets"},
            power_state=domain["power_state"],
            locked=locks.is_locked(state_path, domain["uuid"]),
            missing_files=_missing_files(domain["record"], instances_path),
        )
        for domain in domains
        if domain.get("record")
    ]


def totals(hypervisor: Hypervisor, instances_path: str) -> dict[str, t.Any]:
    """The host's identity and totals, with the disk of the instances path."""
    host = hypervisor.host()
    disk = os.statvfs(existing_parent(instances_path))
    host["disk_gb"] = disk.f_blocks * disk.f_frsize // GIB
    host["disk_free_bytes"] = disk.f_bavail * disk.f_frsize
    return host


def facts(hypervisor: Hypervisor, *, instances_path: str, image_cache_path: str, state_path: str, reserved: dict, allocation_ratio: dict) -> dict[str, t.Any]:
    """The whole of docs/data.md, Host facts."""
    host = totals(hypervisor, instances_path)
    domains = hypervisor.domains()
    allocated = add_disk_sizes(hypervisor, domains, instances_path)
    committed = used(domains)
    records = instances(domains, instances_path, state_path)
    native = [guest for guest in host["guests"] if guest["arch"] == host["arch"]]
    free_gb = host["disk_free_bytes"] // GIB
    # What the overlays may still grow to is not free, though the file system says so.
    overcommitted = max(0, committed["DISK_GB"] * GIB - allocated)
    return {
        "version": 1,
        "node": host["node"],
        "uuid": host["uuid"],
        "arch": host["arch"],
        "vcpus": host["vcpus"],
        "memory_mb": host["memory_mb"],
        "disk_gb": host["disk_gb"],
        "pcpus": 0,
        "reserved": reserved,
        "allocation_ratio": allocation_ratio,
        "used": committed,
        "disk_available_least": (host["disk_free_bytes"] - overcommitted) // GIB,
        "traits": cpu_traits(host["cpu_info"]),
        "numa_cells": None,
        "pci_pools": [],
        "cpu_info": host["cpu_info"],
        "supported_instances": [[g["arch"], virt_type, g["os_type"]] for g in host["guests"] for virt_type in g["virt_types"]],
        "hypervisor_type": host["hypervisor_type"],
        "hypervisor_version": host["hypervisor_version"],
        "libvirt_version": host["libvirt_version"],
        "virt_types": sorted({virt_type for guest in native for virt_type in guest["virt_types"]}),
        "stats": {},
        "metrics": {},
        "num_instances": len(domains),
        "num_io_ops": sum(1 for record in records if record["vm_state"] == "building"),
        "failed_builds": build_failures.read(state_path),
        "instances": records,
        "domains": [
            {
                "name": domain["name"],
                "uuid": domain["uuid"],
                "power_state": domain["power_state"],
                "vcpus": domain["vcpus"],
                "memory_mb": domain["memory_mb"],
                "disk_gb": domain_resources(domain)["DISK_GB"],
                "mac_addresses": [interface["mac_address"] for interface in domain["interfaces"]],
                "foreign": domain["record"] is None,
            }
            for domain in domains
        ],
        "unreadable_records": [f"{domain['name']}: {domain['record_error']}" for domain in domains if domain["record_error"]],
        "networks": {"bridges": bridges.bridges(), "libvirt": hypervisor.networks()},
        "instances_path": {"path": instances_path, "total_gb": host["disk_gb"], "free_gb": free_gb},
        "images": cached_images(image_cache_path),
    }
