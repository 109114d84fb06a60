# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A run between placement and claim, with the real ledger in place of the registrar's host."""

from __future__ import annotations

import itertools
import typing as t

from ansible_collections.kvmfleet.compute.plugins.module_utils.registrar import ledger as ledgers
from ansible_collections.kvmfleet.compute.plugins.module_utils.registrar.refusal import Refused
from ansible_collections.kvmfleet.compute.plugins.module_utils.registrar.reserve import reserve as reserve_in
from ansible_collections.kvmfleet.compute.plugins.module_utils.registrar.settle import settle as settle_in
from ansible_collections.kvmfleet.compute.plugins.module_utils.registrar.tickets import begin
from ansible_collections.kvmfleet.compute.plugins.module_utils.shapes import BeginRequest, Epoch, Error, Instance, ReserveRequest
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.allocation.addresses import AddressBook
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.allocation.place import Placer, group_members, place
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.allocation.place_again import Others, place_again
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.allocation.reservation import Members, Refusal, reserve
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.allocation.wishes import Quotas, Wishes
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.conductor import rounds
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.conductor.reserved import settlement
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.scheduler import explain
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.scheduler.schedule import schedule
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.shapes import (
    Agreement,
    BuildRequest,
    Fleet,
    FleetHost,
    KeptPort,
    Placed,
    RequestedNetwork,
    RequestSpec,
    Round,
    ScheduleResult,
)
from ansible_collections.kvmfleet.compute.tests.unit import make

CLAIM_S = 300


def fleet(*hosts: FleetHost) -> Fleet:
    return {"version": 1, "hosts": {host["name"]: {"status": "ok", "error": None, "state": host} for host in hosts}, "aggregates": []}


class Registrar:
    """The ledger of a fleet of these hosts, and its clock."""

    def __init__(self, *hosts: str) -> None:
        self.epoch: Epoch = {
            "number": 1,
            "id": "e",
            "fleet": "f",
            "store": "sqlite",
            "registrar": hosts[0],
            "is_carried": False,
            "hosts": list(hosts),
            "replaces": [list(hosts)],
        }
        self.ledger = ledgers.found(None, self.epoch, 0)
        self.now = 1_000_000

    def begin(self) -> Agreement:
        """A run draws its ticket; each host said its clock 5 s after its boot, and the controller had the answer at 100 s."""
        request: BeginRequest = {"epoch": self.epoch, "highest_ticket": 0, "run": "r", "lasts_s": 3600, "process": None}
        self.ledger, answer = begin(self.ledger, request, self.now)
        return {
            "epoch": self.epoch,
            "is_in_force": True,
            "offers": {},
            "ticket": answer["ticket"],
            "reservations": answer["reservations"],
            "holders": answer["tickets"],
            "dead": {},
            "highest_ticket": 0,
            "highest_host": None,
            "clocks": {host: {"boot_id": f"boot of {host}", "seconds": 5.5, "answered_at": 100.0} for host in self.epoch["hosts"]},
        }

    def ask(self, request: ReserveRequest) -> t.Any:
        try:
            self.ledger, answer = reserve_in(self.ledger, request, self.now)
        except Refused as refused:
            raise Refusal(refused.error_class, refused.message) from refused
        return answer


