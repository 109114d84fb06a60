# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a run asks of the registrar before its claims: for each server of the round that is to be claimed its name, ports, addresses and amounts; pure.

A server that is there already, and one that a dead run left, needs nothing: facts show what it has.
"""

from __future__ import annotations

import ipaddress
import typing as t

from ansible_collections.kvmfleet.compute.plugins.module_utils.shapes import AddressWish, EpochId, GroupUse, Port, PortWish, Quota, ReserveRequest, ServerWish
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.address_modes import made_of
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.allocation.addresses import chosen_from, named
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.allocation.pools import Pools
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.fleet.census import records
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.fleet.dead_runs import ended
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.quota_resources import amounts
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.shapes import Agreement, BuildRequest, Fleet, KeptPort, Network, Placed, RequestedNetwork, Round

# A host's deadline is by its own clock, from when this controller heard it (granted.py): what is left is a step of the registrar's clock.
SLACK_S = 10
Quotas = dict[str, dict[str, Quota]]  # by project and resource


def to_reserve(state: Round) -> list[Placed]:
    """The servers whose claims need a grant, in the order of the requests."""
    servers = [server["placed"] for server in state["servers"].values() if server["status"] == "placed"]
    return [placed for placed in servers if placed and placed["action"] == "build"]


class Wishes:
    """Makes the requests of a run: what the facts show is looked through once."""

    def __init__(self, requests: list[BuildRequest], fleet: Fleet, kept_ports: list[KeptPort], quotas: Quotas) -> None:
        self._networks = {request["instance"]["uuid"]: request["networks"] for request in requests}
        self._fleet, self._quotas = fleet, quotas
        self._pools = Pools([host["state"] for host in fleet["hosts"].values() if host["state"]], kept_ports)

    def networks(self, uuid: str) -> list[RequestedNetwork]:
        """What the ports of a server are made of, in their order."""
        return self._networks[uuid]

    def request(self, state: Round, agreement: Agreement, ticket: int, claim_s: int) -> ReserveRequest:
        """What is asked for a round, whose claims may be taken for ``claim_s`` s."""
        servers = to_reserve(state)
        epoch: EpochId = {"number": agreement["epoch"]["number"], "id": agreement["epoch"]["id"]}
        return {
            "epoch": epoch,
            "highest_ticket": agreement["highest_ticket"],
            "ticket": ticket,
            "hosts": [name for name, host in self._fleet["hosts"].items() if host["state"]],
            "ended": ended(self._fleet, epoch),
            "claim_s": claim_s,
            "max_skew_s": SLACK_S,
            "seen": [record["uuid"] for record in records(self._fleet) if record["project_id"] in self._quotas],
            "servers": [self._server(placed) for placed in servers],
            "pools": self._pools.made,
            "quotas": self._quotas,
            "groups": self._groups(servers),
            "project_groups": self._project_groups(),
        }

    def _server(self, placed: Placed) -> ServerWish:
        instance = placed["instance"]
        ports = zip(instance["ports"], self._networks[instance["uuid"]], strict=True)
        return {
            "uuid": instance["uuid"],
            "host": placed["host"],
            "project": instance["project_id"],
            "name": instance["display_name"],
            "group": instance["group"]["id"] if instance["group"] else None,
            "ports": [self._port(port, wanted, placed["host"]) for port, wanted in ports],
            "amounts": amounts(instance),
        }

    def _port(self, port: Port, wanted: RequestedNetwork, host: str) -> PortWish:
        segment = self._pools.segments.one(port["binding"], host)
        asked: list[AddressWish] = [{"ip_address": address, "pools": []} for address in named(wanted)]
        network = wanted["network"]
        chosen: list[AddressWish] = [{"ip_address": None, "pools": self._pools.keys(network, version, segment)} for version in versions(network)]
        made: list[AddressWish] = [{"ip_address": address, "pools": []} for address in made_of(port["mac_address"], network)]
        return {"id": port["id"], "segment": segment, "mac_address": port["mac_address"], "addresses": [*(asked or chosen), *made]}

    def _project_groups(self) -> dict[str, list[str]]:
        groups: dict[str, set[str]] = {project: set() for project in self._quotas}
        for record in records(self._fleet):
            if record["group"] and record["project_id"] in groups:
                groups[record["project_id"]].add(record["group"]["id"])
        return {project: sorted(ids) for project, ids in groups.items()}

    def _groups(self, servers: t.Iterable[Placed]) -> dict[str, GroupUse]:
        groups: dict[str, GroupUse] = {}
        for placed in servers:
            group = placed["instance"]["group"]
            if group:
                most = int(group["rules"].get("max_server_per_host") or 1)
                groups[group["id"]] = {"name": group["name"], "policy": group["policy"], "max_server_per_host": most, "members": {}}
        for record in records(self._fleet) if groups else ():
            if record["group"] and record["group"]["id"] in groups:
                groups[record["group"]["id"]]["members"][record["uuid"]] = record["host"]
        return groups


def versions(network: Network) -> list[int]:
    """The IP versions of a network's subnets: a port has an address of each, chosen for it."""
    return sorted({ipaddress.ip_network(subnet["cidr"]).version for subnet in chosen_from(network)})
