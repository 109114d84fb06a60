# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Options of the scheduler by nova.conf section as a schema, with Nova's defaults and limits (``nova/conf/scheduler.py``); pure data.

docs/catalogue.md is made from this file.
"""

from __future__ import annotations

from ansible_collections.kvmfleet.compute.plugins.plugin_utils.schema.words import BOOLEAN, NOT_EMPTY, NUMBER, Schema, field, mapping, one_of, whole

DEFAULT_FILTERS = (
    "ComputeFilter",
    "ComputeCapabilitiesFilter",
    "ImagePropertiesFilter",
    "ServerGroupAntiAffinityFilter",
    "ServerGroupAffinityFilter",
)
PROFILES = ("default", "nova")

# Lists of texts may be written as one text, split at its commas, as in nova.conf.
LIST: Schema = {"type": ["array", "string"], "items": {"type": "string"}}
# The same, each name=ratio.
WEIGHTS: Schema = {"type": ["array", "string"], "format": "weights", "items": {"type": "string", "format": "weights"}}
# Names, or mappings with an expression (docs/scheduler.md).
CLASSES: Schema = {"type": ["array", "string"], "items": {"type": ["string", "object"]}}


def _multiplier(default: float, description: str = "") -> Schema:
    return field(NUMBER, description, default=default)


def _switch(default: bool = False, description: str = "") -> Schema:
    return field(BOOLEAN, description, default=default)


OPTIONS: Schema = mapping(
    {
        "filter_scheduler": mapping(
            {
                "enabled_filters": field(CLASSES, "compute_scheduler_filters", default=list(DEFAULT_FILTERS)),
                "weight_classes": field(CLASSES, "compute_scheduler_weighers", default=["nova.scheduler.weights.all_weighers"]),
                "host_subset_size": whole("one of so many best hosts is picked at random", 1, default=1),
                "shuffle_best_same_weighed_hosts": _switch(),
                "max_io_ops_per_host": whole("IoOpsFilter", default=8),
                "max_instances_per_host": whole("NumInstancesFilter", 1, default=50),
                "isolated_hosts": field(LIST, "IsolatedHostsFilter", default=[]),
                "isolated_images": field(LIST, "IsolatedHostsFilter", default=[]),
                "restrict_isolated_hosts_to_isolated_images": _switch(True, "IsolatedHostsFilter"),
                "aggregate_image_properties_isolation_namespace": field(NOT_EMPTY, "AggregateImagePropertiesIsolation", default=None),
                "aggregate_image_properties_isolation_separator": field(NOT_EMPTY, "AggregateImagePropertiesIsolation", default="."),
                "image_properties_default_architecture": field(NOT_EMPTY, "ImagePropertiesFilter", default=None),
                "ram_weight_multiplier": _multiplier(1.0, "negative: pack"),
                "cpu_weight_multiplier": _multiplier(1.0, "negative: pack"),
                "disk_weight_multiplier": _multiplier(1.0, "negative: pack"),
                "io_ops_weight_multiplier": _multiplier(-1.0),
                "build_failure_weight_multiplier": _multiplier(1000000.0),
                "hypervisor_version_weight_multiplier": _multiplier(1.0),
                "pci_weight_multiplier": _multiplier(1.0),
                "soft_affinity_weight_multiplier": _multiplier(1.0),
                "soft_anti_affinity_weight_multiplier": _multiplier(1.0),
                "num_instances_weight_multiplier": _multiplier(0.0),
                "image_props_weight_multiplier": _multiplier(0.0),
                "image_props_weight_setting": field(WEIGHTS, default=[]),
            }
        ),
        "metrics": mapping(
            {
                "weight_multiplier": _multiplier(1.0),
                "weight_setting": field(WEIGHTS, default=[]),
                "required": _switch(True),
                "weight_of_unavailable": field(NUMBER, default=-10000.0),
            }
        ),
        "scheduler": mapping(
            {
                "max_attempts": whole("hosts to try for one server", 1, default=3),
                "enable_isolated_aggregate_filtering": _switch(),
                "limit_tenants_to_placement_aggregate": _switch(),
                "placement_aggregate_required_for_tenants": _switch(),
                "image_metadata_prefilter": _switch(),
                "query_placement_for_image_type_support": _switch(),
            }
        ),
        "DEFAULT": mapping({"service_down_time": whole("seconds", default=60)}),
        "kvmfleet": mapping(
            {
                "profile": one_of(*PROFILES, description="nova: every default is Nova's", default="default"),
                "honour_min_count": _switch(False, "min_count servers or more are placed if not all can be; else all or none"),
            }
        ),
        "compute": mapping({"packing_host_numa_cells_allocation_strategy": _switch()}),
        "pci": mapping({"alias": field({"type": "array", "items": {"type": ["object", "string"]}}, "mappings, or JSON of such, as in Nova", default=[])}),
        "workarounds": mapping({"disable_fallback_pcpu_query": _switch()}),
    }
)
