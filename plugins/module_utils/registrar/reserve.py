# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a run may claim: every name, address, quota and group member of all its servers is granted in one step; pure.

1. What counts is what the ledger says of the run's ticket (``ledger.py``), without what the run itself held for the servers that it names again, and without
   what killed runs held on hosts whose facts the run has read since they were told.
2. Addresses that servers of the request name, or held before, are kept from automatic choice. So a retry keeps its addresses unless others have them since.
3. Server by server, in the order of the request, each is granted whole or loses whole; what is granted counts for those behind it.
"""

from __future__ import annotations

import typing as t

from ansible_collections.kvmfleet.compute.plugins.module_utils.errors import ServerError
from ansible_collections.kvmfleet.compute.plugins.module_utils.registrar.group import Group, InTheWay
from ansible_collections.kvmfleet.compute.plugins.module_utils.registrar.holders import Holders
from ansible_collections.kvmfleet.compute.plugins.module_utils.registrar.ledger import (
    Ledger,
    compact,
    counts,
    current,
    end,
    expire,
    is_ended,
    open_ticket,
    renewed,
    see,
)
from ansible_collections.kvmfleet.compute.plugins.module_utils.registrar.pool import Pool, canonical
from ansible_collections.kvmfleet.compute.plugins.module_utils.registrar.usage import Usage
from ansible_collections.kvmfleet.compute.plugins.module_utils.shapes import (
    AddressWish,
    Lost,
    PortWish,
    Reservation,
    ReserveAnswer,
    ReservedPort,
    ReserveRequest,
    ServerWish,
)

Address = t.Tuple[str, str]  # segment and IP address in its one spelling


def reserve(ledger: t.Optional[Ledger], request: ReserveRequest, now: int) -> t.Tuple[Ledger, ReserveAnswer]:
    """Grant what can be granted; ``now`` is Unix time in s. Refused if the ledger can't be trusted, or the run's epoch or ticket is over.

    The same request again has the same answer but for the deadlines; a server that is placed on another host takes what it holds with it.
    """
    ledger = expire(current(ledger, request["epoch"], request["highest_ticket"]), now)
    ledger, ticket = renewed(ledger, open_ticket(ledger, request["ticket"]), now)
    hosts, ended = set(request["hosts"]), request["ended"]
    ledger = end(see(ledger, ticket["ticket"], hosts), ended)
    named = {(ticket["ticket"], wish["uuid"]) for wish in request["servers"]}
    before = {key[1]: held for key, held in ledger.reservations.items() if key in named}
    reservations = {key: held for key, held in ledger.reservations.items() if key not in named}
    counted = [held for held in reservations.values() if counts(held, ticket["ticket"], hosts) and not is_ended(held, ended)]
    grants = _Grants(request, before, counted, now)
    granted: t.List[Reservation] = []
    lost: t.List[Lost] = []
    for wish in request["servers"]:
        try:
            held = grants.grant(wish)
        except ServerError as error:
            lost.append(grants.lost(wish, error))
        else:
            granted.append(held)
            reservations[(ticket["ticket"], wish["uuid"])] = held
    return compact(ledger._replace(reservations=reservations)), {"ticket": ticket, "granted": granted, "lost": lost, "members": grants.members()}


class _Grants:
    """One request's servers among what counts."""

    def __init__(self, request: ReserveRequest, before: t.Dict[str, Reservation], counted: t.List[Reservation], now: int) -> None:
        self._request = request
        self._now = now
        self._holders = Holders(now)
        self._groups = {key: Group(use) for key, use in request["groups"].items()}
        self._groups_of_lost: t.Set[str] = set()
        self._usage = Usage(request["quotas"], request["project_groups"])
        self._pools = {key: Pool(pool) for key, pool in request["pools"].items()}
        self._before = {port["id"]: port for held in before.values() for port in held["ports"]}
        self._aside = self._set_aside()
        shown = {*request["seen"], *(wish["uuid"] for wish in request["servers"])}
        for held in counted:
            self._count(held, is_new=held["server"] not in shown)
            # Two runs may hold one server.
            shown.add(held["server"])

    def grant(self, wish: ServerWish) -> Reservation:
        """A server's reservation, which counts from now on; ServerError if it can't have all that it needs."""
        self._holders.check(wish)
        if wish["group"]:
            self._groups[wish["group"]].check(wish["uuid"], wish["host"])
        self._usage.check(wish["project"], wish["amounts"], wish["group"])
        deadline = self._now + self._request["claim_s"]
        held: Reservation = {
            "ticket": self._request["ticket"],
            "server": wish["uuid"],
            "host": wish["host"],
            "project": wish["project"],
            "name": wish["name"],
            "group": wish["group"],
            "ports": self._ports(wish),
            "amounts": wish["amounts"],
            "deadline": deadline,
            "expires": deadline + self._request["max_skew_s"],
            "released_at": None,
            "known_at": None,
        }
        self._count(held, is_new=True)
        return held

    def lost(self, wish: ServerWish, error: ServerError) -> Lost:
        """Why a server is not granted."""
        member, host = (error.member, error.host) if isinstance(error, InTheWay) else (None, None)
        if wish["group"]:
            self._groups_of_lost.add(wish["group"])
        return {"server": wish["uuid"], "error": error.as_dict(), "member": member, "host": host}

    def members(self) -> t.Dict[str, t.Dict[str, str]]:
        """What the next placement of those that lost has to know."""
        return {key: self._groups[key].members() for key in sorted(self._groups_of_lost)}

    def _count(self, held: Reservation, is_new: bool) -> None:
        self._holders.add(held)
        if held["group"] in self._groups:
            self._groups[held["group"]].add(held["server"], held["host"])
        if held["group"]:
            self._usage.join(held["project"], held["group"])
        if is_new:
            self._usage.add(held["project"], held["amounts"])

    def _set_aside(self) -> t.Dict[Address, str]:
        """The port that each address is kept for: those that are named go before those that were held."""
        aside: t.Dict[Address, str] = {}
        for is_named in (True, False):
            for port in (port for wish in self._request["servers"] for port in wish["ports"]):
                for index, wish in enumerate(port["addresses"]):
                    address = _named(wish) if is_named else self._kept(port, index)
                    if address:
                        aside.setdefault((port["segment"], address), port["id"])
        return aside

    def _kept(self, port: PortWish, index: int) -> t.Optional[str]:
        """The address that a chosen one was before; it goes along to another segment if that has it in a pool."""
        before, wish = self._before.get(port["id"]), port["addresses"][index]
        if before is None or wish["ip_address"] or index >= len(before["ip_addresses"]):
            return None
        address = before["ip_addresses"][index]
        return address if any(address in self._pools[key] for key in wish["pools"]) else None

    def _ports(self, wish: ServerWish) -> t.List[ReservedPort]:
        """A server's ports with all their addresses; ServerError, and every pool as before, if one can't be had."""
        chosen: t.List[t.Tuple[Pool, str]] = []
        taken: t.Set[Address] = set()
        try:
            return [self._port(wish["uuid"], port, chosen, taken) for port in wish["ports"]]
        except ServerError:
            for pool, address in chosen:
                pool.give_back(address)
            raise

    def _port(self, server: str, port: PortWish, chosen: t.List[t.Tuple[Pool, str]], taken: t.Set[Address]) -> ReservedPort:
        """``chosen`` and ``taken`` have what the server's ports have got so far, and get what this one does."""

        def is_free(address: str) -> bool:
            place = (port["segment"], address)
            return place not in taken and self._aside.get(place, port["id"]) == port["id"] and not self._holders.has_other(*place, server)

        addresses: t.List[str] = []
        for index, wish in enumerate(port["addresses"]):
            kept, named = self._kept(port, index), _named(wish)
            if named and (port["segment"], named) in taken:
                raise ServerError("FixedIpAlreadyInUse", f"fixed IP {named} is asked for twice by server {server}")
            address = named or (kept if kept and is_free(kept) else self._choose(wish, is_free, chosen))
            if address is None:
                raise ServerError("NoMoreFixedIps", f"no free address is left in the allocation pools {', '.join(wish['pools'])}")
            taken.add((port["segment"], address))
            addresses.append(address)
        return {"id": port["id"], "segment": port["segment"], "mac_address": port["mac_address"].lower(), "ip_addresses": addresses}

    def _choose(self, wish: AddressWish, is_free: t.Callable[[str], bool], chosen: t.List[t.Tuple[Pool, str]]) -> t.Optional[str]:
        for key in wish["pools"]:
            address = self._pools[key].lowest(is_free)
            if address:
                chosen.append((self._pools[key], address))
                return address
        return None


def _named(wish: AddressWish) -> t.Optional[str]:
    return canonical(wish["ip_address"]) if wish["ip_address"] else None
