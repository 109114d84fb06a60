"""Requests to the registrar, whole and small, and a run that makes them."""

from __future__ import annotations

import ipaddress
import typing as t

from ansible_collections.kvmfleet.compute.plugins.module_utils.registrar import ledger as ledgers
from ansible_collections.kvmfleet.compute.plugins.module_utils.registrar import reserve, settle, tickets

if t.TYPE_CHECKING:
    from ansible_collections.kvmfleet.compute.plugins.module_utils.registrar.ledger import Ledger
    from ansible_collections.kvmfleet.compute.plugins.module_utils.registrar.sqlite_store import Answer, Operation
    from ansible_collections.kvmfleet.compute.plugins.module_utils.shapes import (
        AddressPool,
        AddressWish,
        BeginAnswer,
        BeginRequest,
        Epoch,
        EpochId,
        GroupUse,
        PortWish,
        Process,
        Quota,
        Reservation,
        ReserveAnswer,
        ReserveRequest,
        ServerWish,
        SettleRequest,
    )

EPOCH: EpochId = {"number": 1, "id": "first"}
HOSTS = ["h1", "h2", "h3"]
LASTS_S, CLAIM_S, SKEW_S = 1000, 100, 10


def begin_request(highest_ticket: int = 0, epoch: EpochId | None = None, process: Process | None = None) -> BeginRequest:
    return {"epoch": epoch or EPOCH, "highest_ticket": highest_ticket, "run": "run", "lasts_s": LASTS_S, "process": process}


def pool(first: str, last: str, segment: str = "br0") -> AddressPool:
    start, end = ipaddress.ip_address(first), ipaddress.ip_address(last)
    return {"segment": segment, "version": start.version, "free": [(int(start), int(end))]}


def port(number: int, *addresses: str | list[str], segment: str = "br0", mac: str | None = None) -> PortWish:
    """A port; an address is one that is asked for, or the pools that one is chosen from."""
    wishes: list[AddressWish] = [
        {"ip_address": address, "pools": []} if isinstance(address, str) else {"ip_address": None, "pools": address} for address in addresses
    ]
    return {"id": f"port-{number}", "segment": segment, "mac_address": mac or f"fa:16:3e:00:{number >> 8:02x}:{number & 255:02x}", "addresses": wishes}


def server(
    uuid: str, host: str = "h1", *ports: PortWish, name: str | None = None, group: str | None = None, amounts: dict[str, int] | None = None
) -> ServerWish:
    return {"uuid": uuid, "host": host, "project": "p", "name": name or uuid, "group": group, "ports": list(ports), "amounts": amounts or {}}


def group(policy: str, limit: int = 1, members: dict[str, str] | None = None) -> GroupUse:
    return {"name": "the group", "policy": policy, "max_server_per_host": limit, "members": members or {}}


def reserve_request(ticket: int, servers: list[ServerWish], **fields: t.Any) -> ReserveRequest:
    request: ReserveRequest = {
        "epoch": EPOCH,
        "highest_ticket": 0,
        "ticket": ticket,
        "hosts": HOSTS,
        "ended": {},
        "claim_s": CLAIM_S,
        "max_skew_s": SKEW_S,
        "seen": [],
        "pools": {},
        "quotas": {},
        "groups": {},
        "project_groups": {},
        "servers": servers,
    }
    return t.cast("ReserveRequest", {**request, **fields})


def quota(limit: int, used: int = 0, resource: str = "cores") -> dict[str, dict[str, Quota]]:
    return {"p": {resource: {"limit": limit, "used": used}}}


class Registrar:
    """The pure ledger with a clock."""

    def __init__(self) -> None:
        self.epoch = EPOCH
        self.ledger: Ledger = ledgers.found(None, EPOCH, 0)
        self.now = 1_000_000

    def transact(self, operation: Operation[Answer]) -> Answer:
        """An operation's answer; the ledger is as it left it."""
        self.ledger, answer = operation(self.ledger)
        return answer

    def begin(self) -> int:
        return self.begun()["ticket"]["ticket"]

    def begun(self, process: Process | None = None) -> BeginAnswer:
        return self.transact(lambda ledger: tickets.begin(ledger, begin_request(epoch=self.epoch, process=process), self.now))

    def reserve(self, ticket: int, *servers: ServerWish, **fields: t.Any) -> ReserveAnswer:
        request = reserve_request(ticket, list(servers), **{"epoch": self.epoch, **fields})
        return self.transact(lambda ledger: reserve.reserve(ledger, request, self.now))

    def settle(self, ticket: int, claimed: t.Sequence[str] = (), absent: t.Sequence[str] = (), epoch: EpochId | None = None) -> None:
        request: SettleRequest = {"epoch": epoch or self.epoch, "ticket": ticket, "claimed": list(claimed), "absent": list(absent)}
        self.transact(lambda ledger: settle.settle(ledger, request, self.now))

    def renew(self, ticket: int, epoch: EpochId | None = None) -> None:
        self.transact(lambda ledger: tickets.renew(ledger, {"epoch": epoch or self.epoch, "ticket": ticket}, self.now))

    def carry(self, hosts: list[str]) -> None:
        """A later epoch with these hosts."""
        number = self.epoch["number"] + 1
        self.epoch = {"number": number, "id": f"epoch-{number}"}
        carried: Epoch = {**self.epoch, "fleet": "first", "store": "sqlite", "registrar": "h1", "is_carried": True, "hosts": hosts, "replaces": [hosts]}
        self.transact(lambda ledger: (ledgers.carried(ledger, carried), None))

    def held(self) -> list[Reservation]:
        return list(self.ledger.reservations.values())


def addresses(answer: ReserveAnswer) -> dict[str, list[str]]:
    """The addresses that servers were granted."""
    return {held["server"]: [address for port in held["ports"] for address in port["ip_addresses"]] for held in answer["granted"]}


def losses(answer: ReserveAnswer) -> dict[str, str]:
    """The error classes of the servers that lost."""
    return {lost["server"]: lost["error"]["error_class"] for lost in answer["lost"]}
