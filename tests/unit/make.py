# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Plain examples of the shapes for tests; each takes the fields that differ."""

from __future__ import annotations

import typing as t
import xml.etree.ElementTree as ET

from ansible_collections.kvmfleet.compute.plugins.module_utils.domain_parser import parse_domain
from ansible_collections.kvmfleet.compute.plugins.module_utils.guest.domain_xml import domain_element
from ansible_collections.kvmfleet.compute.plugins.module_utils.record import from_element, record_of, to_element
from ansible_collections.kvmfleet.compute.plugins.module_utils.shapes import (
    Binding,
    Disk,
    Domain,
    Epoch,
    EpochOffer,
    FilterRule,
    FixedIp,
    Flavor,
    Grant,
    Held,
    HostNetworks,
    HostResources,
    Image,
    Instance,
    Order,
    Outcome,
    Port,
    Process,
    Record,
    Run,
    ServerGroup,
)
from ansible_collections.kvmfleet.compute.plugins.module_utils.storage.instance_files import InstanceFiles
from ansible_collections.kvmfleet.compute.plugins.module_utils.storage.table import backend_of
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.fleet.inventory_names import InventoryNames
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.shapes import (
    Aggregate,
    Alternate,
    BuildRequest,
    CataloguePort,
    FleetHost,
    FleetInstance,
    LoginOptions,
    Network,
    Placed,
    RequestedNetwork,
    RequestSpec,
    SpecGroup,
    Subnet,
    Unplaced,
)

UUID = "aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee"
LOGIN: LoginOptions = {"login_group": None, "login_user": None, "login_private_key_file": None}
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
    made: Run = {"id": "run", "controller": "c", "process": None, "lease_s": 1800}
    return _with(made, changes)


def process(**changes: t.Any) -> Process:
    made: Process = {"boot_id": "boot", "pid_namespace": "pid:[4026531836]", "pid": 4711, "pid_start": 12345}
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


def fleet_record(of: Instance, host: str = "h1", **changes: t.Any) -> FleetInstance:
    """The record that an instance leaves, as the fleet has it: through the codec, so that what no record keeps is missing."""
    found: t.Any = from_element(to_element(record(of)))
    report = {"power_state": "running", "locked": False, "lease_left_s": None, "missing_files": []}
    made: FleetInstance = {**found, **report, "host": host, "live": False, "gone": False}
    return _with(made, changes)


def port_of(of: RequestedNetwork, *addresses: str, **changes: t.Any) -> Port:
    """A port of a requested network."""
    asked = of["network"]
    made: Port = {
        "id": "p1",
        "network_id": asked["id"],
        "network_name": asked["name"],
        "mac_address": "52:54:00:00:00:01",
        "binding": asked["binding"],
        "mtu": asked["mtu"],
        "tag": of["tag"],
        "device": "tapp1",
        "fixed_ips": [fixed_ip(ip_address=address, gateway_ip=None) for address in addresses],
        "preexisting": of["port"] is not None,
        "bandwidth": of["bandwidth"],
        "queues": of["queues"],
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
        "gone_run": None,
        "request_index": 0,
        "host": host,
        "node": f"{host}.example.org",
        "alternates": [alternate(name) for name in alternates],
        "attempts": [],
        "drift": [],
        "power_state": None,
        "image": of["image"],
    }
    return _with(made, changes)


def inventory_names(prefix: str = "", groups: t.Collection[str] = (), **ids: str | None) -> InventoryNames:
    """An inventory of these hosts with their ``kvmfleet_id``."""
    return InventoryNames(prefix, ids, groups, lambda host: ids[host])


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
        "addresses": [],
        "networks": {"bridges": [], "libvirt": []},
        "instances_path": {"path": "/var/lib/libvirt/instances", "total_gb": 100, "free_gb": 100},
        "images": [],
        "registrar": held(),
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
        "dhcp": False,
        "ipv6_address_mode": None,
        "dhcp_server": False,
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
        "port_security_enabled": True,
        "dns_nameservers": [],
        "subnets": list(subnets) or [subnet()],
    }
    return _with(made, changes)


