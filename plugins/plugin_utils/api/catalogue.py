# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The catalogue: the ``compute_*`` variables checked and made whole (docs/data.md, Catalogue); pure.

A typo in a variable is an error that names the variable and the path in it. What is wrong is left out, so that the rest can be checked.
"""

from __future__ import annotations

import difflib
import ipaddress
import typing as t
import uuid

from ansible_collections.kvmfleet.compute.plugins.plugin_utils.api import policy, quotas
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.api.problems import Problems
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.schema import formats

NAMESPACE = uuid.uuid5(uuid.NAMESPACE_URL, "https://kvmfleet.github.io/compute")

INT, STR, BOOL, DICT, LIST = "a whole number", "text", "true or false", "a mapping", "a list"
_PYTHON: dict[str, tuple[type, ...]] = {INT: (int,), STR: (str,), BOOL: (bool,), DICT: (dict,), LIST: (list,)}
REQUIRED = object()

# kind: {key: (type, default)}
KINDS: dict[str, dict[str, tuple[str, t.Any]]] = {
    "flavors": {
        "id": (STR, None),
        "vcpus": (INT, REQUIRED),
        "memory_mb": (INT, REQUIRED),
        "root_gb": (INT, REQUIRED),
        "ephemeral_gb": (INT, 0),
        "swap": (INT, 0),
        "disabled": (BOOL, False),
        "description": (STR, None),
        "extra_specs": (DICT, {}),
    },
    "images": {
        "id": (STR, None),
        "source": (STR, REQUIRED),
        "checksum": (STR, REQUIRED),
        "disk_format": (STR, "qcow2"),
        "size": (INT, None),
        "virtual_size": (INT, None),
        "min_disk": (INT, 0),
        "min_ram": (INT, 0),
        "status": (STR, "active"),
        "properties": (DICT, {}),
    },
    "networks": {
        "id": (STR, None),
        "name": (STR, None),
        "bridge": (STR, None),
        "libvirt_network": (STR, None),
        "mtu": (INT, None),
        "external": (BOOL, False),
        "shared": (BOOL, False),
        "dns_nameservers": (LIST, []),
        "subnets": (LIST, []),
    },
    "ports": {
        "id": (STR, None),
        "network": (STR, REQUIRED),
        "mac_address": (STR, None),
        "fixed_ips": (LIST, []),
    },
    "security_groups": {"id": (STR, None), "name": (STR, None), "description": (STR, None), "rules": (LIST, [])},
    "keypairs": {"public_key": (STR, REQUIRED), "type": (STR, "ssh")},
    "server_groups": {"id": (STR, None), "policy": (STR, REQUIRED), "rules": (DICT, {})},
}
SUBNET: dict[str, tuple[str, t.Any]] = {
    "id": (STR, None),
    "name": (STR, None),
    "cidr": (STR, REQUIRED),
    "gateway_ip": (STR, None),
    "allocation_pools": (LIST, []),
    "dns_nameservers": (LIST, []),
    "host_routes": (LIST, []),
}
POLICIES = ("affinity", "anti-affinity", "soft-affinity", "soft-anti-affinity")
SINGULAR = {
    "flavors": "flavor",
    "images": "image",
    "networks": "network",
    "ports": "port",
    "security_groups": "security_group",
    "server_groups": "server_group",
}

Entry = dict[str, t.Any]


def derived_id(kind: str, name: str) -> str:
    """The id of an entry that has none of its own."""
    return str(uuid.uuid5(NAMESPACE, f"{kind}/{name}"))


class Catalogue:
    """The entries by kind, found by id or by name."""

    def __init__(self, entries: dict[str, dict[str, Entry]], limits: Entry, rules: policy.Rules | None) -> None:
        self.entries = entries
        self.quotas = limits
        self.rules = rules
        self._by_id = {kind: {entry["id"]: entry for entry in items.values() if "id" in entry} for kind, items in entries.items()}
        self._by_name: dict[str, dict[str, list[Entry]]] = {kind: {} for kind in entries}
        for kind, items in entries.items():
            for entry in items.values():
                self._by_name[kind].setdefault(entry["name"], []).append(entry)

    def matches(self, kind: str, reference: t.Any) -> list[Entry]:
        """The entry with this id or, failing that, all with this name or, failing that, the one of this key."""
        text = str(reference)
        by_id = self._by_id[kind].get(text)
        if by_id is None and text not in self._by_name[kind]:
            by_id = self._by_id[kind].get(_plain_uuid(text)) or self.entries[kind].get(text)
        return [by_id] if by_id else self._by_name[kind].get(text, [])

    def find(self, kind: str, reference: t.Any) -> Entry | None:
        """The one entry that is meant."""
        found = self.matches(kind, reference)
        return found[0] if len(found) == 1 else None

    def known(self, kind: str) -> str:
        """The names of a kind, for a rule in words."""
        return ", ".join(sorted(self.entries[kind])) or "none"

    def quota(self, project: str, name: str) -> int:
        """A project's limit; -1 is none."""
        of_project = (self.quotas.get("projects") or {}).get(project) or {}
        return int(t.cast(int, of_project.get(name, self.quotas.get(name, quotas.DEFAULTS[name]))))


