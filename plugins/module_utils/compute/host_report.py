# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Host facts: what nova-compute reports of its host, read in one libvirt connection.

Follows ``nova/virt/libvirt/driver.py: get_available_resource`` and ``update_provider_tree``.
"""

from __future__ import annotations

import contextlib
import os
import typing as t

from ansible_collections.kvmfleet.compute.plugins.module_utils.compute import build_failures, locks, membership_file
from ansible_collections.kvmfleet.compute.plugins.module_utils.compute.committed import domain_resources, used
from ansible_collections.kvmfleet.compute.plugins.module_utils.compute.disk_sizes import GIB, add_disk_sizes, existing_parent
from ansible_collections.kvmfleet.compute.plugins.module_utils.compute.domain_drift import domain_drift
from ansible_collections.kvmfleet.compute.plugins.module_utils.compute.filter_gaps import gaps
from ansible_collections.kvmfleet.compute.plugins.module_utils.compute.host_time import host_clock, host_time
from ansible_collections.kvmfleet.compute.plugins.module_utils.compute.lease import HostTime, left_s
from ansible_collections.kvmfleet.compute.plugins.module_utils.compute.traits import cpu_traits
from ansible_collections.kvmfleet.compute.plugins.module_utils.errors import ServerError
from ansible_collections.kvmfleet.compute.plugins.module_utils.hypervisor import HypervisorLike
from ansible_collections.kvmfleet.compute.plugins.module_utils.image.cache import cached_images
from ansible_collections.kvmfleet.compute.plugins.module_utils.network import ip_sets, limits, packet_rules, packet_tables, user_backends
from ansible_collections.kvmfleet.compute.plugins.module_utils.network.dhcp import dnsmasq
from ansible_collections.kvmfleet.compute.plugins.module_utils.network.ip_sets import IpSetsLike
from ansible_collections.kvmfleet.compute.plugins.module_utils.network.offer import offer
from ansible_collections.kvmfleet.compute.plugins.module_utils.network.on_demand.facts import add_offer
from ansible_collections.kvmfleet.compute.plugins.module_utils.network.own_addresses import own_addresses
from ansible_collections.kvmfleet.compute.plugins.module_utils.network.packet_rules import PacketRulesLike
from ansible_collections.kvmfleet.compute.plugins.module_utils.network.packet_tables import PacketTablesLike
from ansible_collections.kvmfleet.compute.plugins.module_utils.network.port_security import unfiltered
from ansible_collections.kvmfleet.compute.plugins.module_utils.registrar import state_file
from ansible_collections.kvmfleet.compute.plugins.module_utils.registrar.host_state import held
from ansible_collections.kvmfleet.compute.plugins.module_utils.shapes import (
    Domain,
    DomainReport,
    HostFacts,
    HostNetworks,
    HypervisorHost,
    InstanceReport,
    Record,
)
from ansible_collections.kvmfleet.compute.plugins.module_utils.storage.instance_files import InstanceFiles

WAIT_S = 120.0  # how long runs may claim before the host's facts are given up


class FileSystem(t.NamedTuple):
    """The file system of the servers' disks."""

    total_gb: int  # size
    free_bytes: int  # free for others than root


