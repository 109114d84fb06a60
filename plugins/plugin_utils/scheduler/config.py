# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Options of the scheduler by nova.conf section, with Nova's defaults (``nova/conf/scheduler.py``) or the collection's; pure."""

from __future__ import annotations

import typing as t

from ansible_collections.kvmfleet.compute.plugins.plugin_utils.scheduler.options import OPTIONS
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.schema import shape_check
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.schema.sentence import sentence
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.schema.words import Schema

# Options by nova.conf section.
Options = dict[str, dict[str, object]]

# Nova's defaults
_SECTIONS: dict[str, Schema] = OPTIONS["properties"]
NOVA: Options = {section: {name: option["default"] for name, option in part["properties"].items()} for section, part in _SECTIONS.items()}

# What is not as in Nova, because its defaults are known to hurt: one newer hypervisor would attract everything, one host with a PCI device would be shunned by
# all, and a guest with CPUs of its own would be offered hosts that have set none apart.
OWN: Options = {
    "filter_scheduler": {"hypervisor_version_weight_multiplier": 0.0, "pci_weight_multiplier": 0.0},
    "kvmfleet": {"honour_min_count": True},
    "workarounds": {"disable_fallback_pcpu_query": True},
}


class ConfigError(ValueError):
    """Options that can't be meant; the message names section, option, value and rule."""


def check(given: object) -> None:
    """ConfigError with every section and option that is unknown, and every value of another type than Nova's."""
    wrong = sentence(shape_check.faults(OPTIONS, given))
    if wrong:
        raise ConfigError(wrong)


def with_lists(options: Options, filters: list[object] | None = None, weighers: list[object] | None = None) -> Options:
    """The options, checked, with the filters and weighers that are given beside them."""
    check(options)
    config: Options = {section: dict(values or {}) for section, values in options.items()}
    for name, items in (("enabled_filters", filters), ("weight_classes", weighers)):
        if items is not None:
            config.setdefault("filter_scheduler", {})[name] = items
    return config


def _value(section: str, name: str, value: object) -> object:
    """A list that is written as one text is split at its commas, as in nova.conf."""
    if isinstance(value, str) and isinstance(NOVA.get(section, {}).get(name), list):
        return [part.strip() for part in value.split(",") if part.strip()]
    return value


class Config:
    """Options looked up as ``config.get(section, name)``; what the user sets wins over the profile (``nova`` or ``default``)."""

    def __init__(self, given: Options | None = None) -> None:
        given = given or {}
        profile: object = (given.get("kvmfleet") or {}).get("profile") or "default"
        # A null is an option that is left out.
        self._options: dict[tuple[str, str], object] = {(section, name): None for section, options in NOVA.items() for name in options}
        for layer in [NOVA] + ([] if profile == "nova" else [OWN]) + [given]:
            for section, options in layer.items():
                self._options.update({(section, name): _value(section, name, value) for name, value in (options or {}).items() if value is not None})

    def get(self, section: str, name: str) -> t.Any:
        """The option's value, of the type that Nova's default has."""
        value: t.Any = self._options[section, name]
        return value

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
