# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The catalogue: the ``compute_*`` variables checked and made whole (docs/catalogue.md); pure.

A typo in a variable is a fault that names the variable and the path in it. An entry with a fault is left out, so that the rest can be checked.
"""

from __future__ import annotations

import typing as t
import uuid
from collections.abc import Iterator, Mapping, Sequence

from ansible_collections.kvmfleet.compute.plugins.module_utils.image.source import public
from ansible_collections.kvmfleet.compute.plugins.module_utils.network.segment import medium, title
from ansible_collections.kvmfleet.compute.plugins.module_utils.shapes import KeyPair, ServerGroup
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.address_modes import is_made_by_guests, subnet_of
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.api import network_binding, policy, quotas
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.api.catalogue_entries import Entries, plain_uuid
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.api.catalogue_rules import RULES
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.api.enforced_groups import DEFAULT_GROUP
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.port_security import is_secured
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.schema import defaults, formats
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.schema.catalogue import ENTRIES
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.schema.fault import Fault
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.schema.shape_check import faults as shape_faults
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.schema.suggestion import suggestion
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.shapes import (
    CatalogueFlavor,
    CatalogueImage,
    CataloguePort,
    CatalogueSecurityGroup,
    Network,
)

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

Entry = dict[str, t.Any]  # before its kind is known


def derived_id(kind: str, name: str) -> str:
    """The id of an entry that has none of its own."""
    return str(uuid.uuid5(NAMESPACE, f"{kind}/{name}"))


class Catalogue:
    """The entries by kind, the limits and the rules."""

    def __init__(self, of: dict[str, dict[str, t.Any]], faulty: dict[str, set[str]], limits: quotas.Limits, rules: policy.Rules | None) -> None:
        self.flavors: Entries[CatalogueFlavor] = Entries(of["flavors"], faulty["flavors"])
        self.images: Entries[CatalogueImage] = Entries(of["images"], faulty["images"])
        self.networks: Entries[Network] = Entries(of["networks"], faulty["networks"])
        self.ports: Entries[CataloguePort] = Entries(of["ports"], faulty["ports"])
        self.security_groups: Entries[CatalogueSecurityGroup] = Entries(of["security_groups"], faulty["security_groups"])
        self.keypairs: Entries[KeyPair] = Entries(of["keypairs"], faulty["keypairs"])
        self.server_groups: Entries[ServerGroup] = Entries(of["server_groups"], faulty["server_groups"])
        self.rules = rules
        self._limits = limits

    def id_of(self, kind: str, reference: object) -> str | None:
        """The id of the one entry of a kind that is meant; None if it does not exist or the name is ambiguous."""
        entries: Entries[t.Any] = getattr(self, kind)
        entry: Mapping[str, str] | None = entries.find(reference)
        return entry["id"] if entry else None

    def quota(self, project: str, name: str) -> int:
        """A project's limit; -1 is none."""
        return quotas.limit(self._limits, project, name)


def ambiguous(entries: Sequence[Mapping[str, object]]) -> str:
    """The rule that a name of several entries breaks, in words."""
    return f"is the name of {len(entries)} entries; give an id: {', '.join(str(entry['id']) for entry in entries)}"


def load(raw: dict[str, t.Any]) -> tuple[Catalogue, list[Fault]]:
    """The catalogue of {flavors, images, networks, ports, security_groups, keypairs, server_groups, quotas, policy}, and every fault of it."""
    found: list[Fault] = []
    of: dict[str, dict[str, t.Any]] = {}
    faulty: dict[str, set[str]] = {}
    for kind in KINDS:
        of[kind], faulty[kind], faults = _kind(kind, raw.get(kind))
        found += (fault.below(f"compute_{kind}") for fault in faults)
    _add_default_group(of["security_groups"], faulty["security_groups"])
    found += (fault.below("compute_quotas") for fault in quotas.faults(raw.get("quotas")))
    found += (fault.below("compute_policy") for fault in policy.faults(raw.get("policy")))
    catalogue = Catalogue(of, faulty, quotas.limits(raw.get("quotas")), policy.rules(raw.get("policy")))
    found += (fault.below("compute_networks") for fault in network_binding.used_twice(catalogue.networks.by_key))
    found += (fault.below("compute_security_groups") for fault in _remote_groups(catalogue.security_groups))
    found += (fault.below("compute_ports") for fault in _ports(catalogue.ports, catalogue.networks))
    return catalogue, [fault._replace(error_class=ERROR_CLASS) for fault in found]


