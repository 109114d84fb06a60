# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Inventory: the servers of a fleet, to log in to tomorrow; thin edge over plugin_utils/fleet."""

from __future__ import annotations

DOCUMENTATION = r"""
name: servers
author: The kvmfleet.compute authors (@kvmfleet)
version_added: 0.1.0
short_description: The servers of a fleet as an inventory
description:
  - Every server of this collection that is built is a host, with the address to log in to.
  - The configuration is a YAML file whose name ends in C(kvmfleet.yml) or C(kvmfleet.yaml).
  - What is known of the servers comes from a fleet file, from the fact cache, or from the hypervisors themselves. These are read by Ansible, with the
    inventory and the connection that all playbooks use, so that neither libvirt nor its binding is needed on the controller.
  - A server is in the groups C(kvmfleet_servers), C(kvmfleet_project_NAME), C(kvmfleet_host_NAME), C(kvmfleet_zone_NAME), C(kvmfleet_group_NAME) of its server
    group, C(kvmfleet_tag_TAG) of each tag and C(kvmfleet_metadata_KEY_VALUE) of each item of metadata. What is no letter, digit or underscore is an underscore
    in the name of a group.
  - The variables of a server are C(ansible_host), C(kvmfleet_id), C(kvmfleet_name), C(kvmfleet_hostname), C(kvmfleet_project), C(kvmfleet_host) (its
    hypervisor), C(kvmfleet_zone), C(kvmfleet_state), C(kvmfleet_flavor), C(kvmfleet_image), C(kvmfleet_group), C(kvmfleet_tags), C(kvmfleet_metadata),
    C(kvmfleet_reservation_id), C(kvmfleet_created_at), C(kvmfleet_expires_at), C(kvmfleet_owner), C(kvmfleet_job), C(kvmfleet_template) and
    C(kvmfleet_addresses). None of their values is ever run as a template.
  - A server has its own name. If that is the name of another server, of a hypervisor, of a host or of a group, it is C(PROJECT_NAME), and if that is taken too,
    it has eight characters of its id behind it. A warning says so. What is no letter, digit, dot, underscore or dash is an underscore.
  - A host that the inventory has already with the C(kvmfleet_id) of the server is the server. It gets the groups, and keeps its variables.
  - A server on a network without privileges (C(user) of C(compute_networks)) is reached at a port of its hypervisor's loopback address, through the
    hypervisor, as with O(login_via=hypervisor). By slirp there is none.
  - A server without an address of its own is left out with a warning, and so are servers that one address or one id is told of twice.
  - Hosts and groups of inventories that are read later can't be seen. Name this file last.
extends_documentation_fragment:
  - ansible.builtin.constructed
  - ansible.builtin.inventory_cache
options:
  plugin:
    description: The name of this plugin.
    type: str
    required: true
    choices: [kvmfleet.compute.servers]
  source:
    description:
      - V(fleet_file) is the file O(fleet_file), as the playbook P(kvmfleet.compute.create_server#role) C(fleet) writes it.
      - V(fact_cache) is what the same playbook has put into the fact cache.
      - V(hosts) reads the hypervisors of O(inventory) each time, unless O(cache) is on. A process of its own does this, with the configuration of this run, but
        without its extra variables and without a password that was typed in.
    type: str
    choices: [fleet_file, fact_cache, hosts]
    default: fleet_file
  fleet_file:
    description: The fleet file, for O(source=fleet_file). A relative path is below the folder of the configuration.
    type: str
  inventory:
    description: The inventories of the hypervisors, for O(source=hosts). Relative paths are below the folder of the configuration.
    type: list
    elements: str
    default: []
  hosts:
    description:
      - The pattern of the hypervisors, for O(source=hosts).
      - For O(source=fact_cache) the group whose hosts count, if the inventory has one of this name; else every host of the cache does.
    type: str
    default: hypervisors
  unreachable_hosts:
    description: V(fail) fails if a hypervisor can't be read. V(ignore) warns, and leaves its servers out.
    type: str
    choices: [fail, ignore]
    default: fail
  network:
    description: The network to log in by. Any if left out, IPv4 first. A server without an address in it is left out with a warning.
    type: str
  login_via:
    description:
      - V(hypervisor) logs in through the server's hypervisor, for networks that the controller does not reach. The hypervisors must be in the same inventory,
        with the names that they have here. The user, the key, the port and the SSH arguments of the hypervisor are used; see
        P(kvmfleet.compute.login_proxy#filter).
    version_added: 0.2.0
    type: str
    choices: [direct, hypervisor]
    default: direct
  prefix:
    description: What stands before the name of each server.
    type: str
    default: ""
requirements:
  - jsonschema and netaddr on the controller
seealso:
  - plugin: kvmfleet.compute.fleet_facts
    plugin_type: filter
"""

