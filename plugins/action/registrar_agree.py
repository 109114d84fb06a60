# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How the hosts come to one epoch: thin edge over plugin_utils/fleet/{agreement,upkeep}.py; documented in plugins/modules/registrar_agree.py."""

from __future__ import annotations

import random
import time
import typing as t
import uuid

from ansible.errors import AnsibleActionFail
from ansible.module_utils.basic import missing_required_lib

from ansible_collections.kvmfleet.compute.plugins.module_utils.registrar.epoch import POSTGRESQL, SQLITE, Step
from ansible_collections.kvmfleet.compute.plugins.module_utils.registrar.refusal import Refused
from ansible_collections.kvmfleet.compute.plugins.module_utils.shapes import Epoch
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.allocation.postgres_begin import draw
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.edge.action import ControllerAction
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.edge.run_file import HAND_OVER_SPEC
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.fleet import agreement, upkeep
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.fleet.agreement import Drawn, Inventory
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.fleet.begun import Begun
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.fleet.fleet import FleetError, refuse_partial_plays
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.fleet.runs import this_process
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.fleet.source import begun_of_play
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.schema.libraries import MISSING
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.shapes import Agreement

LONGEST_WAIT_S = 1.0
ENROL = "enrol"

ARGUMENT_SPEC: dict[str, dict[str, object]] = {
    "registrar_variable": {"type": "str", "required": True},
    "operation": {"type": "str", "choices": [ENROL, *upkeep.UPKEEP], "default": ENROL},
    "registrar_host": {"type": "str"},
    "give_up": {"type": "list", "elements": "str", "default": []},
    "dsn": {"type": "str", "no_log": True},
    "request": {"type": "dict", "default": {"run": "", "lasts_s": 0}},
    "previous": {"type": "dict"},
    "on_error": {"type": "str", "choices": ["fail", "report"], "default": "fail"},
    **HAND_OVER_SPEC,
}


class Request(t.TypedDict):
    """Of a ticket in PostgreSQL."""

    run: str
    lasts_s: int


class Previous(t.TypedDict):
    """What is read of the round before."""

    round: int
    offered: dict[str, str]
    goal: Epoch | None


class Arguments(t.TypedDict):
    """What the argument spec gives."""

    registrar_variable: str
    operation: str
    registrar_host: str | None
    give_up: list[str]
    dsn: str | None
    request: Request
    previous: Previous | None
    on_error: str


class Answer(t.TypedDict):
    """The result."""

    agreement: Agreement | None
    drawn: Drawn | None
    goal: Epoch | None
    round: int
    offered: dict[str, str]
    refused: dict[str, str] | None
    msg: str


class ActionModule(ControllerAction):
    """Says what the hosts are to take next."""

    SPEC = ARGUMENT_SPEC
    REFUSALS: t.ClassVar[tuple[type[Exception], ...]] = (FleetError,)
    LARGE = ("agreement.offers",)

    def answer(self, args: Arguments, variables: dict[str, t.Any]) -> Answer:
        """The next offers; if those of the round before have moved nothing they come a little later, so that runs that meet come apart."""
        for library in MISSING:
            raise AnsibleActionFail(missing_required_lib(library))
        refuse_partial_plays(variables, getattr(self._task.get_play(), "strategy", None))
        hosts = list(map(str, variables["ansible_play_hosts_all"]))
        begun = begun_of_play(variables, args["registrar_variable"])
        before = args["previous"]
        nothing: Answer = {"agreement": None, "drawn": None, "goal": None, "round": 0, "offered": {}, "refused": None, "msg": ""}
        try:
            found, goal, drawn = self._enrol(args, hosts, begun) if args["operation"] == ENROL else self._keep_up(args, hosts, begun)
            number = agreement.rounds_left(found, before["round"] if before else 0)
        except upkeep.Nothing as done:
            return {**nothing, "msg": str(done)}
        except Refused as refused:
            if args["on_error"] == "fail":
                raise AnsibleActionFail(f"{refused.error_class}: {refused}") from refused
            return {**nothing, "refused": {"error_class": refused.error_class, "message": str(refused)}, "msg": str(refused)}
        offered = {host: offer["epoch"]["id"] for host, offer in found["offers"].items()}
        if offered and before and offered == before["offered"]:
            time.sleep(random.SystemRandom().uniform(0, LONGEST_WAIT_S))
        return {**nothing, "agreement": found, "drawn": drawn, "goal": goal, "round": number, "offered": offered, "msg": upkeep.told(found, goal)}

    @staticmethod
    def _enrol(args: Arguments, hosts: list[str], begun: Begun) -> tuple[Agreement, None, Drawn | None]:
        """As a run does it before it builds."""
        inventory, new_id = Inventory(hosts, POSTGRESQL if args["dsn"] else SQLITE), str(uuid.uuid4())
        drawn = _draw(args, begun, agreement.step(begun, inventory, new_id))
        return agreement.agree(begun, inventory, new_id, drawn), None, drawn

    @staticmethod
    def _keep_up(args: Arguments, hosts: list[str], begun: Begun) -> tuple[Agreement, Epoch, Drawn | None]:
        """Towards an epoch with a new ledger."""
        wish = upkeep.Wish(args["operation"], hosts, args["registrar_host"], bool(args["dsn"]), args["give_up"])
        goal = args["previous"]["goal"] if args["previous"] else None
        step = upkeep.go_on(begun, wish, goal) if goal else upkeep.begin(begun, wish)
        drawn = _draw(args, begun, step) if goal else None
        return agreement.of_step(begun, step, drawn), goal or step.epoch, drawn


def _draw(args: Arguments, begun: Begun, step: Step) -> Drawn | None:
    return draw(args["dsn"], begun, step, args["request"]["run"], args["request"]["lasts_s"], this_process()) if args["dsn"] else None
