# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Options of the scheduler by nova.conf section, with Nova's defaults (``nova/conf/scheduler.py``) or the collection's; pure."""

from __future__ import annotations

import difflib
import typing as t

DEFAULT_FILTERS = (
    "ComputeFilter",
    "ComputeCapabilitiesFilter",
    "ImagePropertiesFilter",
    "ServerGroupAntiAffinityFilter",
    "ServerGroupAffinityFilter",
)

# Options by nova.conf section.
Options = dict[str, dict[str, t.Any]]

NOVA: Options = {
    "filter_scheduler": {
        "enabled_filters": list(DEFAULT_FILTERS),
        "weight_classes": ["nova.scheduler.weights.all_weighers"],
        "host_subset_size": 1,
        "shuffle_best_same_weighed_hosts": False,
        "max_io_ops_per_host": 8,
        "max_instances_per_host": 50,
        "isolated_hosts": [],
        "isolated_images": [],
        "restrict_isolated_hosts_to_isolated_images": True,
        "aggregate_image_properties_isolation_namespace": None,
        "aggregate_image_properties_isolation_separator": ".",
        "image_properties_default_architecture": None,
        "ram_weight_multiplier": 1.0,
        "cpu_weight_multiplier": 1.0,
        "disk_weight_multiplier": 1.0,
        "io_ops_weight_multiplier": -1.0,
        "build_failure_weight_multiplier": 1000000.0,
        "hypervisor_version_weight_multiplier": 1.0,
        "pci_weight_multiplier": 1.0,
        "soft_affinity_weight_multiplier": 1.0,
        "soft_anti_affinity_weight_multiplier": 1.0,
        "num_instances_weight_multiplier": 0.0,
        "image_props_weight_multiplier": 0.0,
        "image_props_weight_setting": [],
    },
    "metrics": {"weight_multiplier": 1.0, "weight_setting": [], "required": True, "weight_of_unavailable": -10000.0},
    "scheduler": {
        "max_attempts": 3,
        "enable_isolated_aggregate_filtering": False,
        "limit_tenants_to_placement_aggregate": False,
        "placement_aggregate_required_for_tenants": False,
        "image_metadata_prefilter": False,
        "query_placement_for_image_type_support": False,
    },
    "DEFAULT": {"service_down_time": 60},
    # All or nothing; if it is honoured, min_count servers or more are placed if not all can be.
    "kvmfleet": {"profile": "default", "honour_min_count": False},
    "compute": {"packing_host_numa_cells_allocation_strategy": False},
    "pci": {"alias": []},
    "workarounds": {"disable_fallback_pcpu_query": False},
}

# What is not as in Nova, because its defaults are known to hurt: one newer hypervisor would attract everything, one host with a PCI device would be shunned by
# all, and a guest with CPUs of its own would be offered hosts that have set none apart.
OWN: Options = {
    "filter_scheduler": {"hypervisor_version_weight_multiplier": 0.0, "pci_weight_multiplier": 0.0},
    "kvmfleet": {"honour_min_count": True},
    "workarounds": {"disable_fallback_pcpu_query": True},
}


PROFILES = ("default", "nova")


class ConfigError(ValueError):
    """Options that can't be meant; the message names section, option, value and rule."""


def _fits(value: t.Any, default: t.Any) -> bool:
    if isinstance(default, bool):
        return isinstance(value, bool)
    if isinstance(default, (int, float)):
        return isinstance(value, (int, float)) and not isinstance(value, bool)
    if isinstance(default, list):
        # Nova's lists of texts may be written as one text, too.
        return isinstance(value, (list, str))
    return value is None or isinstance(value, str)


def check(given: t.Any) -> None:
    """ConfigError for an unknown section or option, and for a value of another type than Nova's."""
    if not isinstance(given, dict):
        raise ConfigError(f"must be a mapping of sections, not {type(given).__name__}")
    for section, options in given.items():
        if section not in NOVA:
            raise ConfigError(f"{section}: unknown section; known: {', '.join(NOVA)}")
        if not isinstance(options, dict):
            raise ConfigError(f"{section}: must be a mapping of options, not {type(options).__name__}")
        for name, value in options.items():
            if name not in NOVA[section]:
                near = difflib.get_close_matches(str(name), NOVA[section], 1)
                raise ConfigError(f"{section}.{name}: unknown option" + (f"; did you mean {near[0]}?" if near else f"; known: {', '.join(NOVA[section])}"))
            if not _fits(value, NOVA[section][name]):
                kind = {bool: "true or false", int: "a number", float: "a number", list: "a list"}.get(type(NOVA[section][name]), "text")
                raise ConfigError(f"{section}.{name}: {value!r} must be {kind}")
    profile = (given.get("kvmfleet") or {}).get("profile", "default")
    if profile not in PROFILES:
        raise ConfigError(f"kvmfleet.profile: {profile!r} must be one of {', '.join(PROFILES)}")


def with_lists(options: t.Any, filters: list[t.Any] | None = None, weighers: list[t.Any] | None = None) -> Options:
    """The options, checked, with the filters and weighers that are given beside them."""
    check(options)
    config = {section: dict(values) for section, values in options.items()}
    for name, items in (("enabled_filters", filters), ("weight_classes", weighers)):
        if items is not None:
            config.setdefault("filter_scheduler", {})[name] = items
    return config


def _value(section: str, name: str, value: t.Any) -> t.Any:
    """A list that is written as one text is split at its commas, as in nova.conf."""
    if isinstance(value, str) and isinstance(NOVA.get(section, {}).get(name), list):
        return [part.strip() for part in value.split(",") if part.strip()]
    return value


class Config:
    """Options looked up as ``config.get(section, name)``; what the user sets wins over the profile (``nova`` or ``default``)."""

    def __init__(self, given: Options | None = None) -> None:
        given = given or {}
        profile = (given.get("kvmfleet") or {}).get("profile", "default")
        self._options: dict[tuple[str, str], t.Any] = {}
        for layer in [NOVA] + ([] if profile == "nova" else [OWN]) + [given]:
            for section, options in layer.items():
                self._options.update({(section, name): _value(section, name, value) for name, value in (options or {}).items()})

    def get(self, section: str, name: str) -> t.Any:
        """The option's value."""
        return self._options[section, name]

    def filter(self, name: str) -> t.Any:
        """An option of [filter_scheduler]."""
        return self.get("filter_scheduler", name)


def parse_weight_setting(setting: list[str]) -> list[tuple[str, float]]:
    """[(name, ratio)] of ``name=ratio`` items (``scheduler.utils.parse_options``); what doesn't parse is left out."""
    parsed = []
    for item in setting:
        name, _equals, ratio = str(item).partition("=")
        try:
            parsed.append((name.strip(), float(ratio)))
        except ValueError:
            continue
    return [(name, ratio) for name, ratio in parsed if name]
