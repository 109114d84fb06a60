# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The shape of a host's facts and of aggregates, which may come from a file that was written by hand; pure.

Only what the controller counts on is asked for; facts have more (docs/data.md).
"""

from __future__ import annotations

from ansible_collections.kvmfleet.compute.plugins.plugin_utils.schema import defaults, shape_check
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.schema.catalogue import AGGREGATES
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.schema.fault import Fault
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.schema.sentence import sentence
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.schema.words import (
    NOT_EMPTY,
    NUMBER,
    SCALAR,
    TEXT,
    Schema,
    by_name,
    field,
    list_of,
    mapping,
    open_mapping,
    whole,
)
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.shapes import Aggregate

_AMOUNT: Schema = field(NUMBER, minimum=0)
_NAMED: Schema = open_mapping({"name": NOT_EMPTY}, required=("name",))

# What a host of filter_hosts and weigh_hosts must have.
HOST_STATE: Schema = open_mapping(
    {
        "name": TEXT,
        "node": TEXT,
        "vcpus": _AMOUNT,
        "memory_mb": _AMOUNT,
        "disk_gb": _AMOUNT,
        "used": by_name(NUMBER),
        "reserved": by_name(NUMBER),
        "allocation_ratio": by_name(NUMBER),
        "disk_available_least": NUMBER,
        "num_instances": NUMBER,
        "num_io_ops": NUMBER,
        "failed_builds": NUMBER,
        "traits": list_of(TEXT),
        "pci_pools": list_of(open_mapping({"count": NUMBER}, required=("count",))),
        "numa_cells": list_of(open_mapping({"id": NUMBER}, required=("id",))),
    },
    required=("vcpus", "memory_mb", "disk_gb"),
)
_PORT: Schema = open_mapping({"mac_address": NOT_EMPTY, "fixed_ips": list_of(open_mapping({"ip_address": {"type": "string", "format": "ip"}}))})
_RECORD: Schema = open_mapping(
    {
        "uuid": NOT_EMPTY,
        "vm_state": NOT_EMPTY,
        "project_id": TEXT,
        "display_name": TEXT,
        "flavor": open_mapping({"vcpus": NUMBER, "memory_mb": NUMBER}),
        "ports": list_of(_PORT),
        "group": open_mapping({"id": TEXT}, required=("id",)),
    },
    required=("uuid", "vm_state"),
)
_CACHED_IMAGE: Schema = open_mapping(
    {"digest": NOT_EMPTY, "digests": by_name(TEXT), "disk_format": NOT_EMPTY, "virtual_size": _AMOUNT},
    required=("digest", "digests", "disk_format", "virtual_size"),
)
HOST_FACTS: Schema = open_mapping(
    {
        **HOST_STATE["properties"],
        "instances": list_of(_RECORD),
        "images": list_of(_CACHED_IMAGE),
        "domains": list_of(open_mapping({"mac_addresses": list_of(TEXT)}, required=("mac_addresses",))),
        "networks": open_mapping({"bridges": list_of(_NAMED), "libvirt": list_of(_NAMED)}, required=("bridges", "libvirt")),
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
FLEET_FILE: Schema = open_mapping(
    {
        "version": whole(least=1, most=1),
        "hosts": by_name(mapping({"host_info": open_mapping({}), **HOST_VARIABLES}, required=("host_info",))),
    },
    required=("version", "hosts"),
)


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
