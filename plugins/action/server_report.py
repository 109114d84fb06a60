# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reports of a run on the controller: thin edge over plugin_utils/report; documented in plugins/modules/server_report.py."""

from __future__ import annotations

import datetime
import typing as t

from ansible_collections.kvmfleet.compute.plugins.plugin_utils.conductor.result import rows
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.edge.action import ControllerAction
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.edge.origin import Origins
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.edge.registered import registered
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.edge.servers_file import VARIABLE
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.fleet.fleet import FleetError
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.fleet.source import read_joined
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.report import page, pipeline
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.report.cases import cases_of_run
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.shapes import Round, ScheduleResult

ARGUMENT_SPEC: dict[str, dict[str, object]] = {
    "conducted_variable": {"type": "str", "required": True},
    "schedule_variable": {"type": "str"},
    "joined_fleet": {"type": "path"},
    "report_file": {"type": "path"},
    "servers_file": {"type": "path"},
    **pipeline.PIPELINE_SPEC,
}


class Arguments(pipeline.Pipeline):
    """What the argument spec gives."""

    conducted_variable: str
    schedule_variable: str | None
    joined_fleet: str | None
    report_file: str | None
    servers_file: str | None


class ActionModule(ControllerAction):
    """Writes what became of the servers of a run into files."""

    SPEC = ARGUMENT_SPEC
    REFUSALS: t.ClassVar[tuple[type[Exception], ...]] = (FleetError, pipeline.NotWritten)

    def answer(self, args: Arguments, variables: dict[str, t.Any]) -> dict[str, object]:
        """The files that were written."""
        state: Round = registered(variables, args["conducted_variable"], "round", "conducted_variable")
        files: list[str] = []
        if args["report_file"]:
            text = self._page(args, state, variables)
            if not self._task.check_mode:
                pipeline.write_file("report_file", args["report_file"], text)
                files.append(args["report_file"])
        # Requests that are no file's are a variable of the play.
        origins = Origins({"servers": variables.get(VARIABLE)}, variables, args["servers_file"])
        cases = cases_of_run(state, rows(state, self._task.check_mode), pipeline.place_of(origins.of))
        return {"files": files + pipeline.write(cases, args, self._display.display)}

    def _page(self, args: Arguments, state: Round, variables: dict[str, t.Any]) -> str:
        scheduled: list[ScheduleResult] = []
        if args["schedule_variable"]:
            scheduled = registered(variables, args["schedule_variable"], "scheduled", "schedule_variable")
        fleet = read_joined(args["joined_fleet"]) if args["joined_fleet"] else None
        now = datetime.datetime.now(datetime.UTC)
        return page.render(state, rows(state, self._task.check_mode), scheduled, fleet, f"{now:%Y-%m-%d %H:%M} UTC")
