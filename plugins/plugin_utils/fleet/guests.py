# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The servers of a fleet for an inventory: who is there, under which name, in which groups, and where to log in to; pure.

What a host says of its servers is its own to say, and nobody else's: it can take no name, no group and no address of another host or of the controller.
"""

from __future__ import annotations

import ipaddress
import re
import typing as t
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping

from ansible_collections.kvmfleet.compute.plugins.plugin_utils.fleet.census import records_of, zones_of
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.fleet.inventory_names import GROUP, InventoryNames
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.fleet.nova_view import Login, addresses_of, logins_of, status_of
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.lines import named
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.shapes import Fleet, FleetHost, FleetInstance, Guest, Guests

VERSION = 1
MOST_NAMED = 5
MOST_SHOWN = 60  # characters of what a host has said
MOST_OF_GROUP = 100  # characters of a group's name
_ODD_IN_NAME = re.compile(r"[^\w.-]")
_ODD_IN_GROUP = re.compile(r"[^A-Za-z0-9_]")


def _guest(record: FleetInstance, zones: Mapping[str, str]) -> Guest:
    origin: Mapping[str, t.Any] = record["origin"] or {}
    return {
        "id": record["uuid"],
        "name": record["display_name"],
        "hostname": record["hostname"],
        "project": record["project_id"],
        "host": record["host"],
        "zone": record["availability_zone"] or zones.get(record["host"]),
        "state": status_of(record["power_state"]),
        "flavor": record["flavor"]["name"],
        "image": record["image"]["name"] if record["image"] else None,
        "group": record["group"]["name"] if record["group"] else None,
        "tags": record["tags"],
        "metadata": {key: str(value) for key, value in record["metadata"].items()},
        "reservation_id": record["reservation_id"],
        "created_at": record.get("created_at"),
        "expires_at": record["expires_at"],
        "owner": origin.get("owner"),
        "job": origin.get("job"),
        "template": origin.get("template"),
        "addresses": addresses_of(record["ports"]),
    }


def _addresses_of_host(host: FleetHost) -> list[str]:
    return sorted({*host["addresses"], *([host["host_ip"]] if host["host_ip"] else [])})


def guests_of(fleet: Fleet) -> Guests:
    """The servers that are built; one that is on its way to another host counts where it still runs."""
    zones = zones_of(fleet)
    read = {name: entry["state"] for name, entry in fleet["hosts"].items() if entry["state"]}
    return {
        "version": VERSION,
        "guests": [
            _guest(record, zones) for host in read.values() for record in records_of(host) if record["vm_state"] == "active" and not record.get("migrating")
        ],
        "hosts": {name: _addresses_of_host(host) for name, host in read.items()},
        "unread": {name: entry["error"] or entry["status"] for name, entry in fleet["hosts"].items() if not entry["state"]},
    }


def _shown(text: str) -> str:
    """What a host has said, in a line of ours."""
    return repr(text if len(text) <= MOST_SHOWN else f"{text[:MOST_SHOWN]}…")


def _who(guest: Guest) -> str:
    return f"server {_shown(guest['name'])} of project {_shown(guest['project'])} on host {guest['host']}"


def _group(kind: str, *parts: str) -> str:
    return _ODD_IN_GROUP.sub("_", "_".join(["kvmfleet", kind, *filter(None, parts)]))[:MOST_OF_GROUP]


def groups_of(guest: Guest) -> list[str]:
    """Its groups: C(kvmfleet_servers), and by project, host, zone, server group, tag and metadata, whose names are made of letters, digits and underscores."""
    groups = [GROUP, _group("project", guest["project"]), _group("host", guest["host"])]
    groups += [_group("zone", guest["zone"])] if guest["zone"] else []
    groups += [_group("group", guest["group"])] if guest["group"] else []
    groups += [_group("tag", tag) for tag in guest["tags"]]
    groups += [_group("metadata", key, value) for key, value in guest["metadata"].items()]
    return list(dict.fromkeys(groups))


def _forms(guest: Guest) -> list[str]:
    """The names that it may have, the shortest first."""
    whole = f"{guest['project']}_{guest['name']}"
    forms = (guest["name"], whole, f"{whole}_{guest['id'][:8]}")
    # A host of an inventory has a name that a pattern can name and a terminal can show.
    return [re.sub(r"\A-", "_", _ODD_IN_NAME.sub("_", form))[:255] for form in forms]


class Entry(t.NamedTuple):
    """A server as a host of an inventory."""

    name: str
    guest: Guest
    login: Login
    groups: list[str]
    is_there: bool  # the inventory has it already, with its kvmfleet_id: what the user says of it stays


class Entries(t.NamedTuple):
    """All servers that can be logged in to, and a sentence for each thing that is not as it was asked for."""

    entries: list[Entry]
    warnings: list[str]


def entries_of(found: Guests, names: InventoryNames, network: str | None, *, behind_hosts: bool = False) -> Entries:
    """``names``: the hosts and groups of the inventory so far; ``network``: the one to log in by, any if None.

    ``behind_hosts``: each server is reached from its hypervisor, so that those of two hypervisors may share an address.
    """
    warnings: list[str] = []
    once = list(_once(found["guests"], warnings))
    logins = _logins(once, found["hosts"], network, behind_hosts, warnings)
    there = [guest for guest in once if guest["id"] in logins]
    called = _names(there, names, found["hosts"], warnings)
    entries = [
        Entry(names.name(called[guest["id"]]), guest, logins[guest["id"]], groups_of(guest), names.is_there(called[guest["id"]]))
        for guest in there
        if guest["id"] in called
    ]
    # Not as hosts list them, which is by chance: who reads a graph finds a name.
    return Entries(sorted(entries, key=lambda entry: entry.name), warnings)


def _once(guests: Iterable[Guest], warnings: list[str]) -> Iterator[Guest]:
    """Those whose id one host alone claims."""
    claims: defaultdict[str, list[Guest]] = defaultdict(list)
    for guest in guests:
        claims[guest["id"]].append(guest)
    for uuid, claimed in claims.items():
        if len(claimed) == 1:
            yield claimed[0]
        else:
            warnings.append(f"server {_shown(uuid)} is on {' and on '.join(guest['host'] for guest in claimed[:MOST_NAMED])}: it is left out")


def _wrong_with(address: str, of_hosts: Mapping[str, str]) -> str | None:
    """Why nobody should log in there for a server; None if nothing is wrong."""
    try:
        given = ipaddress.ip_address(address)
    except ValueError:
        return "is no address"
    mapped = given.ipv4_mapped if isinstance(given, ipaddress.IPv6Address) else None
    ip = mapped or given
    if ip.is_loopback or ip.is_unspecified or ip.is_multicast or ip.is_link_local or (ip.version == 4 and ip.is_reserved):
        return "is no address of a server"
    return f"is an address of host {of_hosts[str(ip)]}" if str(ip) in of_hosts else None


def _logins(guests: list[Guest], hosts: Mapping[str, list[str]], network: str | None, behind_hosts: bool, warnings: list[str]) -> dict[str, Login]:
    """Where to log in, by id of the server, of those that have an address or a port of their own."""
    of_hosts = {address: name for name, addresses in hosts.items() for address in addresses}
    chosen: dict[str, Login] = {}
    without: list[str] = []
    for guest in guests:
        offered = logins_of({name: listed for name, listed in guest["addresses"].items() if network in (None, name)})
        # A port is one of the server's own hypervisor, and nobody logs in there but through that.
        wrong = {login: why for login in offered if login.port is None and (why := _wrong_with(login.address, of_hosts))}
        warnings.extend(f"{_who(guest)}: {login.address} {why}" for login, why in wrong.items())
        good = [login for login in offered if login not in wrong]
        if good:
            chosen[guest["id"]] = good[0]
        else:
            without.append(_who(guest))
    if without:
        where = f" in network {network}" if network else ""
        warnings.append(f"without an address{where} and left out: {named(without, MOST_NAMED)}")
    users: defaultdict[tuple[str, Login], list[Guest]] = defaultdict(list)
    for guest in guests:
        if guest["id"] in chosen:
            login = chosen[guest["id"]]
            users[guest["host"] if behind_hosts or login.port is not None else "", login].append(guest)
    for (host, login), shared in users.items():
        if len(shared) > 1:
            what = login.address if login.port is None else f"port {login.port} of host {host}"
            warnings.append(f"{what} is the address of several servers, which are left out: {named([_who(guest) for guest in shared], MOST_NAMED)}")
    alone = {guest["id"] for shared in users.values() if len(shared) == 1 for guest in shared}
    return {uuid: login for uuid, login in chosen.items() if uuid in alone}


def _names(guests: list[Guest], names: InventoryNames, hosts: Mapping[str, object], warnings: list[str]) -> dict[str, str]:
    """A name for each server, by its id: its own, else with its project, else with its project and its id. Whoever shares a name gives it up."""
    groups = {group for guest in guests for group in groups_of(guest)}
    forms = {guest["id"]: _forms(guest) for guest in guests}
    whys: dict[str, str] = {}
    while True:
        shared = Counter(names.name(left[0]) for left in forms.values() if left)
        taken = {
            guest["id"]: why for guest in guests if forms[guest["id"]] and (why := _why_taken(guest["id"], forms[guest["id"]][0], names, hosts, groups, shared))
        }
        if not taken:
            break
        for uuid, why in taken.items():
            whys.setdefault(uuid, why)
            forms[uuid] = forms[uuid][1:]
    for guest in guests:
        if guest["id"] in whys:
            left = forms[guest["id"]]
            outcome = f"is {names.name(left[0])} in the inventory" if left else "is left out"
            warnings.append(f"{_who(guest)} {outcome}: {whys[guest['id']]}")
    return {uuid: left[0] for uuid, left in forms.items() if left}


def _why_taken(uuid: str, form: str, names: InventoryNames, hosts: Mapping[str, object], groups: set[str], shared: Counter[str]) -> str | None:
    name = names.name(form)
    if name in hosts:
        return f"{name} is a hypervisor"
    if name in groups:
        return f"{name} is a group of servers"
    if shared[name] > 1:
        return f"{shared[name]} servers would be {name}"
    return names.rule(form, uuid)
