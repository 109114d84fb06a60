# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""PCI requests of a flavor: ``pci_passthrough:alias`` and the aliases of the options (``nova/pci/request.py``); pure."""

from __future__ import annotations

import json
import re
import typing as t

from ansible_collections.kvmfleet.compute.plugins.plugin_utils.hardware.constraints import is_true
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.hardware.image_properties import PCI_AFFINITIES
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.hardware.pci_pools import PciRequest

EXTRA_SPEC = "pci_passthrough:alias"
FALSE = ("0", "f", "false", "off", "n", "no")
KEYS: dict[str, t.Callable[[str], t.Any]] = {
    "name": lambda value: 0 < len(value) <= 256,
    "capability_type": lambda value: value == "pci",
    "product_id": re.compile(r"[\da-fA-F]{4}").fullmatch,
    "vendor_id": re.compile(r"[\da-fA-F]{4}").fullmatch,
    "device_type": lambda value: value in ("type-PCI", "type-PF", "type-VF"),
    "numa_policy": lambda value: value in PCI_AFFINITIES,
    "resource_class": lambda value: True,
    "traits": lambda value: True,
    "live_migratable": lambda value: is_true(value) or value.strip().lower() in FALSE,
}


class AliasError(ValueError):
    """An alias that is wrong in itself, or unknown."""


class Alias(t.NamedTuple):
    """One name: its policy, and the devices of which any will do."""

    affinity: str
    specs: list[dict[str, str]]


def _parsed(given: t.Any) -> dict[str, str]:
    try:
        alias = dict(json.loads(given) if isinstance(given, str) else given)
    except (ValueError, TypeError) as error:
        raise AliasError(f"[pci] alias {given!r}: must be a mapping") from error
    for key, value in alias.items():
        if key not in KEYS or not isinstance(value, str) or not KEYS[key](value):
            raise AliasError(f"[pci] alias {given!r}: {key} must not be {value!r}")
    missing = {"name", "vendor_id", "product_id"} - alias.keys()
    if missing:
        raise AliasError(f"[pci] alias {given!r} lacks {', '.join(sorted(missing))}")
    return alias


def aliases(option: list[t.Any]) -> dict[str, Alias]:
    """The option ``[pci] alias``: mappings, or JSON of such. Those of one name must agree in policy and device type."""
    found: dict[str, Alias] = {}
    for given in option:
        spec = _parsed(given)
        name, affinity = spec.pop("name").strip(), spec.pop("numa_policy", "legacy")
        if "device_type" in spec:
            spec["dev_type"] = spec.pop("device_type")
        if "live_migratable" in spec:
            spec["live_migratable"] = "true" if is_true(spec["live_migratable"]) else "false"
        if name not in found:
            found[name] = Alias(affinity, [spec])
            continue
        first = found[name].specs[0].get("dev_type")
        if found[name].affinity != affinity or first is None or first != spec.get("dev_type"):
            raise AliasError(f"[pci] alias {name}: its entries differ in numa_policy or device_type, or lack a device_type")
        found[name].specs.append(spec)
    return found


def requests(extra_specs: dict[str, str], affinity: str | None, option: list[t.Any]) -> list[PciRequest]:
    """``a:1,b:2`` of a flavor; ``affinity`` of flavor or image goes before the alias's own."""
    if EXTRA_SPEC not in extra_specs:
        return []
    known = aliases(option)
    found = []
    for item in extra_specs[EXTRA_SPEC].split(","):
        name, _colon, count = (part.strip() for part in item.partition(":"))
        if name not in known:
            raise AliasError(f"{EXTRA_SPEC} {item!r}: alias {name} does not exist; known: {', '.join(sorted(known)) or 'none'}")
        try:
            number = int(count)
        except ValueError as error:
            raise AliasError(f"{EXTRA_SPEC} {item!r}: must be <alias>:<number>") from error
        found.append(PciRequest(name, number, known[name].specs, affinity or known[name].affinity))
    return found