def catalogue_port(**changes: t.Any) -> CataloguePort:
    made: CataloguePort = {
        "id": "11111111-0000-4000-8000-000000000000",
        "name": "p",
        "network": "lan",
        "mac_address": None,
        "fixed_ips": [],
        "port_security_enabled": None,
        "allowed_address_pairs": [],
        "qos": [],
        "vnic_type": "normal",
        "profile": {},
    }
    return _with(made, changes)


def requested_network(**changes: t.Any) -> RequestedNetwork:
    made: RequestedNetwork = {"network": network(), "port": None, "fixed_ip": None, "tag": None, "bandwidth": None, "queues": None}
    return _with(made, changes)


# What a host sees


def held(of: Epoch | None = None, **changes: t.Any) -> Held:
    made: Held = {"epoch": of, "highest_ticket": 0, "ended": [], "clock": {"boot_id": "boot-1", "seconds": 1000.0}}
    return _with(made, changes)


def grant(of: Epoch, ticket: int = 1, ends_at: int = 1300, boot_id: str = "boot-1") -> Grant:
    made: Grant = {"epoch": {"number": of["number"], "id": of["id"]}, "ticket": ticket, "deadline": {"boot_id": boot_id, "ends_at": ends_at}}
    return made


def epoch(number: int = 1, **changes: t.Any) -> Epoch:
    """An epoch in which h1 is the registrar of two hosts; the first enrols them."""
    made: Epoch = {
        "number": number,
        "id": f"epoch {number}",
        "fleet": "epoch 1",
        "store": "sqlite",
        "registrar": "h1",
        "is_carried": number > 1,
        "hosts": ["h1", "h2"],
        "replaces": [["h1", "h2"]] if number > 1 else [],
    }
    return _with(made, changes)


def offer(of: Epoch, expected: Epoch | None = None) -> EpochOffer:
    """To a host that was seen to hold the expected one."""
    return {"epoch": of, "expected": expected["id"] if expected else None}


def disk(**changes: t.Any) -> Disk:
    made: Disk = {
        "kind": "blank",
        "role": "ephemeral",
        "file": "disk.eph0",
        "format": "raw",
        "size_bytes": 2**20,
        "bus": "virtio",
        "device": "disk",
        "device_name": "vdb",
        "boot_order": None,
        "guest_format": None,
        "label": "ephemeral0",
        "delete_on_termination": True,
        "tag": None,
    }
    return _with(made, changes)


def root_disk(**changes: t.Any) -> Disk:
    made = disk(kind="overlay", role="root", file="disk", format="qcow2", size_bytes=10 * 2**30, device_name="vda", boot_order=1, label=None)
    return _with(made, changes)


def config_disk(**changes: t.Any) -> Disk:
    made = disk(kind="config_drive", role="config", file="disk.config", size_bytes=0, device_name="vdc", label=None)
    return _with(made, changes)


def fixed_ip(**changes: t.Any) -> FixedIp:
    made: FixedIp = {
        "ip_address": "192.0.2.5",
        "version": 4,
        "cidr": "192.0.2.0/24",
        "gateway_ip": "192.0.2.1",
        "dns_nameservers": [],
        "host_routes": [],
        "address_mode": None,
    }
    return _with(made, changes)


def bridge(name: str = "br0") -> Binding:
    return {"type": "bridge", "name": name}


def libvirt_network(name: str = "default") -> Binding:
    return {"type": "libvirt_network", "name": name}


def openvswitch(name: str = "br-ovs", **vlan: int) -> Binding:
    return t.cast(Binding, {"type": "openvswitch", "name": name, **vlan})


def macvtap(name: str = "eth1") -> Binding:
    return {"type": "macvtap", "name": name}


def user(backend: str = "passt", **host: int) -> Binding:
    return t.cast(Binding, {"type": "user", "name": "n1", "backend": backend, **host})


def port(**changes: t.Any) -> Port:
    made: Port = {
        "id": "11111111-2222-4333-8444-555555555555",
        "network_id": "n1",
        "network_name": "lan",
        "mac_address": "fa:16:3e:00:00:01",
        "binding": bridge(),
        "mtu": None,
        "tag": None,
        "device": "tap11111111-22",
        "fixed_ips": [fixed_ip()],
        "preexisting": False,
        "port_security_enabled": True,
        "allowed_address_pairs": [],
        "bandwidth": None,
        "queues": None,
    }
    return _with(made, changes)