EXAMPLES = r"""
# servers.kvmfleet.yml, from the file that ansible-playbook kvmfleet.compute.fleet -e compute_fleet_file=fleet.json has written
plugin: kvmfleet.compute.servers
fleet_file: fleet.json

---
# The hypervisors are asked, at most once in ten minutes
plugin: kvmfleet.compute.servers
source: hosts
inventory: [hosts.yml]
network: mgmt
cache: true
cache_plugin: ansible.builtin.jsonfile
cache_connection: .cache/servers
cache_timeout: 600

---
# What the fact cache has, with variables and groups of one's own
plugin: kvmfleet.compute.servers
source: fact_cache
strict: true
compose:
  ansible_user: "'debian' if kvmfleet_image is match('debian') else 'root'"
groups:
  broken: kvmfleet_state != 'ACTIVE'
keyed_groups:
  - key: kvmfleet_flavor
    prefix: flavor
"""

import json
import os
import typing as t

from ansible import constants, template
from ansible.errors import AnsibleParserError
from ansible.inventory.data import InventoryData
from ansible.module_utils.basic import missing_required_lib
from ansible.parsing.dataloader import DataLoader
from ansible.plugins.inventory import BaseInventoryPlugin, Cacheable, Constructable
from ansible.plugins.loader import cache_loader
from ansible.utils.unsafe_proxy import wrap_var

from ansible_collections.kvmfleet.compute.plugins.plugin_utils.edge.plain import NotPlain, plain
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.edge.play_hosts import HostVariables
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.fleet.child_play import is_reading, read_hosts
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.fleet.fleet import FleetError, read_fleet, read_fleet_file
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.fleet.guests import VERSION, Entry, entries_of, guests_of
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.fleet.inventory_names import InventoryNames
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.schema.libraries import MISSING
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.shapes import Fleet, Guests

CACHED_FACTS = "kvmfleet_host_info"
PROXY = "{{ hostvars[kvmfleet_host] | kvmfleet.compute.login_proxy(kvmfleet_host) }}"
PROXY_TO_PORT = "{{ hostvars[kvmfleet_host] | kvmfleet.compute.login_proxy(kvmfleet_host, kvmfleet_id) }}"


def trusted(text: str) -> str:
    """A template of ours; before ansible-core 2.19 every text is one."""
    trust: t.Callable[[str], str] = getattr(template, "trust_as_template", str)
    return trust(text)


def variables_of(entry: Entry) -> dict[str, object]:
    """The variables of a server, marked as what a host has said: before ansible-core 2.19 each text is a template that isn't."""
    told = {f"kvmfleet_{key}": value for key, value in entry.guest.items()}
    login = {"ansible_host": entry.login.address, **({"ansible_port": entry.login.port} if entry.login.port else {})}
    variables: dict[str, object] = wrap_var({"kvmfleet_id": entry.guest["id"]} if entry.is_there else {**login, **told})
    return variables


