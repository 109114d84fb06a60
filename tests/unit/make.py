# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Plain examples of the shapes for tests; each takes the fields that differ."""

from __future__ import annotations

import typing as t

from ansible_collections.kvmfleet.compute.plugins.module_utils.shapes import Flavor, Image, Instance, Outcome, Run, ServerGroup
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.shapes import (
    Aggregate,
    Alternate,
    BuildRequest,
    CataloguePort,
    FleetHost,
    Network,
    Placed,
    RequestedNetwork,
    RequestSpec,
    SpecGroup,
    Subnet,
    Unplaced,
)

Shape = t.TypeVar("Shape", bound=t.Mapping[str, t.Any])


def _with(shape: Shape, changes: dict[str, t.Any]) -> Shape:
    """The shape with these fields; a field that it hasn't is a slip of the test."""
    unknown = set(changes) - set(shape)
    assert not unknown, f"no such fields: {sorted(unknown)}"
    return t.cast("Shape", {**shape, **changes})


def flavor(**changes: t.Any) -> Flavor:
    made: Flavor = {"id": "f", "name": "small", "vcpus": 1, "memory_mb": 512, "root_gb": 10, "ephemeral_gb": 0, "swap": 0, "extra_specs": {}}
    return _with(made, changes)


def image(**changes: t.Any) -> Image:
    made: Image = {
        "id": "i",
        "name": "debian",
        "source": "https://example.org/d.qcow2",
        "checksum": "sha256:AB",
        "disk_format": "qcow2",
        "size": None,
        "virtual_size": None,
        "min_disk": 0,
        "min_ram": 0,
        "properties": {},
    }
    return _with(made, changes)


def group(**changes: t.Any) -> ServerGroup:
    made: ServerGroup = {"id": "g", "name": "g", "policy": "affinity", "rules": {}}
    return _with(made, changes)


def run(**changes: t.Any) -> Run:
    made: Run = {"id": "run", "controller": "c", "pid": 1, "pid_start": 1, "deadline": 4102444800}
    return _with(made, changes)


def instance(name: str = "a", **changes: t.Any) -> Instance:
    """An instance whose uuid is its name."""
    made: Instance = {
        "uuid": name,
        "display_name": name,
        "display_description": None,
        "hostname": name,
        "domain_name": name,
        "project_id": "p",
        "user_id": "u",
        "reservation_id": "r-1",
        "launch_index": 0,
        "flavor": flavor(),
        "image": image(),
        "key_name": None,
        "keypair": None,
        "metadata": {},
        "tags": [],
        "availability_zone": None,
        "config_drive": True,
        "auto_disk_config": False,
        "access_ip_v4": None,
        "access_ip_v6": None,
        "security_groups": [],
        "scheduler_hints": {},
        "group": None,
        "topology": None,
        "disks": [],
        "ports": [],
    }
    return _with(made, changes)


def build_request(made_for: Instance | None = None, **changes: t.Any) -> BuildRequest:
    made: BuildRequest = {
        "version": 1,
        "request_index": 0,
        "instance": made_for or instance(),
        "networks": [],
        "target": {"zone": None, "host": None, "node": None},
        "secrets_given": {"user_data": False, "admin_pass": None},
        "existing": None,
    }
    return _with(made, changes)


def alternate(host: str, zone: str = "az2") -> Alternate:
    return {"host": host, "node": f"{host}.example.org", "zone": zone}


def placed(placed_instance: Instance | None = None, host: str = "h1", alternates: t.Sequence[str] = ("h2", "h3"), **changes: t.Any) -> Placed:
    of = placed_instance or instance(availability_zone="az1")
    made: Placed = {
        "version": 1,
        "instance": of,
        "action": "build",
        "group_hosts": [],
        "request_index": 0,
        "host": host,
        "node": f"{host}.example.org",
        "alternates": [alternate(name) for name in alternates],
        "attempts": [],
        "drift": [],
        "image": of["image"],
    }
    return _with(made, changes)


def unplaced(of: Instance, **changes: t.Any) -> Unplaced:
    made: Unplaced = {
        "request_index": 0,
        "instance": of,
        "error": {"error_class": "NoValidHost", "message": "no valid host", "reschedule": False, "reasons": {"h1": "full"}},
    }
    return _with(made, changes)


