# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a run asks of the registrar, on the registrar's host or from the controller; documented in plugins/modules/server_reserve.py."""

from __future__ import annotations

import functools
import random
import time
import typing as t
import uuid

from ansible.errors import AnsibleActionFail, AnsibleConnectionFailure
from ansible.module_utils.basic import missing_required_lib

from ansible_collections.kvmfleet.compute.plugins.action.server_schedule import scheduled
from ansible_collections.kvmfleet.compute.plugins.module_utils.registrar.refusal import Refused
from ansible_collections.kvmfleet.compute.plugins.module_utils.registrar.reserve import reserve as reserve_in
from ansible_collections.kvmfleet.compute.plugins.module_utils.registrar.settle import settle as settle_in
from ansible_collections.kvmfleet.compute.plugins.module_utils.shapes import Error, ReserveRequest, SettleRequest
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.allocation.addresses import AddressBook
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.allocation.place import Placer
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.allocation.place_again import Others, place_again
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.allocation.reservation import Members, Refusal, refused_by, reserve
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.allocation.wishes import Wishes, to_reserve
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.api import quotas
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.conductor.all_or_nothing import all_or_nothing
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.conductor.reserved import settlement
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.conductor.rounds import staged
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.edge.action import ControllerAction
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.edge.host_answer import HostAction
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.edge.plain import plain
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.edge.run_file import HAND_OVER_SPEC, LARGE_OF_ROUND
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.fleet.census import records
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.fleet.fleet import FleetError
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.fleet.source import read_joined
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.schema.libraries import MISSING
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.shapes import (
    Agreement,
    BuildRequest,
    Fleet,
    KeptPort,
    Placed,
    RequestSpec,
    Round,
    ScheduleResult,
    SpecGroup,
)

MODULE = "kvmfleet.compute.registrar"
MOST_TIMEOUT_S = 24 * 3600
# Of a text that the registrar's host brought about.
MOST_SHOWN = 300
ARGUMENT_SPEC: dict[str, dict[str, object]] = {
    "round": {"type": "dict", "required": True},
    "agreement": {"type": "dict", "required": True},
    "instances": {"type": "list", "elements": "dict", "required": True},
    "request_specs": {"type": "list", "elements": "dict", "required": True},
    "groups": {"type": "list", "elements": "dict", "default": []},
    "kept_ports": {"type": "list", "elements": "dict", "default": []},
    "joined_fleet": {"type": "path", "required": True},
    "quotas": {"type": "dict"},
    "filters": {"type": "list", "elements": "raw"},
    "weighers": {"type": "list", "elements": "raw"},
    "options": {"type": "dict", "default": {}},
    "max_attempts": {"type": "int", "default": 3},
    "reservation_timeout_s": {"type": "int", "default": 120},
    "state_path": {"type": "str"},  # of the registrar's host, where ~ is another folder than here
    "dsn": {"type": "str", "no_log": True},
    **HAND_OVER_SPEC,
}


class Arguments(t.TypedDict):
    """What the argument spec gives."""

    round: Round
    agreement: Agreement
    instances: list[BuildRequest]
    request_specs: list[RequestSpec]
    groups: list[SpecGroup]
    kept_ports: list[KeptPort]
    joined_fleet: str
    quotas: dict[str, t.Any] | None
    filters: list[object] | None
    weighers: list[object] | None
    options: dict[str, t.Any]
    max_attempts: int
    reservation_timeout_s: int
    state_path: str | None
    dsn: str | None


class Ways:
    """How this run asks, and how it goes on with what was lost."""

    def __init__(self, args: Arguments, fleet: Fleet, ask: t.Callable[[ReserveRequest], t.Any]) -> None:
        self._args, self._fleet = args, fleet
        self.ask = ask
        self.now = time.monotonic
        self._hosts = [host["state"] for host in fleet["hosts"].values() if host["state"]]

    @functools.cached_property
    def _book(self) -> AddressBook:
        return AddressBook(self._hosts, lambda: random.SystemRandom().getrandbits(24), lambda: str(uuid.uuid4()), self._args["kept_ports"])

    def new_mac(self) -> str:
        """A MAC address that neither the facts nor the catalogue have."""
        return self._book.new_mac()

    def place_again(self, state: Round, lost: list[Placed], members: Members) -> dict[str, Error]:
        """Move servers of the round; the errors of those for which there is no other host."""
        return place_again(state, lost, members, self._args["instances"], self._args["request_specs"], Placer(self._fleet), self._schedule)

    def _schedule(self, specs: list[RequestSpec], occupied: Others, members: Members) -> list[ScheduleResult]:
        return scheduled(self._args, specs, self._hosts, self._fleet["aggregates"], members, occupied)