def rule(direction: str = "ingress", ethertype: str = "IPv4", **changes: t.Any) -> FilterRule:
    """A rule of a security group that lets all through, or what the changes leave of it."""
    made: FilterRule = {
        "direction": direction,
        "ethertype": ethertype,
        "protocol": None,
        "port_range_min": None,
        "port_range_max": None,
        "remote": None,
        "remote_group": None,
    }
    return _with(made, changes)


def networks(*bridges: str, down: tuple[str, ...] = (), active: tuple[str, ...] = (), inactive: tuple[str, ...] = ()) -> HostNetworks:
    return {
        "bridges": [{"name": name, "up": name not in down, "mtu": 1500} for name in (*bridges, *down)],
        "libvirt": [{"name": name, "bridge": f"virbr-{name}", "active": name in active} for name in (*active, *inactive)],
    }


def web(**changes: t.Any) -> Instance:
    """A placed instance as a host gets it, with one disk and no port."""
    whole = {
        "uuid": UUID,
        "domain_name": "web-aaaaaaaa",
        "availability_zone": "az1",
        "flavor": flavor(vcpus=2, memory_mb=1024),
        "image": image(checksum="sha256:" + "0" * 64),
        "disks": [disk(device_name="vda")],
        **changes,
    }
    return instance("web", **whole)


def numbered(number: int, **changes: t.Any) -> Instance:
    """One of several placed instances that share nothing."""
    uuid = f"{number:08d}-bbbb-4ccc-8ddd-eeeeeeeeeeee"
    return web(**{"uuid": uuid, "display_name": f"web-{number}", "hostname": f"web-{number}", "domain_name": f"web-{number}", **changes})


def record(of: Instance | None = None, **changes: t.Any) -> Record:
    made = record_of(
        of or web(),
        vm_state="active",
        started=True,
        folder=f"/instances/{(of or web())['uuid']}",
        run=None,
        lease=None,
        created_at="2026-01-01T00:00:00Z",
        machine_type=None,
        secrets={"user_data": None, "admin_pass": None},
        origin=None,
        expires_at=None,
    )
    return _with(made, changes)


def order(of: Instance | None = None, **changes: t.Any) -> Order:
    made: Order = {"version": 1, "instance": of or web(), "action": "build", "group_hosts": [], "gone_run": None}
    return _with(made, changes)


def resources(**changes: t.Any) -> HostResources:
    made: HostResources = {"vcpus": 4, "memory_mb": 8192, "disk_gb": 100, "reserved": {"MEMORY_MB": 512}, "allocation_ratio": {"VCPU": 4.0}}
    return _with(made, changes)


def domain_xml(of: Record | None = None, **texts: str) -> str:
    """A small domain, ours with a record, foreign without."""
    root = ET.Element("domain", {"type": "qemu"})
    made = {"name": "foreign", "uuid": "ffffffff-bbbb-4ccc-8ddd-eeeeeeeeeeee", "memory": "1048576", "vcpu": "1"}
    if of is not None:
        made |= {"name": of["domain_name"], "uuid": of["uuid"], "memory": str(of["flavor"]["memory_mb"] * 1024), "vcpu": str(of["flavor"]["vcpus"])}
        ET.SubElement(root, "metadata").append(to_element(of))
    for tag, text in {**made, **texts}.items():
        ET.SubElement(root, tag).text = text
    return ET.tostring(root, encoding="unicode")


def domain(of: Record | None = None, power_state: str = "shutdown", **changes: t.Any) -> Domain:
    """Any domain, as a host reads it."""
    return _with(parse_domain(domain_xml(of), power_state), changes)


def rendered(of: Record, instances_path: str = "/instances", virt_type: str = "qemu") -> ET.Element:
    """The domain of a record, as a host with this instances path defines it."""
    files = InstanceFiles(f"{instances_path}/{of['uuid']}")
    disks = [backend_of(disk).element(disk, files.disk(disk)) for disk in of["disks"]]
    return domain_element(of, disks=disks, console_log=files.console_log, virt_type=virt_type, arch="x86_64")
