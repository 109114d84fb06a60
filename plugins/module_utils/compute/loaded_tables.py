# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What servers need in the host's tables of nftables: loaded before a guest runs, dropped with it.

Whoever changes it holds the host's lock for network filters. Nothing of another server's is touched, so that it does not matter who comes and goes at the same
time. Only a zone is shared, by all servers on its bridge: a server that goes leaves it to those whose domains are there.
"""

from __future__ import annotations

import typing as t

from ansible_collections.kvmfleet.compute.plugins.module_utils.compute.on_demand import made_bindings, needed_bridges
from ansible_collections.kvmfleet.compute.plugins.module_utils.errors import ServerError
from ansible_collections.kvmfleet.compute.plugins.module_utils.network.filters import tables
from ansible_collections.kvmfleet.compute.plugins.module_utils.network.filters.tables import Chain, Loaded
from ansible_collections.kvmfleet.compute.plugins.module_utils.network.on_demand.names import bridge_of
from ansible_collections.kvmfleet.compute.plugins.module_utils.network.packet_tables import PacketTablesLike
from ansible_collections.kvmfleet.compute.plugins.module_utils.shapes import Domain, Record


class Lacking(t.NamedTuple):
    """A server's device, or the bridge that it is on, that lacks its rules."""

    record: Record
    device: str


def _bridges(record: Record) -> t.List[str]:
    return [bridge_of(binding) for binding in made_bindings(record["ports"])]


def needs(record: Record) -> bool:
    """True if a server needs anything there."""
    return bool(chains_of(record, {}))


def chains_of(record: Record, loaded: Loaded) -> t.List[Chain]:
    """What a server needs, where this is loaded."""
    of_ports = [chain for chain in map(tables.port_chain, record["ports"]) if chain is not None]
    return of_ports + tables.zone_chains(_bridges(record), loaded)


def load(packet_tables: PacketTablesLike, record: Record) -> None:
    """What a server needs is loaded; ServerError (PortBindingFailed) if somebody else has a table of that name.

    A host without nftables gets no port that is to be filtered (``network/port_security.py``), and does without zones for others.
    """
    if not needs(record) or packet_tables.missing():
        return
    loaded = packet_tables.loaded()
    wanted = chains_of(record, loaded)
    _check_ours(wanted, loaded)
    script = tables.to_add(wanted, loaded)
    if script:
        packet_tables.load(script)


def _check_ours(wanted: t.Iterable[Chain], loaded: Loaded) -> None:
    for family in sorted({chain.family for chain in wanted}):
        if tables.is_foreign(family, loaded):
            why = f"the host has a table {family} {tables.TABLE} of nftables that is not of this collection; it is left alone"
            raise ServerError("PortBindingFailed", why, reschedule=True)


def lacking(packet_tables: PacketTablesLike, records: t.Iterable[Record]) -> t.List[Lacking]:
    """What these servers lack; ServerError if the host has no nftables or somebody else's table stands in the way."""
    needing = [record for record in records if needs(record)]
    if not needing:
        return []
    missing = packet_tables.missing()
    if missing:
        raise ServerError("PortBindingFailed", missing, reschedule=True)
    loaded = packet_tables.loaded()
    wanted = [(record, chain) for record in needing for chain in chains_of(record, loaded)]
    _check_ours((chain for _record, chain in wanted), loaded)
    return [Lacking(record, chain.device) for record, chain in wanted if not tables.is_loaded(chain, loaded)]


def drop(packet_tables: PacketTablesLike, record: Record, others: t.Callable[[], t.Iterable[Domain]]) -> None:
    """What a server needs is dropped, unless it is a zone that one of the ``others`` needs, too; which domains these are is asked only if it has a zone."""
    if not needs(record) or packet_tables.missing():
        return
    loaded = packet_tables.loaded()
    if not loaded:
        return
    devices = {port["device"] for port in record["ports"]}.union(_bridges(record))
    if _bridges(record):
        devices -= needed_bridges(others())
    _drop(packet_tables, loaded, devices)


def unneeded(packet_tables: PacketTablesLike, domains: t.Callable[[], t.Collection[Domain]]) -> t.List[str]:
    """The devices whose rules none of the host's domains needs; these are asked for only if there are any rules."""
    found = {} if packet_tables.missing() else _devices(packet_tables.loaded())
    devices = {device for names in found.values() for device in names.values()}
    if devices:
        there = domains()
        devices -= needed_bridges(there).union(port["device"] for domain in there if domain["record"] is not None for port in domain["record"]["ports"])
    return sorted(devices)


def drop_devices(packet_tables: PacketTablesLike, devices: t.Container[str]) -> None:
    """The rules of these devices are dropped."""
    _drop(packet_tables, packet_tables.loaded(), devices)


def _devices(loaded: Loaded) -> t.Dict[str, t.Dict[str, str]]:
    """The device of each chain that has one, by family and name."""
    return {
        family: {name: device for name in names for device in [tables.device_of(family, name)] if device is not None}
        for family, names in loaded.items()
        if not tables.is_foreign(family, loaded)
    }


def _drop(packet_tables: PacketTablesLike, loaded: Loaded, devices: t.Container[str]) -> None:
    going = {family: [name for name, device in names.items() if device in devices] for family, names in _devices(loaded).items()}
    script = tables.to_drop(going, loaded)
    if script:
        packet_tables.load(script)