def _add_default_group(groups: dict[str, CatalogueSecurityGroup], faulty: set[str]) -> None:
    """Neutron makes a group of this name for each project."""
    if DEFAULT_GROUP not in faulty and not any(group["name"] == DEFAULT_GROUP for group in groups.values()):
        group = CatalogueSecurityGroup(id=derived_id("security_group", DEFAULT_GROUP), name=DEFAULT_GROUP, description=None, rules=[])
        groups.setdefault(DEFAULT_GROUP, group)


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
            faults += (_shown(fault).below(str(name)) for fault in wrong)
    return entries, faulty, faults


def _shown(fault: Fault) -> Fault:
    """An address may hold a password."""
    return fault._replace(value=public(fault.value)) if isinstance(fault.value, str) else fault


def _entry(kind: str, name: str, given: Entry) -> Entry:
    """An entry with its defaults, its id and what follows from it."""
    entry: Entry = defaults.whole(ENTRIES[kind], given)
    entry["name"] = entry.get("name") or name
    if kind in SINGULAR:
        entry["id"] = derived_id(SINGULAR[kind], name) if entry["id"] is None else entry["id"] if kind == "flavors" else plain_uuid(entry["id"])
    if kind == "networks":
        entry["binding"] = network_binding.taken_from(entry)
        for subnet in entry["subnets"]:
            subnet["id"] = plain_uuid(subnet["id"] or derived_id("subnet", f"{entry['name']}/{subnet['cidr']}"))
    elif kind == "ports":
        for item in (entry, *entry["allowed_address_pairs"]):
            item["mac_address"] = formats.normal_mac(item["mac_address"]) if item["mac_address"] else None
        entry["vnic_type"], entry["profile"] = entry.pop("binding:vnic_type"), entry.pop("binding:profile")
    return entry


def _wrong_reference(kind: str, reference: str, entries: Entries[Network] | Entries[CatalogueSecurityGroup]) -> str | None:
    """The rule that a reference breaks; None if it is right, or if the entry that is meant has faults of its own."""
    matches = entries.matches(reference)
    if len(matches) == 1 or (not matches and reference in entries.faulty):
        return None
    return ambiguous(matches) if matches else f"unknown {kind}{suggestion(reference, entries.names())}"


def _remote_groups(groups: Entries[CatalogueSecurityGroup]) -> Iterator[Fault]:
    for name, group in groups.by_key.items():
        for index, rule in enumerate(group["rules"]):
            wrong = _wrong_reference("security group", rule["remote_group"], groups) if rule["remote_group"] is not None else None
            if wrong:
                yield Fault(f"{name}.rules[{index}].remote_group", rule["remote_group"], wrong)


def _ports(ports: Entries[CataloguePort], networks: Entries[Network]) -> Iterator[Fault]:
    """Networks that exist, addresses in them, and no MAC address or address given twice; a port without its network is left out."""
    macs: dict[tuple[str, str, str], str] = {}
    addresses: dict[tuple[str, str, str], tuple[str, int]] = {}
    for name, port in list(ports.by_key.items()):
        network = networks.find(port["network"])
        if network is None:
            ports.leave_out(name)
            wrong = _wrong_reference("network", port["network"], networks)
            if wrong:
                yield Fault(f"{name}.network", port["network"], wrong)
            continue
        binding = network["binding"]
        if port["allowed_address_pairs"] and not is_secured(port, network):
            yield Fault(f"{name}.allowed_address_pairs", len(port["allowed_address_pairs"]), "needs port_security_enabled: true")
        if port["mac_address"]:
            first = macs.setdefault((*medium(binding), port["mac_address"]), name)
            if first != name:
                where = title(medium(binding))
                yield Fault(f"{name}.mac_address", port["mac_address"], f"is that of port {first} already, on the same {where}")
        cidrs = [formats.network(subnet["cidr"]) for subnet in network["subnets"]]
        for index, fixed_ip in enumerate(port["fixed_ips"]):
            path, address = f"{name}.fixed_ips[{index}].ip_address", formats.address(fixed_ip["ip_address"])
            if not any(address in cidr for cidr in cidrs):
                yield Fault(path, fixed_ip["ip_address"], f"must be in a subnet of network {network['name']}: {', '.join(map(str, cidrs)) or 'it has none'}")
            subnet = subnet_of(fixed_ip["ip_address"], network)
            if subnet and is_made_by_guests(subnet):
                rule = f"must not be given: addresses of {subnet['cidr']} follow from MAC addresses ({subnet['ipv6_address_mode']})"
                yield Fault(path, fixed_ip["ip_address"], rule)
            first_port, first_index = addresses.setdefault((*medium(binding), str(address)), (name, index))
            if first_port != name:
                where = title(medium(binding))
                yield Fault(path, fixed_ip["ip_address"], f"is that of port {first_port} already, on the same {where}")
            elif first_index != index:
                yield Fault(path, fixed_ip["ip_address"], "is given twice")