def file_system(instances_path: str) -> FileSystem:
    """The file system that the instances path is, or will be, on."""
    disk = os.statvfs(existing_parent(instances_path))
    return FileSystem(disk.f_blocks * disk.f_frsize // GIB, disk.f_bavail * disk.f_frsize)


def virt_types(host: HypervisorHost) -> t.List[str]:
    """The virtualisation types that work for guests of the host's own architecture."""
    return sorted({virt_type for guest in host["guests"] if guest["arch"] == host["arch"] for virt_type in guest["virt_types"]})


def _instance(record: Record, domain: Domain, instances_path: str, state_path: str, now: HostTime) -> InstanceReport:
    files = InstanceFiles(record["folder"] or os.path.join(instances_path, record["uuid"]))
    report: InstanceReport = {
        **record,
        "power_state": domain["power_state"],
        "lease_left_s": left_s(record["lease"], now) if record["run"] else None,
        "locked": locks.is_locked(state_path, domain["uuid"]),
        "missing_files": [files.disk(disk) for disk in files.missing(record["disks"])],
        "migrating": domain.get("migrating", False),
        "power_reason": domain.get("power_reason"),
        "drift": domain_drift(record, domain, {disk["device_name"]: files.disk(disk) for disk in record["disks"]}),
    }
    return report


def instances(domains: t.Iterable[Domain], instances_path: str, state_path: str) -> t.List[InstanceReport]:
    """The servers of this collection; the keyed hashes of their secrets stay on the host."""
    found, now = [], host_time()
    for domain in domains:
        if domain["record"] is not None:
            report = _instance(domain["record"], domain, instances_path, state_path, now)
            del report["secrets"]
            found.append(report)
    return found


def _domain(domain: Domain) -> DomainReport:
    return {
        "name": domain["name"],
        "uuid": domain["uuid"],
        "power_state": domain["power_state"],
        "vcpus": domain["vcpus"],
        "memory_mb": domain["memory_mb"],
        "disk_gb": domain_resources(domain).get("DISK_GB", 0),
        "mac_addresses": [interface["mac_address"] for interface in domain["interfaces"]],
        "foreign": domain["record"] is None,
        "record_of": domain["record_of"],
    }


def readable(domains: t.List[Domain]) -> t.List[Domain]:
    """The domains; ServerError if one has a record that can't be read: its name and addresses can't be known, so nothing could be proven free."""
    unreadable = [f"{domain['name']}: {domain['record_error']}" for domain in domains if domain["record_error"]]
    if unreadable:
        raise ServerError("InvalidRecord", f"a domain has a record that can't be read: {'; '.join(unreadable)}")
    return domains


def copies(domains: t.Iterable[DomainReport]) -> t.List[str]:
    """A sentence for each domain that has another server's record."""
    return [
        f"domain {domain['name']} ({domain['uuid']}) has the record of server {domain['record_of']}, as a clone does: it counts as foreign and is left alone"
        for domain in domains
        if domain["record_of"]
    ]


def _no_claims(state_path: str, check_mode: bool) -> t.ContextManager[None]:
    """What is being claimed is there whole, or not at all: a claim that came too late is taken back under the same lock."""
    if check_mode and not os.path.exists(locks.lock_path(state_path, locks.HOST)):
        return contextlib.nullcontext()
    return locks.host_lock(state_path, WAIT_S, shared=True)


def facts(
    hypervisor: HypervisorLike,
    *,
    instances_path: str,
    image_cache_path: str,
    state_path: str,
    reserved: t.Dict[str, int],
    allocation_ratio: t.Dict[str, float],
    check_mode: bool,
    bridge_mappings: t.Optional[t.Mapping[str, str]] = None,
    tunnel_address: t.Optional[str] = None,
    sets: IpSetsLike = ip_sets,
    rules: PacketRulesLike = packet_rules,
    tables: PacketTablesLike = packet_tables,
) -> HostFacts:
    """All that is reported of a host; ServerError (HostLocked) if others claim on it for too long."""
    host, disk = hypervisor.host(), file_system(instances_path)
    with _no_claims(state_path, check_mode):
        registrar = held(state_file.read(state_path), host_clock())
        domains = readable(hypervisor.domains(live=True))
    allocated = add_disk_sizes(hypervisor, domains, instances_path)
    committed = used(domains)
    records = instances(domains, instances_path, state_path)
    membership = membership_file.read(state_path)
    networks: HostNetworks = {
        **offer(hypervisor.networks(), unfiltered(), user_backends.missing(hypervisor)),
        "wanted_groups": sorted(membership.wanted),
        "rules_numbers": {key: number.as_dict() for key, number in membership.numbers().items()},
        "gaps": gaps(hypervisor, state_path, sets, rules, tables, domains),
        "unlimited": limits.obstacle(),
        "no_dhcp": dnsmasq.obstacle(),
    }
    add_offer(networks, bridge_mappings or {}, tunnel_address)
    # What the overlays may still grow to is not free, though the file system says so.
    overcommitted = max(0, committed["DISK_GB"] * GIB - allocated)
    return {
        "version": 1,
        "node": host["node"],
        "uuid": host["uuid"],
        "arch": host["arch"],
        "vcpus": host["vcpus"],
        "memory_mb": host["memory_mb"],
        "disk_gb": disk.total_gb,
        "pcpus": 0,
        "reserved": reserved,
        "allocation_ratio": allocation_ratio,
        "used": committed,
        "disk_available_least": (disk.free_bytes - overcommitted) // GIB,
        "traits": cpu_traits(host["cpu_info"]),
        "numa_cells": None,
        "pci_pools": [],
        "cpu_info": host["cpu_info"],
        "supported_instances": [[g["arch"], virt_type, g["os_type"]] for g in host["guests"] for virt_type in g["virt_types"]],
        "hypervisor_type": host["hypervisor_type"],
        "hypervisor_version": host["hypervisor_version"],
        "libvirt_version": host["libvirt_version"],
        "virt_types": virt_types(host),
        "stats": {},
        "metrics": {},
        "num_instances": len(domains),
        "num_io_ops": sum(1 for record in records if record["vm_state"] == "building"),
        "failed_builds": build_failures.read(state_path),
        "instances": records,
        "domains": [_domain(domain) for domain in domains],
        "addresses": own_addresses(),
        "networks": networks,
        "instances_path": {"path": instances_path, "total_gb": disk.total_gb, "free_gb": disk.free_bytes // GIB},
        "images": cached_images(image_cache_path),
        "registrar": registrar,
    }