def ambiguous(entries: list[Entry]) -> str:
    """The rule that a name of several entries breaks, in words."""
    return f"is the name of {len(entries)} entries; give an id: {', '.join(entry['id'] for entry in entries)}"


def _plain_uuid(text: str) -> str:
    try:
        return str(uuid.UUID(text))
    except ValueError:
        return text


class _Loader:
    def __init__(self, problems: Problems) -> None:
        self._problems = problems

    def bad(self, path: str, value: t.Any, rule: str) -> None:
        self._problems.add(path, value, rule, "InvalidCatalogue")

    def fields(self, path: str, raw: t.Any, known: dict[str, tuple[str, t.Any]]) -> Entry | None:
        """An entry with its defaults; None where something in it is wrong."""
        if not isinstance(raw, dict):
            self.bad(path, raw, "must be a mapping")
            return None
        entry: Entry = {}
        good = True
        for key in raw:
            if key not in known:
                near = difflib.get_close_matches(key, known, 1)
                self.bad(f"{path}.{key}", None, "unknown key" + (f"; did you mean {near[0]}?" if near else f"; known: {', '.join(known)}"))
                good = False
        for key, (kind, default) in known.items():
            value = raw.get(key)
            if value is None:
                if default is REQUIRED:
                    self.bad(f"{path}.{key}", None, "is required")
                    good = False
                entry[key] = [] if default == [] else {} if default == {} else None if default is REQUIRED else default
                continue
            if kind == STR and isinstance(value, int) and not isinstance(value, bool):
                value = str(value)
            if not isinstance(value, _PYTHON[kind]) or (kind == INT and isinstance(value, bool)):
                self.bad(f"{path}.{key}", value, f"must be {kind}")
                good = False
            elif kind == INT and t.cast(int, value) < 0:
                self.bad(f"{path}.{key}", value, "must not be negative")
                good = False
            entry[key] = value
        return entry if good else None

    def choice(self, path: str, value: str, choices: tuple[str, ...]) -> bool:
        if value not in choices:
            self.bad(path, value, "must be one of " + ", ".join(choices))
            return False
        return True

    def ip(self, path: str, value: t.Any, network: t.Any = None) -> bool:
        if not isinstance(value, str) or not formats.is_ip(value):
            self.bad(path, value, "must be an IP address")
            return False
        if network is not None and ipaddress.ip_address(value) not in network:
            self.bad(path, value, f"must be in {network}")
            return False
        return True

    def subnet(self, path: str, raw: t.Any, name: str) -> Entry | None:
        subnet = self.fields(path, raw, SUBNET)
        if subnet is None:
            return None
        try:
            cidr = ipaddress.ip_network(subnet["cidr"])
        except ValueError as error:
            self.bad(f"{path}.cidr", subnet["cidr"], f"must be a network: {error}")
            return None
        good = subnet["gateway_ip"] is None or self.ip(f"{path}.gateway_ip", subnet["gateway_ip"], cidr)
        for index, pool in enumerate(subnet["allocation_pools"]):
            where = f"{path}.allocation_pools[{index}]"
            pool = self.fields(where, pool, {"start": (STR, REQUIRED), "end": (STR, REQUIRED)})
            if pool is None or not (self.ip(f"{where}.start", pool["start"], cidr) and self.ip(f"{where}.end", pool["end"], cidr)):
                good = False
            elif int(ipaddress.ip_address(pool["start"])) > int(ipaddress.ip_address(pool["end"])):
                self.bad(where, pool["start"], f"starts after its end {pool['end']}")
                good = False
        for index, server in enumerate(subnet["dns_nameservers"]):
            good = self.ip(f"{path}.dns_nameservers[{index}]", server) and good
        for index, route in enumerate(subnet["host_routes"]):
            good = self.route(f"{path}.host_routes[{index}]", route) and good
        subnet["id"] = subnet["id"] or derived_id("subnet", f"{name}/{subnet['cidr']}")
        return subnet if good else None

    def route(self, path: str, raw: t.Any) -> bool:
        route = self.fields(path, raw, {"destination": (STR, REQUIRED), "nexthop": (STR, REQUIRED)})
        if route is None or not self.ip(f"{path}.nexthop", route["nexthop"]):
            return False
        try:
            ipaddress.ip_network(route["destination"], strict=False)
        except ValueError as error:
            self.bad(f"{path}.destination", route["destination"], f"must be a network: {error}")
            return False
        return True

    def check(self, kind: str, path: str, entry: Entry) -> bool:
        """The rules of a kind beyond types."""
        if kind == "flavors":
            for key in ("vcpus", "memory_mb"):
                if not entry[key]:
                    self.bad(f"{path}.{key}", entry[key], "must be at least 1")
                    return False
            entry["extra_specs"] = {key: str(value) for key, value in entry["extra_specs"].items()}
        elif kind == "images":
            return self.choice(f"{path}.disk_format", entry["disk_format"], ("qcow2", "raw"))
        elif kind == "networks":
            if bool(entry["bridge"]) == bool(entry["libvirt_network"]):
                self.bad(path, None, "needs bridge or libvirt_network, and only one of them")
                return False
            kind_of = "bridge" if entry["bridge"] else "libvirt_network"
            entry["binding"] = {"type": kind_of, "name": entry[kind_of]}
            subnets = [self.subnet(f"{path}.subnets[{index}]", raw, entry["name"]) for index, raw in enumerate(entry["subnets"])]
            entry["subnets"] = [subnet for subnet in subnets if subnet]
            return None not in subnets
        elif kind == "keypairs":
            return self.choice(f"{path}.type", entry["type"], ("ssh", "x509"))
        elif kind == "server_groups":
            return self.choice(f"{path}.policy", entry["policy"], POLICIES)
        elif kind == "ports":
            return all(
                isinstance(ip, dict) and self.ip(f"{path}.fixed_ips[{index}].ip_address", ip.get("ip_address")) for index, ip in enumerate(entry["fixed_ips"])
            )
        return True

    def kind(self, kind: str, raw: t.Any) -> dict[str, Entry]:
        """One ``compute_*`` variable."""
        variable = f"compute_{kind}"
        if raw is None:
            return {}
        if not isinstance(raw, dict):
            self.bad(variable, raw, "must be a mapping from a name to its attributes")
            return {}
        found: dict[str, Entry] = {}
        ids: dict[str, str] = {}
        for name, attributes in raw.items():
            path = f"{variable}.{name}"
            entry = self.fields(path, attributes if attributes is not None else {}, KINDS[kind])
            if entry is None:
                continue
            entry["name"] = entry.get("name") or str(name)
            if "id" in entry:
                entry["id"] = entry["id"] or derived_id(SINGULAR[kind], str(name))
                if kind != "flavors" and not formats.is_uuid(entry["id"]):
                    self.bad(f"{path}.id", entry["id"], "must be a UUID")
                    continue
                if entry["id"] in ids:
                    self.bad(f"{path}.id", entry["id"], f"is the id of {ids[entry['id']]} already")
                    continue
                ids[entry["id"]] = str(name)
            if self.check(kind, path, entry):
                found[str(name)] = entry
        return found


def load(raw: dict[str, t.Any], problems: Problems) -> Catalogue:
    """The catalogue of {flavors, images, networks, ports, security_groups, keypairs, server_groups, quotas, policy}; its faults go to ``problems``."""
    loader = _Loader(problems)
    entries = {kind: loader.kind(kind, raw.get(kind)) for kind in KINDS}
    # Neutron makes a group of this name for each project.
    if not any(group["name"] == "default" for group in entries["security_groups"].values()):
        group: Entry = {"id": derived_id("security_group", "default"), "name": "default", "description": None, "rules": []}
        entries["security_groups"].setdefault("default", group)
    catalogue = Catalogue(entries, quotas.load(raw.get("quotas"), loader.bad), policy.load(raw.get("policy"), loader.bad))
    for name, port in list(entries["ports"].items()):
        networks = catalogue.matches("networks", port["network"])
        if len(networks) != 1:
            rule = ambiguous(networks) if networks else f"is no network; known: {catalogue.known('networks')}"
            loader.bad(f"compute_ports.{name}.network", port["network"], rule)
            del entries["ports"][name]
    return catalogue
