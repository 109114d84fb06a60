# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the ports of a host are not filtered as they must be: a filter, a set or rules of the kernel that somebody has removed, changed or emptied."""

from __future__ import annotations

import typing as t

from ansible_collections.kvmfleet.compute.plugins.module_utils.compute import group_sets, loaded_tables, locks, membership_file
from ansible_collections.kvmfleet.compute.plugins.module_utils.compute.filters import filters_of, known_groups, secured, sets_of
from ansible_collections.kvmfleet.compute.plugins.module_utils.errors import ServerError
from ansible_collections.kvmfleet.compute.plugins.module_utils.filter_parser import parse_filter
from ansible_collections.kvmfleet.compute.plugins.module_utils.hypervisor import HypervisorLike
from ansible_collections.kvmfleet.compute.plugins.module_utils.network.filters.names import GROUP, IP_VERSIONS, group_filter_name
from ansible_collections.kvmfleet.compute.plugins.module_utils.network.ip_sets import IpSetsLike
from ansible_collections.kvmfleet.compute.plugins.module_utils.network.membership import Membership
from ansible_collections.kvmfleet.compute.plugins.module_utils.network.packet_rules import PacketRulesLike
from ansible_collections.kvmfleet.compute.plugins.module_utils.network.packet_tables import PacketTablesLike
from ansible_collections.kvmfleet.compute.plugins.module_utils.shapes import Domain, NetworkFilter, Port, Record

RUNNING = ("running", "paused")


class DifferingFilter(t.NamedTuple):
    """A network filter that is not there as it must be."""

    xml: str
    what: str
    is_missing: bool  # or it is another one

    @property
    def is_of_group(self) -> bool:
        """Ports refer to it."""
        return parse_filter(self.xml)["name"].startswith(GROUP)


def active(domains: t.Iterable[Domain]) -> t.List[Record]:
    """The servers whose filters must be there: one that is being built gets them by whoever builds it."""
    return [domain["record"] for domain in domains if domain["record"] is not None and domain["record"]["vm_state"] == "active"]


def settled(hypervisor: HypervisorLike, state_path: str) -> t.Callable[[str], bool]:
    """Is a server, by its id, there with nobody at work on it? Who starts or deletes it makes its filters and rules, or has removed them."""
    return lambda uuid: not locks.is_locked(state_path, uuid) and hypervisor.find(uuid) is not None


def differing_filters(
    records: t.Iterable[Record], membership: Membership, standing: t.Mapping[str, NetworkFilter], is_settled: t.Callable[[str], bool]
) -> t.Tuple[t.List[DifferingFilter], t.List[str]]:
    """(the filters of these servers that are not there as they must be, those of groups first; why others can't be made)."""
    different: t.Dict[str, DifferingFilter] = {}
    problems = []
    for record in records:
        try:
            for xml in filters_of(record, known_groups(record, membership), standing) if secured(record["ports"]) else []:
                wanted = parse_filter(xml)
                found = standing.get(wanted["name"])
                # One that is there can't be removed meanwhile, for want of the lock.
                if found["content"] != wanted["content"] if found is not None else is_settled(record["uuid"]):
                    different[wanted["name"]] = DifferingFilter(xml, _whose(wanted, record), is_missing=found is None)
        except ServerError as error:
            if is_settled(record["uuid"]):
                problems.append(f"server {record['display_name']}: {error.message}")
    return sorted(different.values(), key=lambda item: not item.is_of_group), problems


def _whose(wanted: NetworkFilter, record: Record) -> str:
    for group in record["security_groups"]:
        if wanted["name"] in {group_filter_name(group["id"], record["project_id"], ethertype) for ethertype in IP_VERSIONS}:
            return f"network filter of security group {group['name']}"
    return f"network filter of a port of server {record['display_name']}"


class OpenPort(t.NamedTuple):
    """A port of a running guest that lacks rules of the kernel."""

    record: Record
    port: Port


def running(domains: t.Iterable[Domain]) -> t.List[Record]:
    """The servers whose guests run."""
    return [record for domain in domains for record in active([domain]) if domain["power_state"] in RUNNING]


def unloaded(domains: t.Iterable[Domain], tables: PacketTablesLike, is_settled: t.Callable[[str], bool]) -> t.List[loaded_tables.Lacking]:
    """What running guests lack in the kernel's tables of nftables; ServerError as ``loaded_tables.lacking``."""
    return [item for item in loaded_tables.lacking(tables, running(domains)) if is_settled(item.record["uuid"])]


def open_ports(domains: t.Iterable[Domain], rules: PacketRulesLike, is_settled: t.Callable[[str], bool]) -> t.List[OpenPort]:
    """The ports of running guests that lack rules of the kernel."""
    ports = {port["id"]: OpenPort(record, port) for record in running(domains) for port in secured(record["ports"])}
    found = [ports[port["id"]] for port in rules.unfiltered_ports([item.port for item in ports.values()])]
    return [item for item in found if is_settled(item.record["uuid"])]


def gaps(
    hypervisor: HypervisorLike,
    state_path: str,
    ip_sets: IpSetsLike,
    rules: PacketRulesLike,
    tables: PacketTablesLike,
    domains: t.Collection[Domain],
) -> t.List[str]:
    """A sentence for each; ``domains`` may have been read a while ago."""

    def look(domains: t.Collection[Domain]) -> t.List[str]:
        is_settled = settled(hypervisor, state_path)
        return [*_look(hypervisor, state_path, ip_sets, rules, domains, is_settled), *_look_at_tables(tables, domains, is_settled)]

    first = look(domains)
    # While somebody defines a filter, or tells the host of members, rules and sets are others for a moment.
    still = set(look(hypervisor.domains())) if first else set()
    return [what for what in first if what in still]


def _look_at_tables(tables: PacketTablesLike, domains: t.Collection[Domain], is_settled: t.Callable[[str], bool]) -> t.List[str]:
    try:
        return [
            f"the kernel lacks rules of nftables for {item.device} of server {item.record['display_name']}" for item in unloaded(domains, tables, is_settled)
        ]
    except ServerError as error:
        return [error.message]


def _look(
    hypervisor: HypervisorLike,
    state_path: str,
    ip_sets: IpSetsLike,
    rules: PacketRulesLike,
    domains: t.Collection[Domain],
    is_settled: t.Callable[[str], bool],
) -> t.List[str]:
    records = [record for record in active(domains) if secured(record["ports"])]
    if not records:
        return []
    standing = {found["name"]: found for found in hypervisor.filters()}
    found: t.List[str] = []
    try:
        membership = membership_file.read(state_path)
        filters, found = differing_filters(records, membership, standing, is_settled)
        found += [f"the {item.what} {'is missing' if item.is_missing else 'is not what it must be'}" for item in filters]
        different = group_sets.difference(ip_sets, membership, sets_of(standing.values()))
        found += [f"the IP set {name} is not what it must be" for name in different.names()]
        unfiltered = open_ports(domains, rules, is_settled)
        found += [f"the kernel lacks rules for {item.port['device']} of server {item.record['display_name']}" for item in unfiltered]
    except ServerError as error:
        found.append(error.message)
    return list(dict.fromkeys(found))
