# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Keeps a plan on the controller: thin edge over plugin_utils/plan; documented in plugins/modules/server_plan.py."""

from __future__ import annotations

import datetime
import os
import typing as t

from ansible_collections.kvmfleet.compute.plugins.plugin_utils.api import flat_request
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.edge.action import ControllerAction
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.edge.collection_version import collection_version
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.edge.registered import registered
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.edge.servers_file import UnclearRequests, requests_of
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.fleet.fleet import FleetError
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.fleet.source import read_joined
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.plan import file
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.plan.make import Origin, Unplanned, plan_of
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.shapes import Round

SALT_BYTES = 16
ARGUMENT_SPEC: dict[str, dict[str, object]] = {
    "plan_file": {"type": "path", "required": True},
    "conducted_variable": {"type": "str", "required": True},
    "joined_fleet": {"type": "path", "required": True},
    "servers": {"type": "raw", "no_log": True},
    "servers_file": {"type": "path"},
}


class Arguments(t.TypedDict):
    """What the argument spec gives."""

    plan_file: str
    conducted_variable: str
    joined_fleet: str
    servers: object
    servers_file: str | None


class ActionModule(ControllerAction):
    """Writes a plan's file."""

    SPEC = ARGUMENT_SPEC
    REFUSALS: t.ClassVar[tuple[type[Exception], ...]] = (FleetError, UnclearRequests, Unplanned, file.PlanFileError)

    def answer(self, args: Arguments, variables: dict[str, t.Any]) -> dict[str, object]:
        """{servers, digest, msg}."""
        state: Round = registered(variables, args["conducted_variable"], "round", "conducted_variable")
        given: t.Mapping[str, object] = {"servers": args["servers"], "servers_file": args["servers_file"]}
        requests = requests_of(given, flat_request.request_of(self.given(variables, flat_request.VARIABLES)))
        origin = Origin(
            collection_version(),
            f"{datetime.datetime.now(datetime.UTC):%Y-%m-%dT%H:%M:%SZ}",
            os.urandom(SALT_BYTES).hex(),
        )
        plan = plan_of(state, read_joined(args["joined_fleet"]), requests, origin)
        number = sum(1 for server in plan["servers"] if server["is_new"])
        there = len(plan["servers"]) - number
        what = f"{number} server{'' if number == 1 else 's'} to build" + (f", {there} there already" if there else "")
        if self._task.check_mode:
            return {"digest": plan["digest"], "msg": f"{what}; check mode: {args['plan_file']} is not written"}
        file.write(args["plan_file"], plan)
        return {"digest": plan["digest"], "msg": f"{what}; kept in {args['plan_file']} for create_server with compute_plan_file and the same requests"}