def outcome(uuid: str, what: str, stage: str, **changes: t.Any) -> Outcome:
    made: Outcome = {
        "uuid": uuid,
        "display_name": uuid,
        "outcome": what,
        "stage": stage,
        "changed": True,
        "error": None,
        "power_state": None,
        "seconds": {stage: 1.0},
    }
    return _with(made, changes)


def host(name: str = "h1", **changes: t.Any) -> FleetHost:
    """A host of 8 CPUs, 8 GB of memory and 100 GB of disk with nothing on it."""
    made: FleetHost = {
        "version": 1,
        "name": name,
        "node": name,
        "uuid": f"uuid of {name}",
        "arch": "x86_64",
        "vcpus": 8,
        "memory_mb": 8192,
        "disk_gb": 100,
        "pcpus": 0,
        "reserved": {},
        "allocation_ratio": {},
        "inventory": {},
        "used": {},
        "disk_available_least": changes.get("disk_gb", 100),
        "traits": [],
        "numa_cells": None,
        "pci_pools": [],
        "cpu_info": {"arch": "x86_64", "model": "qemu64", "vendor": "AMD", "topology": {}, "features": []},
        "supported_instances": [["x86_64", "qemu", "hvm"]],
        "hypervisor_type": "QEMU",
        "hypervisor_version": 8002000,
        "libvirt_version": 10000000,
        "virt_types": ["qemu"],
        "stats": {},
        "metrics": {},
        "num_instances": len(changes.get("instances", ())),
        "num_io_ops": 0,
        "failed_builds": 0,
        "instances": [],
        "domains": [],
        "networks": {"bridges": [], "libvirt": []},
        "instances_path": {"path": "/var/lib/libvirt/instances", "total_gb": 100, "free_gb": 100},
        "images": [],
        "host_ip": "192.0.2.10",
        "service": {"disabled": False, "disabled_reason": None},
        "facts": {},
    }
    return _with(made, changes)


def zone(name: str, *hosts: str) -> Aggregate:
    return {"name": name, "hosts": list(hosts), "metadata": {"availability_zone": name}}


def request_spec(number: int = 1, **changes: t.Any) -> RequestSpec:
    """A request for some small servers, whose uuids are its id and their numbers."""
    uuids = [f"{changes.get('id', 'r')}-{index}" for index in range(number)]
    made: RequestSpec = {
        "id": "r",
        "request_index": 0,
        "flavor": flavor(),
        "image": {"id": "i", "disk_format": "qcow2", "properties": {}},
        "num_instances": number,
        "min_count": number,
        "instance_uuids": uuids,
        "display_names": uuids,
        "is_bfv": False,
        "target": {"zone": None, "host": None, "node": None},
        "scheduler_hints": {},
        "group": None,
        "project_id": "p",
        "requested_destination": None,
        "ignore_hosts": [],
        "networks": [],
    }
    return _with(made, changes)


def spec_group(uuid: str = "g", policy: str = "affinity", **changes: t.Any) -> SpecGroup:
    made: SpecGroup = {"uuid": uuid, "name": uuid, "policy": policy, "rules": {}, "members": []}
    return _with(made, changes)


def subnet(cidr: str = "192.0.2.0/24", **changes: t.Any) -> Subnet:
    made: Subnet = {
        "id": f"subnet {cidr}",
        "name": None,
        "cidr": cidr,
        "gateway_ip": None,
        "allocation_pools": [],
        "dns_nameservers": [],
        "host_routes": [],
    }
    return _with(made, changes)


def network(*subnets: Subnet, **changes: t.Any) -> Network:
    made: Network = {
        "id": "n",
        "name": "lan",
        "binding": {"type": "bridge", "name": "br0"},
        "mtu": 1500,
        "external": False,
        "shared": False,
        "dns_nameservers": [],
        "subnets": list(subnets) or [subnet()],
    }
    return _with(made, changes)


def catalogue_port(**changes: t.Any) -> CataloguePort:
    made: CataloguePort = {"id": "11111111-0000-4000-8000-000000000000", "name": "p", "network": "lan", "mac_address": None, "fixed_ips": []}
    return _with(made, changes)


def requested_network(**changes: t.Any) -> RequestedNetwork:
    made: RequestedNetwork = {"network": network(), "port": None, "fixed_ip": None, "tag": None}
    return _with(made, changes)
