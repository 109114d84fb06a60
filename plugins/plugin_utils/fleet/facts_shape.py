# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The shape of a host's facts and of aggregates, which may come from a file that was written by hand; pure.

Only what the controller counts on is asked for; facts have more (docs/data.md).
"""

from __future__ import annotations

from ansible_collections.kvmfleet.compute.plugins.module_utils.remedies import REMEDIES
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.fleet.begin_shape import HELD
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.schema import defaults, shape_check
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.schema.catalogue import AGGREGATES
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.schema.fault import Fault
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.schema.sentence import sentence
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.schema.words import (
    BOOLEAN,
    NOT_EMPTY,
    NUMBER,
    SCALAR,
    TEXT,
    Schema,
    by_name,
    field,
    list_of,
    mapping,
    one_of,
    open_mapping,
    whole,
)
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.shapes import Aggregate

# More than this is no amount of anything that a host has.
MOST = 10**15
_AMOUNT: Schema = field(NUMBER, minimum=0, maximum=MOST)
_FIGURE: Schema = field(NUMBER, minimum=-MOST, maximum=MOST)
_NAMED: Schema = open_mapping({"name": NOT_EMPTY}, required=("name",))

# What a host of filter_hosts and weigh_hosts must have.
HOST_STATE: Schema = open_mapping(
    {
        "name": TEXT,
        "node": TEXT,
        "vcpus": _AMOUNT,
        "memory_mb": _AMOUNT,
        "disk_gb": _AMOUNT,
        "used": by_name(_FIGURE),
        "reserved": by_name(_FIGURE),
        "allocation_ratio": by_name(_FIGURE),
        "disk_available_least": _FIGURE,
        "num_instances": _FIGURE,
        "num_io_ops": _FIGURE,
        "failed_builds": _FIGURE,
        "traits": list_of(TEXT),
        "pci_pools": list_of(open_mapping({"count": NUMBER}, required=("count",))),
        "numa_cells": list_of(open_mapping({"id": NUMBER}, required=("id",))),
    },
    required=("vcpus", "memory_mb", "disk_gb"),
)
_WHOLE: Schema = field({"type": "integer"}, minimum=-MOST, maximum=MOST)
_NULL_OR_TEXT: Schema = {"type": ["string", "null"]}
_NULL_OR_WHOLE: Schema = field({"type": ["integer", "null"]}, minimum=-MOST, maximum=MOST)
_IP: Schema = {"type": "string", "format": "ip"}
_TCP_PORT: Schema = whole("", 1, 65535)


def _record_of(properties: dict[str, Schema], optional: tuple[str, ...] = ()) -> Schema:
    """A mapping with these keys, all of them but for the ``optional`` ones, and others that nobody looks at."""
    return open_mapping(properties, required=tuple(key for key in properties if key not in optional))


_BRIDGE: Schema = _record_of(
    {"name": NOT_EMPTY, "up": BOOLEAN, "mtu": _NULL_OR_WHOLE, "port_mtu": _NULL_OR_WHOLE, "tap_mtu": _NULL_OR_WHOLE}, ("mtu", "port_mtu", "tap_mtu")
)
_SWITCH: Schema = _record_of({"name": NOT_EMPTY, "port_mtu": _NULL_OR_WHOLE}, ("port_mtu",))
_DEVICE: Schema = _record_of({"name": NOT_EMPTY, "up": BOOLEAN, "mtu": _WHOLE, "port_of": _NULL_OR_TEXT}, ("port_of",))
_PORTGROUP: Schema = _record_of({"name": TEXT, "default": BOOLEAN, "vlan": _NULL_OR_WHOLE}, ("vlan",))
_LIBVIRT_NETWORK: Schema = open_mapping(
    {"name": NOT_EMPTY, "bridge": _NULL_OR_TEXT, "active": BOOLEAN, "kind": TEXT, "vlan": _NULL_OR_WHOLE, "portgroups": list_of(_PORTGROUP)},
    required=("name",),
)
_HOST_ROUTE: Schema = _record_of({"destination": TEXT, "nexthop": TEXT})
_FIXED_IP: Schema = _record_of(
    {
        "ip_address": _IP,
        "version": _WHOLE,
        "cidr": TEXT,
        "gateway_ip": _NULL_OR_TEXT,
        "dns_nameservers": list_of(TEXT),
        "host_routes": list_of(_HOST_ROUTE),
        "address_mode": _NULL_OR_TEXT,
        "served": BOOLEAN,
    },
    ("gateway_ip", "address_mode", "served"),
)
_PHYSICAL_NETWORK: Schema = _record_of({"name": TEXT, "device": TEXT, "is_bridge": BOOLEAN, "up": BOOLEAN, "mtu": _NULL_OR_WHOLE}, ("mtu",))
_TUNNEL: Schema = {**_record_of({"address": _IP, "mtu": _WHOLE}), "type": ["object", "null"]}
_COUNT: Schema = field({"type": "integer"}, minimum=0, maximum=MOST)
_RULES_NUMBER: Schema = _record_of({"fleet": _COUNT, "local": _COUNT, "digest": TEXT})
_BINDING: Schema = _record_of(
    {"type": TEXT, "name": TEXT, "vlan": _WHOLE, "portgroup": TEXT, "bridge": TEXT, "backend": TEXT, "ssh_port": _TCP_PORT},
    ("vlan", "portgroup", "bridge", "backend", "ssh_port"),
)
_PORT: Schema = _record_of(
    {
        "id": TEXT,
        "network_id": TEXT,
        "network_name": TEXT,
        "mac_address": NOT_EMPTY,
        "binding": _BINDING,
        "mtu": _NULL_OR_WHOLE,
        "tag": _NULL_OR_TEXT,
        "device": TEXT,
        "preexisting": BOOLEAN,
        "fixed_ips": list_of(_FIXED_IP),
        "port_security_enabled": BOOLEAN,
        "allowed_address_pairs": list_of(_record_of({"mac_address": TEXT, "ip_address": {"type": "string", "format": "prefix"}})),
        "bandwidth": {"type": ["object", "null"]},
        "queues": _NULL_OR_WHOLE,
    },
    ("mtu", "tag", "port_security_enabled", "allowed_address_pairs", "bandwidth", "queues"),
)
_DISK: Schema = _record_of(
    {
        "kind": TEXT,
        "role": TEXT,
        "file": TEXT,
        "format": TEXT,
        "size_bytes": _WHOLE,
        "bus": TEXT,
        "device": TEXT,
        "device_name": TEXT,
        "boot_order": _NULL_OR_WHOLE,
        "guest_format": _NULL_OR_TEXT,
        "label": _NULL_OR_TEXT,
        "delete_on_termination": BOOLEAN,
        "tag": _NULL_OR_TEXT,
    },
    ("boot_order", "guest_format", "label", "tag"),
)
_DRIFT: Schema = _record_of({"path": TEXT, "wanted": {}, "actual": {}, "remedy": one_of(*REMEDIES)}, ("wanted", "actual"))
_FLAVOR: Schema = _record_of(
    {
        "name": TEXT,
        "vcpus": _WHOLE,
        "memory_mb": _WHOLE,
        "root_gb": _WHOLE,
        "ephemeral_gb": _WHOLE,
        "swap": _WHOLE,
        "extra_specs": by_name({}),
    }
)
# Pids as Linux has them, so that whatever a host names is a process or none.
_PID: Schema = field({"type": "integer"}, minimum=1, maximum=2**22)
_PROCESS: Schema = _record_of({"boot_id": TEXT, "pid_namespace": TEXT, "pid": _PID, "pid_start": _WHOLE})
_RUN: Schema = _record_of({"id": TEXT, "controller": TEXT, "process": _PROCESS, "lease_s": _AMOUNT}, ("process",))
_ORIGIN: Schema = _record_of(
    {"owner": _NULL_OR_TEXT, "job": _NULL_OR_TEXT, "template": _NULL_OR_TEXT, "ttl_s": _NULL_OR_WHOLE, "asked_at": _WHOLE},
    ("owner", "job", "template", "ttl_s"),
)
# What may be null must be there all the same.
NULLABLE = (
    "display_description",
    "key_name",
    "availability_zone",
    "access_ip_v4",
    "access_ip_v6",
    "image",
    "keypair",
    "group",
    "topology",
    "run",
    "lease_left_s",
    "origin",
    "expires_at",
)
_RECORD: Schema = _record_of(
    {
        "uuid": NOT_EMPTY,
        "vm_state": NOT_EMPTY,
        "power_state": TEXT,
        "project_id": TEXT,
        "user_id": TEXT,
        "display_name": TEXT,
        "display_description": _NULL_OR_TEXT,
        "hostname": TEXT,
        "domain_name": TEXT,
        "reservation_id": TEXT,
        "key_name": _NULL_OR_TEXT,
        "metadata": by_name({}),
        "tags": list_of(TEXT),
        "availability_zone": _NULL_OR_TEXT,
        "config_drive": BOOLEAN,
        "auto_disk_config": BOOLEAN,
        "access_ip_v4": _NULL_OR_TEXT,
        "access_ip_v6": _NULL_OR_TEXT,
        "security_groups": list_of(_NAMED),
        "flavor": _FLAVOR,
        "image": _record_of({"id": TEXT, "name": TEXT, "source": TEXT, "checksum": TEXT, "disk_format": TEXT, "properties": by_name({})}),
        "keypair": _record_of({"name": TEXT, "type": TEXT, "public_key": TEXT}),
        "scheduler_hints": by_name({}),
        "group": _record_of({"id": TEXT, "name": TEXT, "policy": TEXT, "rules": by_name({})}),
        "topology": _record_of({"sockets": _WHOLE, "cores": _WHOLE, "threads": _WHOLE}),
        "run": _RUN,
        "disks": list_of(_DISK),
        "ports": list_of(_PORT),
        "missing_files": list_of(TEXT),
        "locked": BOOLEAN,
        "lease_left_s": field({"type": "integer"}, minimum=0, maximum=MOST),
        "created_at": TEXT,
        "expires_at": _NULL_OR_TEXT,
        "origin": _ORIGIN,
        "migrating": BOOLEAN,
        "power_reason": _NULL_OR_TEXT,
        "drift": list_of(_DRIFT),
    },
    (*NULLABLE, "created_at", "migrating", "power_reason", "drift"),
)
_DOMAIN: Schema = open_mapping({"name": TEXT, "uuid": TEXT, "foreign": BOOLEAN, "mac_addresses": list_of(TEXT)}, required=("mac_addresses",))
_CACHED_IMAGE: Schema = open_mapping(
    {"digest": NOT_EMPTY, "digests": by_name(TEXT), "disk_format": NOT_EMPTY, "virtual_size": _AMOUNT},
    required=("digest", "digests", "disk_format", "virtual_size"),
)
HOST_FACTS: Schema = open_mapping(
    {
        **HOST_STATE["properties"],
        "uuid": TEXT,
        "arch": TEXT,
        "cpu_info": open_mapping({"arch": TEXT, "model": TEXT, "vendor": TEXT, "topology": by_name(_FIGURE), "features": list_of(TEXT)}),
        "supported_instances": list_of(list_of(TEXT)),
        "hypervisor_type": TEXT,
        "hypervisor_version": _FIGURE,
        "stats": by_name({}),
        "metrics": by_name(_FIGURE),
        "inventory": by_name(by_name(_FIGURE)),
        "instances": list_of(_RECORD),
        "images": list_of(_CACHED_IMAGE),
        "domains": list_of(_DOMAIN),
        "addresses": list_of(_IP),
        "registrar": HELD,
        "networks": open_mapping(
            {
                "bridges": list_of(_BRIDGE),
                "libvirt": list_of(_LIBVIRT_NETWORK),
                "switches": list_of(_SWITCH),
                "no_switches": _NULL_OR_TEXT,
                "devices": list_of(_DEVICE),
                "unfiltered": _NULL_OR_TEXT,
                "user_backends": by_name(_NULL_OR_TEXT),
                "wanted_groups": list_of(TEXT),
                "rules_numbers": by_name(_RULES_NUMBER),
                "gaps": list_of(TEXT),
                "unlimited": _NULL_OR_TEXT,
                "physical_networks": list_of(_PHYSICAL_NETWORK),
                "no_vlans": _NULL_OR_TEXT,
                "tunnel": _TUNNEL,
                "no_tunnels": _NULL_OR_TEXT,
                "no_dhcp": _NULL_OR_TEXT,
            },
            required=("bridges", "libvirt"),
        ),
    },
    required=("vcpus", "memory_mb", "disk_gb"),
)

# What is read of a host beside its facts; in a fleet file they stand beside ``host_info``.
HOST_VARIABLES: dict[str, Schema] = {
    "ansible_host": SCALAR,
    "ansible_connection": TEXT,
    "compute_availability_zone": SCALAR,
    "compute_disabled": {"type": ["boolean", "string", "integer"], "format": "switch"},
    "compute_disabled_reason": SCALAR,
    "compute_facts": by_name({}),
    "compute_traits": list_of({"type": "string", "format": "trait"}),
}
_OF_HOST: Schema = open_mapping(HOST_VARIABLES)
FLEET_FILE: Schema = open_mapping(
    {
        "version": whole(least=1, most=1),
        "hosts": by_name(mapping({"host_info": open_mapping({}), **HOST_VARIABLES}, required=("host_info",))),
    },
    required=("version", "hosts"),
)


def faults_of_variables(variables: dict[str, object]) -> list[Fault]:
    """What is wrong with the variables of a host that are read beside its facts."""
    return list(shape_check.faults(_OF_HOST, variables))


def faults_of_file(document: object) -> list[Fault]:
    """What is wrong with a fleet file, but for the facts in it."""
    return list(shape_check.faults(FLEET_FILE, document))


def faults(facts: object) -> list[Fault]:
    """What is wrong with what ``host_info`` returned as ``host``."""
    return list(shape_check.faults(HOST_FACTS, facts))


class AggregatesError(ValueError):
    """Aggregates of another shape; the message names every path and rule."""


def listed_aggregates(aggregates: object, path: str) -> list[Aggregate]:
    """[{name, hosts, metadata}], metadata as text, of aggregates by name, which stand at ``path``."""
    wrong = sentence(fault.below(path) for fault in shape_check.faults(AGGREGATES, aggregates))
    if wrong or not isinstance(aggregates, dict):
        raise AggregatesError(wrong)
    items = {name: defaults.whole(AGGREGATES["additionalProperties"], item) for name, item in aggregates.items()}
    return [Aggregate(name=name, hosts=item["hosts"], metadata=item["metadata"]) for name, item in items.items()]
