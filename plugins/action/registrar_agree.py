# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How the hosts come to one epoch: thin edge over plugin_utils/fleet/agreement.py; documented in plugins/modules/registrar_agree.py."""

from __future__ import annotations

import random
import time
import typing as t
import uuid

from ansible.errors import AnsibleActionFail
from ansible.module_utils.basic import missing_required_lib

from ansible_collections.kvmfleet.compute.plugins.module_utils.registrar.epoch import POSTGRESQL, SQLITE
from ansible_collections.kvmfleet.compute.plugins.module_utils.registrar.refusal import Refused
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.edge.action import ControllerAction
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.fleet.agreement import Inventory, agree, rounds_left
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.fleet.fleet import FleetError
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.fleet.source import begun_of_play
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.schema.libraries import MISSING

LONGEST_WAIT_S = 1.0

ARGUMENT_SPEC: dict[str, dict[str, object]] = {
    "registrar_variable": {"type": "str", "required": True},
    "dsn": {"type": "str", "no_log": True},
    "previous": {"type": "dict"},
}


class Previous(t.TypedDict):
    """What is read of the round before."""

    round: int
    offered: dict[str, str]


class Arguments(t.TypedDict):
    """What the argument spec gives."""

    registrar_variable: str
    dsn: str | None
    previous: Previous | None


class ActionModule(ControllerAction):
    """Says what the hosts are to take next."""

    SPEC = ARGUMENT_SPEC
    REFUSALS: t.ClassVar[tuple[type[Exception], ...]] = (FleetError,)

    def answer(self, args: Arguments, variables: dict[str, t.Any]) -> dict[str, object]:
        """{agreement, round, offered}; if the round before has moved nothing, it comes a little later, so that runs that meet come apart."""
        for library in MISSING:
            raise AnsibleActionFail(missing_required_lib(library))
        inventory = Inventory(list(map(str, variables["ansible_play_hosts_all"])), POSTGRESQL if args["dsn"] else SQLITE)
        try:
            agreement = agree(begun_of_play(variables, args["registrar_variable"]), inventory, str(uuid.uuid4()))
            number = rounds_left(agreement, args["previous"]["round"] if args["previous"] else 0)
        except Refused as refused:
            raise AnsibleActionFail(f"{refused.error_class}: {refused}") from refused
        offered = {host: offer["epoch"]["id"] for host, offer in agreement["offers"].items()}
        if offered and args["previous"] and offered == args["previous"]["offered"]:
            time.sleep(random.SystemRandom().uniform(0, LONGEST_WAIT_S))
        epoch = agreement["epoch"]
        return {
            "agreement": agreement,
            "round": number,
            "offered": offered,
            "msg": f"epoch {epoch['number']}: {'offered to ' + ', '.join(offered) if offered else 'in force'}",
        }
