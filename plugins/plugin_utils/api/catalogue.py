# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The catalogue: the ``compute_*`` variables checked and made whole (docs/catalogue.md); pure.

A typo in a variable is a fault that names the variable and the path in it. An entry with a fault is left out, so that the rest can be checked.
"""

from __future__ import annotations

import typing as t
import uuid
from collections.abc import Iterator

from ansible_collections.kvmfleet.compute.plugins.module_utils.shapes import Binding
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.api import policy, quotas
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.api.catalogue_rules import RULES
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.schema import defaults, formats
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.schema.catalogue import ENTRIES
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.schema.fault import Fault
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.schema.shape_check import faults as shape_faults
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.schema.suggestion import suggestion

NAMESPACE = uuid.uuid5(uuid.NAMESPACE_URL, "https://kvmfleet.github.io/compute")
ERROR_CLASS = "InvalidCatalogue"
KINDS = tuple(ENTRIES)
SINGULAR = {
    "flavors": "flavor",
    "images": "image",
    "networks": "network",
    "ports": "port",
    "security_groups": "security_group",
    "server_groups": "server_group",
}
DEFAULT_GROUP = "default"

Entry = dict[str, t.Any]


def derived_id(kind: str, name: str) -> str:
    """The id of an entry that has none of its own."""
    return str(uuid.uuid5(NAMESPACE, f"{kind}/{name}"))


def plain_uuid(text: str) -> str:
    """A UUID in its usual spelling; any other text as it is."""
    try:
        return str(uuid.UUID(text))
    except ValueError:
        return text


class Catalogue:
    """The entries by kind, found by id or by name."""

    def __init__(self, entries: dict[str, dict[str, Entry]], limits: quotas.Limits, rules: policy.Rules | None, faulty: dict[str, set[str]]) -> None:
        self.entries = entries
        self.quotas = limits
        self.rules = rules
        # Names of entries that are there, but were left out for a fault of their own: that they are unknown is no second fault.
        self.faulty = faulty
        self._by_id = {kind: {entry["id"]: entry for entry in items.values() if "id" in entry} for kind, items in entries.items()}
        self._by_name: dict[str, dict[str, list[Entry]]] = {kind: {} for kind in entries}
        for kind, items in entries.items():
            for entry in items.values():
                self._by_name[kind].setdefault(entry["name"], []).append(entry)

    def matches(self, kind: str, reference: object) -> list[Entry]:
        """The entry with this id or, failing that, all with this name or, failing that, the one of this key."""
        text = str(reference)
        by_id = self._by_id[kind].get(text)
        if by_id is None and text not in self._by_name[kind]:
            by_id = self._by_id[kind].get(plain_uuid(text)) or self.entries[kind].get(text)
        return [by_id] if by_id else self._by_name[kind].get(text, [])

    def find(self, kind: str, reference: object) -> Entry | None:
        """The one entry that is meant."""
        found = self.matches(kind, reference)
        return found[0] if len(found) == 1 else None

    def known(self, kind: str) -> str:
        """The names of a kind, for a rule in words."""
        return ", ".join(sorted(self.entries[kind])) or "none"

    def quota(self, project: str, name: str) -> int:
        """A project's limit; -1 is none."""
        return quotas.limit(self.quotas, project, name)


def ambiguous(entries: list[Entry]) -> str:
    """The rule that a name of several entries breaks, in words."""
    return f"is the name of {len(entries)} entries; give an id: {', '.join(entry['id'] for entry in entries)}"


def load(raw: dict[str, t.Any]) -> tuple[Catalogue, list[Fault]]:
    """The catalogue of {flavors, images, networks, ports, security_groups, keypairs, server_groups, quotas, policy}, and every fault of it."""
    found: list[Fault] = []
    entries: dict[str, dict[str, Entry]] = {}
    faulty: dict[str, set[str]] = {}
    for kind in KINDS:
        entries[kind], faulty[kind], faults = _kind(kind, raw.get(kind))
        found += (fault.below(f"compute_{kind}") for fault in faults)
    # Neutron makes a group of this name for each project.
    if not any(group["name"] == DEFAULT_GROUP for group in entries["security_groups"].values()) and DEFAULT_GROUP not in faulty["security_groups"]:
        group: Entry = {"id": derived_id("security_group", DEFAULT_GROUP), "name": DEFAULT_GROUP, "description": None, "rules": []}
        entries["security_groups"].setdefault(DEFAULT_GROUP, group)
    found += (fault.below("compute_quotas") for fault in quotas.faults(raw.get("quotas")))
    found += (fault.below("compute_policy") for fault in policy.faults(raw.get("policy")))
    catalogue = Catalogue(entries, quotas.limits(raw.get("quotas")), policy.rules(raw.get("policy")), faulty)
    found += (fault.below("compute_security_groups") for fault in _remote_groups(catalogue))
    found += (fault.below("compute_ports") for fault in _ports(catalogue))
    return catalogue, [fault._replace(error_class=ERROR_CLASS) for fault in found]