class ActionModule(ControllerAction, HostAction):
    """Reserves before the claims of a round, and settles after them."""

    SPEC = ARGUMENT_SPEC
    REFUSALS: t.ClassVar[tuple[type[Exception], ...]] = (FleetError,)
    TAKEN = ("instances", "request_specs", "groups", "kept_ports", *LARGE_OF_ROUND)
    LARGE = LARGE_OF_ROUND
    _requires_connection = True

    def answer(self, args: Arguments, variables: dict[str, t.Any]) -> dict[str, object]:
        """{round, msg}."""
        for library in MISSING:
            raise AnsibleActionFail(missing_required_lib(library))
        if not 1 <= args["reservation_timeout_s"] <= MOST_TIMEOUT_S:
            raise AnsibleActionFail(f"reservation_timeout_s: {args['reservation_timeout_s']} must be from 1 to {MOST_TIMEOUT_S}")
        if self._task.check_mode:
            return {"round": args["round"], "msg": "nothing is reserved in check mode"}
        if args["round"]["stage"] == "claim":
            return self._reserve(args, variables)
        return self._settle(args, variables)

    def _reserve(self, args: Arguments, variables: dict[str, t.Any]) -> dict[str, object]:
        state = args["round"]
        asked = to_reserve(state)
        if not asked:
            return {"round": state, "msg": "nothing is to be reserved"}
        fleet = read_joined(args["joined_fleet"])
        raw = args["quotas"] if args["quotas"] is not None else self._catalogue_quotas(variables)
        limits = quotas.to_reserve(quotas.limits(raw), records(fleet), [placed["instance"] for placed in asked])
        wishes = Wishes(args["instances"], fleet, args["kept_ports"], limits)
        ways = Ways(args, fleet, lambda request: self._ask("reserve", request, args, variables))
        after = staged(all_or_nothing(reserve(state, wishes, args["agreement"], args["reservation_timeout_s"], ways)))
        return {"round": after, "msg": f"{len(to_reserve(after))} of {len(asked)} servers reserved"}

    def _settle(self, args: Arguments, variables: dict[str, t.Any]) -> dict[str, object]:
        state, ticket = args["round"], args["agreement"]["ticket"]
        request = settlement(state, args["agreement"]["epoch"], ticket["ticket"]) if ticket else None
        if request is None:
            return {"round": state, "msg": "nothing is to be settled"}
        answer: dict[str, object] = {"msg": f"{len(request['claimed']) + len(request['absent'])} reservations settled"}
        try:
            self._ask("settle", request, args, variables)
        except Refusal as refusal:
            within_s = args["reservation_timeout_s"]
            answer = {
                "msg": "not settled",
                "warnings": [f"the registrar was not told what became of the claims; its reservations end within {within_s} s: {refusal}"],
            }
        return {"round": {**state, "reserved": {**state["reserved"], "claimed": [], "absent": []}}, **answer}

    def _ask(self, operation: str, request: ReserveRequest | SettleRequest, args: Arguments, variables: dict[str, t.Any]) -> t.Any:
        """The registrar's answer; Refusal if it gives none."""
        epoch = args["agreement"]["epoch"]
        if args["dsn"]:
            return self._ask_database(operation, request, args["dsn"], args["agreement"])
        module_args: dict[str, object] = {"operation": operation, "request": request, "host_name": epoch["registrar"]}
        if args["state_path"]:
            module_args["state_path"] = args["state_path"]
        try:
            answer = self._execute_module(module_name=MODULE, module_args=module_args, task_vars=variables)
        except AnsibleConnectionFailure as error:
            raise _unreachable(epoch["registrar"], str(error)) from error
        except BaseException as error:
            # What cuts a task off is no Exception; whoever ends the play is not stopped.
            if isinstance(error, (Exception, KeyboardInterrupt, SystemExit)):
                raise
            raise _unreachable(epoch["registrar"], f"it has not answered in time: {error}") from error
        refused = answer.get("refused")
        if isinstance(refused, dict):
            raise refused_by(str(refused.get("error_class"))[:MOST_SHOWN], str(refused.get("message"))[:MOST_SHOWN], args["agreement"])
        if answer.get("failed") or "refused" not in answer:
            raise _unreachable(epoch["registrar"], str(answer.get("msg") or "the task gave no result"))
        return answer.get("answer")

    @staticmethod
    def _ask_database(operation: str, request: t.Any, dsn: str, agreement: Agreement) -> t.Any:
        from ansible_collections.kvmfleet.compute.plugins.plugin_utils.allocation.postgres_store import PostgresStore

        work = reserve_in if operation == "reserve" else settle_in
        try:
            store = PostgresStore(dsn, agreement["epoch"]["fleet"])
            now = store.now()
            return store.transact(lambda ledger: work(ledger, request, now))
        except Refused as refused:
            raise refused_by(refused.error_class, refused.message, agreement) from refused

    def _catalogue_quotas(self, variables: dict[str, t.Any]) -> t.Any:
        name = "compute_quotas"
        return plain(self._templar.template(variables[name]), name) if name in variables else None


def _unreachable(host: str, why: str) -> Refusal:
    return Refusal(
        "RegistrarUnreachable",
        f"the registrar on host {host} can't be asked, and nothing is created without it: {why[:MOST_SHOWN]}; "
        "run again when it is back, or move it: ansible-playbook kvmfleet.compute.registrar -e registrar_operation=move",
    )
