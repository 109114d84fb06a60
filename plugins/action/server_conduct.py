# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Conductor stage on the controller: thin edge over plugin_utils/conductor; documented in plugins/modules/server_conduct.py."""

from __future__ import annotations

import typing as t
import uuid
from collections.abc import Mapping

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase

from ansible_collections.kvmfleet.compute.plugins.plugin_utils.conductor import result as run_result
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.conductor import rounds
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.edge.plain import NotPlain, plain
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.edge.play_hosts import HostVariables
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.edge.result_file import write_result
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.fleet.runs import this_run

ARGUMENT_SPEC: dict[str, t.Any] = {
    "placements": {"type": "dict"},
    "unplaced": {"type": "list", "elements": "dict", "default": []},
    "group_members": {"type": "dict", "default": {}},
    "cached_images": {"type": "dict", "default": {}},
    "max_attempts": {"type": "int", "default": 3},
    "build_timeout_s": {"type": "float", "default": 1800},
    "round": {"type": "dict"},
    "outcomes_variable": {"type": "str"},
    "image_variable": {"type": "str"},
    "port_variable": {"type": "str"},
    "result_file": {"type": "path"},
}
CONDITIONS: dict[str, t.Any] = {
    "required_one_of": [("placements", "round")],
    "mutually_exclusive": [("placements", "round")],
    "required_by": {"round": ("outcomes_variable",)},
}


Reported = dict[str, dict[str, t.Any]]


def read_reports(hostvars: Mapping, hosts: list[str], variables: list[str]) -> dict[str, Reported]:
    """What each host registered: {variable: {host: result}}."""
    found = {host: HostVariables(hostvars, host, variables) for host in hosts}
    return {variable: {host: plain(found[host].get(variable) or {}) for host in hosts} for variable in variables}


def read_outcomes(reports: Reported) -> rounds.Outcomes:
    """What came of a stage: {host: {uuid: outcome} | why there is nothing}."""
    outcomes: rounds.Outcomes = {}
    for host, reported in reports.items():
        if reported.get("unreachable"):
            outcomes[host] = f"unreachable: {reported.get('msg') or 'no connection'}"
        elif "servers" not in reported or (reported.get("failed") and not reported["servers"]):
            outcomes[host] = str(reported.get("msg") or "the task gave no result")
        else:
            outcomes[host] = {outcome["uuid"]: outcome for outcome in reported["servers"]}
    return outcomes


class ActionModule(ActionBase):
    """Turns what the hosts reported into the next round."""

    _requires_connection = False
    TRANSFERS_FILES = False

    def run(self, tmp: str | None = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        result: dict[str, t.Any] = super().run(tmp, task_vars)
        variables = task_vars or {}
        _checked, arguments = self.validate_argument_spec(argument_spec=ARGUMENT_SPEC, **CONDITIONS)
        try:
            args = plain(arguments)
            following = self._first(args) if args["placements"] is not None else self._next(args, variables["hostvars"])
        except NotPlain as error:
            raise AnsibleActionFail(str(error)) from error
        result.update(round=following, **run_result.summary(following, self._task.check_mode, variables.get("ansible_play_hosts_all") or ()))
        if args["result_file"] and not self._task.check_mode:
            write_result(args["result_file"], result["report"])
        result["msg"] = result["table"] if following["stage"] == "done" else _progress(following)
        result["changed"] = False
        return result

    @staticmethod
    def _first(args: dict[str, t.Any]) -> rounds.Round:
        if args["max_attempts"] < 1:
            raise AnsibleActionFail(f"max_attempts: {args['max_attempts']} must be 1 or more")
        return rounds.first(
            [placed for servers in args["placements"].values() for placed in servers],
            args["unplaced"],
            run=this_run(str(uuid.uuid4()), args["build_timeout_s"]),
            max_attempts=args["max_attempts"],
            group_members=args["group_members"],
            cached_images=args["cached_images"],
        )

    @staticmethod
    def _next(args: dict[str, t.Any], hostvars: Mapping) -> rounds.Round:
        state = args["round"]
        stages = {stage: args[stage] for stage in ("outcomes_variable", "image_variable", "port_variable") if args[stage]}
        reports = read_reports(hostvars, list(state["placements"]), list(stages.values()))
        outcomes = read_outcomes(reports[args["outcomes_variable"]])
        for stage, variable in (("image", args["image_variable"]), ("port", args["port_variable"])):
            if variable:
                _add_stage(reports[variable], state, outcomes, stage)
        return rounds.conduct(state, outcomes)


def _add_stage(reported: Reported, state: rounds.Round, outcomes: rounds.Outcomes, stage: str) -> None:
    """Add the seconds that the image or the port stage took to the outcomes of its servers."""
    if stage == "image":
        seconds = {host: {image["id"]: image.get("seconds") for image in item.get("images") or []} for host, item in reported.items()}
        rounds.add_seconds(outcomes, state, stage, seconds)
        return
    for host, item in reported.items():
        of_host = outcomes.get(host)
        for port in item.get("servers") or []:
            if isinstance(of_host, dict) and port["uuid"] in of_host:
                of_host[port["uuid"]]["seconds"].update(port["seconds"])


def _progress(state: rounds.Round) -> list[str]:
    lines = []
    for server in state["servers"].values():
        placed = server["placed"]
        if placed and placed["attempts"] and server["status"] == "placed":
            last = placed["attempts"][-1]
            lines.append(f"{placed['instance']['display_name']}: {last['host']} ({last['stage']}): {last['error']}; next: {placed['host']}")
    return lines or [f"{sum(1 for s in state['servers'].values() if s['status'] == 'claimed')} servers claimed"]