def _kind(kind: str, raw: object) -> tuple[dict[str, Entry], set[str], list[Fault]]:
    """(entries, names of those that are left out, faults) of one variable."""
    entries: dict[str, Entry] = {}
    if raw is None:
        return entries, set(), []
    if not isinstance(raw, dict):
        return entries, set(), [Fault("", raw, "must be a mapping from a name to its attributes")]
    faulty: set[str] = set()
    faults: list[Fault] = []
    ids: dict[str, str] = {}
    for name, attributes in raw.items():
        given = {} if attributes is None else attributes
        wrong = [*shape_faults(ENTRIES[kind], given), *(RULES[kind](given) if kind in RULES and isinstance(given, dict) else ())]
        entry = None if wrong else _entry(kind, str(name), given)
        if entry and "id" in entry and ids.setdefault(entry["id"], str(name)) != str(name):
            wrong.append(Fault("id", entry["id"], f"is the id of {ids[entry['id']]} already"))
        if entry and not wrong:
            entries[str(name)] = entry
        else:
            faulty.add(str(name))
            faults += (fault.below(str(name)) for fault in wrong)
    return entries, faulty, faults


def _entry(kind: str, name: str, given: Entry) -> Entry:
    """An entry with its defaults, its id and what follows from it."""
    entry: Entry = defaults.whole(ENTRIES[kind], given)
    entry["name"] = entry.get("name") or name
    if kind in SINGULAR:
        entry["id"] = derived_id(SINGULAR[kind], name) if entry["id"] is None else entry["id"] if kind == "flavors" else plain_uuid(entry["id"])
    if kind == "networks":
        reached_by = "bridge" if entry["bridge"] else "libvirt_network"
        entry["binding"] = Binding(type=reached_by, name=entry[reached_by])
        for subnet in entry["subnets"]:
            subnet["id"] = plain_uuid(subnet["id"] or derived_id("subnet", f"{entry['name']}/{subnet['cidr']}"))
    elif kind == "ports" and entry["mac_address"]:
        entry["mac_address"] = formats.normal_mac(entry["mac_address"])
    return entry


def _reference(catalogue: Catalogue, kind: str, reference: str) -> tuple[Entry | None, str | None]:
    """(the entry that is meant, the rule that the reference breaks); neither if the entry is there, but faulty."""
    matches = catalogue.matches(kind, reference)
    if len(matches) == 1:
        return matches[0], None
    if matches:
        return None, ambiguous(matches)
    if reference in catalogue.faulty[kind]:
        return None, None
    return None, f"unknown {SINGULAR[kind].replace('_', ' ')}{suggestion(reference, sorted(catalogue.entries[kind]))}"


def _remote_groups(catalogue: Catalogue) -> Iterator[Fault]:
    for name, group in catalogue.entries["security_groups"].items():
        for index, rule in enumerate(group["rules"]):
            if rule["remote_group"] is not None:
                _found, wrong = _reference(catalogue, "security_groups", rule["remote_group"])
                if wrong:
                    yield Fault(f"{name}.rules[{index}].remote_group", rule["remote_group"], wrong)


def _ports(catalogue: Catalogue) -> Iterator[Fault]:
    """Networks that are there, addresses in them, and no MAC address or address given twice; a port without its network is left out."""
    macs: dict[tuple[str, str, str], str] = {}
    addresses: dict[tuple[str, str], str] = {}
    for name, port in list(catalogue.entries["ports"].items()):
        network, wrong = _reference(catalogue, "networks", port["network"])
        if network is None:
            del catalogue.entries["ports"][name]
            catalogue.faulty["ports"].add(name)
            if wrong:
                yield Fault(f"{name}.network", port["network"], wrong)
            continue
        binding = network["binding"]
        if port["mac_address"]:
            first = macs.setdefault((binding["type"], binding["name"], port["mac_address"]), name)
            if first != name:
                where = f"{binding['type'].replace('_', ' ')} {binding['name']}"
                yield Fault(f"{name}.mac_address", port["mac_address"], f"is that of port {first} already, on the same {where}")
        cidrs = [formats.network(subnet["cidr"]) for subnet in network["subnets"]]
        for index, fixed_ip in enumerate(port["fixed_ips"]):
            path, address = f"{name}.fixed_ips[{index}].ip_address", formats.address(fixed_ip["ip_address"])
            if not any(address in cidr for cidr in cidrs):
                yield Fault(path, fixed_ip["ip_address"], f"must be in a subnet of network {network['name']}: {', '.join(map(str, cidrs)) or 'it has none'}")
            first = addresses.setdefault((network["id"], str(address)), path)
            if first != path:
                owner = first.partition(".fixed_ips")[0]
                whose = "is given twice" if owner == name else f"is that of port {owner} already, in the same network {network['name']}"
                yield Fault(path, fixed_ip["ip_address"], whose)