class InventoryModule(BaseInventoryPlugin, Constructable, Cacheable):
    """Found by Ansible."""

    NAME = "kvmfleet.compute.servers"

    def verify_file(self, path: str) -> bool:
        """True if the file is meant for this plugin."""
        return super().verify_file(path) and path.endswith(("kvmfleet.yml", "kvmfleet.yaml"))

    def parse(self, inventory: InventoryData, loader: DataLoader, path: str, cache: bool = True) -> None:
        """Add the servers; AnsibleParserError with one sentence for what is wrong."""
        super().parse(inventory, loader, path, cache)
        if is_reading():
            return
        for library in MISSING:
            raise AnsibleParserError(missing_required_lib(library))
        self._read_config_data(path)
        try:
            found = self._guests(path, cache)
        except (FleetError, NotPlain) as error:
            raise AnsibleParserError(str(error)) from error
        self._say_unread(found["unread"])
        names = InventoryNames(self.get_option("prefix"), inventory.hosts, inventory.groups, self._id_of)
        entries, warnings = entries_of(found, names, self.get_option("network"), behind_hosts=self._is_behind())
        for warning in warnings:
            self.display.warning(warning)
        for entry in entries:
            self._add(entry)

    def _is_behind(self) -> bool:
        """True if servers are reached through their hypervisors."""
        return bool(self.get_option("login_via") == "hypervisor")

    def _id_of(self, host: str) -> object:
        return self.inventory.hosts[host].vars.get("kvmfleet_id")

    def _say_unread(self, unread: dict[str, str]) -> None:
        for host, why in unread.items():
            if self.get_option("unreachable_hosts") == "fail":
                raise AnsibleParserError(f"host {host}: {why}; unreachable_hosts: ignore leaves its servers out")
            self.display.warning(f"host {host}: {why}; its servers are left out")

    def _guests(self, path: str, cache: bool) -> Guests:
        """The servers, from the inventory's cache if that has them and may be asked."""
        is_cached: bool = self.get_option("cache")
        key = self.get_cache_key(path)
        kept: object = self.cache.get(key) if is_cached and cache else None
        if isinstance(kept, str):
            found: Guests = json.loads(kept)
            if found["version"] == VERSION:
                return found
        found = guests_of(self._fleet(os.path.dirname(os.path.abspath(path))))
        # With a host that could not be read nothing is kept: the next look asks it again.
        if is_cached and not found["unread"]:
            self.cache[key] = json.dumps(found)
        return found

    def _fleet(self, folder: str) -> Fleet:
        source: str = self.get_option("source")
        if source == "fact_cache":
            return self._cached_fleet(self.get_option("hosts"))
        if source == "hosts":
            inventory: list[str] = plain(self.get_option("inventory"))
            if not inventory:
                raise FleetError("inventory: source hosts needs the inventories of the hypervisors")
            return read_hosts([_below(folder, item) for item in inventory], self.get_option("hosts"))
        file: str | None = self.get_option("fleet_file")
        if not file:
            raise FleetError("fleet_file: source fleet_file needs a file; the other sources are fact_cache and hosts")
        return read_fleet_file(_below(folder, file))

    def _cached_fleet(self, group: str) -> Fleet:
        """What the playbook ``fleet`` has put into the fact cache."""
        cache = cache_loader.get(constants.CACHE_PLUGIN)
        of_group = self.inventory.groups.get(group)
        members = {host.name for host in of_group.get_hosts()} if of_group else set()
        facts: dict[str, dict[str, t.Any]] = {name: cache.get(name) for name in sorted(cache.keys()) if not members or name in members}
        known = {name: {CACHED_FACTS: of_host[CACHED_FACTS]} for name, of_host in facts.items() if CACHED_FACTS in of_host}
        if not known:
            raise FleetError(f"the fact cache ({constants.CACHE_PLUGIN}) has no {CACHED_FACTS}; ansible-playbook kvmfleet.compute.fleet puts it there")
        return read_fleet({name: HostVariables(known, name, (CACHED_FACTS,)) for name in known}, CACHED_FACTS)

    def _add(self, entry: Entry) -> None:
        name = self.inventory.add_host(entry.name)
        for group in entry.groups:
            self.inventory.add_child(self.inventory.add_group(group), name)
        variables = variables_of(entry)
        for key, value in variables.items():
            self.inventory.set_variable(name, key, value)
        if (self._is_behind() or entry.login.port) and not entry.is_there:
            # A template of ours, run when somebody logs in: by then all variables of the hypervisor are known.
            self.inventory.set_variable(name, "ansible_ssh_common_args", trusted(PROXY_TO_PORT if entry.login.port else PROXY))
        strict: bool = self.get_option("strict")
        self._set_composite_vars(self.get_option("compose"), variables, name, strict=strict)
        self._add_host_to_composed_groups(self.get_option("groups"), variables, name, strict=strict)
        self._add_host_to_keyed_groups(self.get_option("keyed_groups"), variables, name, strict=strict)


def _below(folder: str, path: str) -> str:
    return os.path.join(folder, os.path.expanduser(path))