class Run:
    """One run with its facts, and servers that it has placed; it draws its MAC addresses from ``macs``."""

    def __init__(
        self,
        registrar: Registrar,
        facts: Fleet,
        servers: list[tuple[Instance, list[RequestedNetwork]]],
        *,
        macs: t.Iterator[int] | None = None,
        agreement: Agreement | None = None,
        kept: t.Sequence[KeptPort] = (),
        quotas: Quotas | None = None,
        max_attempts: int = 3,
        **spec: t.Any,
    ) -> None:
        self.registrar, self.facts = registrar, facts
        self.agreement = agreement or registrar.begin()
        self.requests: list[BuildRequest] = [make.build_request(instance, networks=networks) for instance, networks in servers]
        self.specs: list[RequestSpec] = [self._spec(instance, **spec) for instance, _networks in servers]
        self.groups = [
            make.spec_group(group["id"], group["policy"], rules=group["rules"], members=[])
            for group in {instance["group"]["id"]: instance["group"] for instance, _networks in servers if instance["group"]}.values()
        ]
        self.hosts = [host["state"] for host in facts["hosts"].values() if host["state"]]
        self._macs = macs or itertools.count(1)
        ids = itertools.count(1)
        owner = servers[0][0]["uuid"] if servers else ""
        self.book = AddressBook(self.hosts, lambda: next(self._macs), lambda: f"port {next(ids)} of {owner}", kept)
        results = list(zip(self.specs, self._schedule(self.specs, [], {}), strict=True))
        placed, unplaced = place(self.requests, results, facts, self.book, lambda result: (result["message"], explain.reasons(result)))
        members = group_members(facts, placed)
        self.round: Round = rounds.first(placed, unplaced, run=make.run(), max_attempts=max_attempts, group_members=members, cached_images={})
        self.wishes = Wishes(self.requests, facts, list(kept), quotas or {})
        self.asked: list[ReserveRequest] = []
        self.time = 110.0

    @staticmethod
    def _spec(instance: Instance, **changes: t.Any) -> RequestSpec:
        group = instance["group"]["id"] if instance["group"] else None
        uuid, name = instance["uuid"], instance["display_name"]
        return make.request_spec(
            1, id=f"spec of {uuid}", **{"instance_uuids": [uuid], "display_names": [name], "flavor": instance["flavor"], "group": group, **changes}
        )

    def _schedule(self, specs: list[RequestSpec], occupied: Others, members: Members) -> list[ScheduleResult]:
        return schedule(specs, self.hosts, self.facts["aggregates"], self.groups, members=members, occupied=occupied)["results"]

    # what an edge does

    def ask(self, request: ReserveRequest) -> t.Any:
        self.asked.append(request)
        return self.registrar.ask(request)

    def now(self) -> float:
        return self.time

    def new_mac(self) -> str:
        return self.book.new_mac()

    def place_again(self, state: Round, lost: list[Placed], members: Members) -> dict[str, Error]:
        return place_again(state, lost, members, self.requests, self.specs, Placer(self.facts), self._schedule)

    # the chain

    def reserve(self) -> Round:
        self.round = rounds.staged(reserve(self.round, self.wishes, self.agreement, CLAIM_S, self))
        return self.round

    def conduct(self, **outcomes: str) -> Round:
        """The hosts have reported these outcomes of the claims, by server; the others were claimed."""
        told: dict[str, t.Any] = {}
        for host, uuids in self.round["placements"].items():
            for uuid in uuids:
                what = outcomes.get(uuid, "claimed")
                error = None if what == "claimed" else {"error_class": "X", "message": "no", "reschedule": True}
                told.setdefault(host, {})[uuid] = make.outcome(uuid, what, "claim", error=error)
        self.round = rounds.conduct(self.round, told)
        return self.round

    def settle(self) -> None:
        ticket = self.agreement["ticket"]
        request = settlement(self.round, self.registrar.epoch, ticket["ticket"]) if ticket else None
        if request:
            self.registrar.ledger, _nothing = settle_in(self.registrar.ledger, request, self.registrar.now)

    # what came of it

    def placed(self, uuid: str) -> Placed:
        placed = self.round["servers"][uuid]["placed"]
        assert placed
        return placed

    def addresses(self, uuid: str) -> list[str]:
        return [ip["ip_address"] for port in self.placed(uuid)["instance"]["ports"] for ip in port["fixed_ips"]]

    def errors(self) -> dict[str, str]:
        return {uuid: server["error"]["error_class"] for uuid, server in self.round["servers"].items() if server["error"]}

    def granted(self) -> list[str]:
        return [uuid for uuid, server in self.round["servers"].items() if server["status"] == "placed"]
