# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Conductor stage on the controller: thin edge over plugin_utils/conductor; documented in plugins/modules/server_conduct.py."""

from __future__ import annotations

import os
import time
import typing as t
import uuid
from collections.abc import Mapping

from ansible.errors import AnsibleActionFail

from ansible_collections.kvmfleet.compute.plugins.plugin_utils.conductor import result as run_result
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.conductor import rounds
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.conductor.origin import origin_of
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.conductor.outcomes import Reports, read_outcomes, with_image_seconds, without_images
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.edge.action import ControllerAction
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.edge.inventory import names_of, server_id
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.edge.plain import plain
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.edge.play_hosts import HostVariables
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.edge.result_file import write_result
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.edge.run_file import HAND_OVER_SPEC, LARGE_OF_ROUND
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.fleet.inventory_names import InventoryNames
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.fleet.runs import this_run
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.shapes import LoginOptions, OriginOptions, Placed, Round, SeenRules, Unplaced

MOST_LEASE_S = 366 * 24 * 3600
ARGUMENT_SPEC: dict[str, dict[str, object]] = {
    "placements": {"type": "dict"},
    "unplaced": {"type": "list", "elements": "dict", "default": []},
    "group_members": {"type": "dict", "default": {}},
    "cached_images": {"type": "dict", "default": {}},
    "security_groups": {"type": "list", "elements": "dict", "default": []},
    "max_attempts": {"type": "int", "default": 3},
    "build_timeout_s": {"type": "float", "default": 1800},
    "all_or_nothing": {"type": "bool", "default": False},
    "round": {"type": "dict"},
    "stage": {"type": "str", "choices": ["claim", "release", "build"]},
    "outcomes_variable": {"type": "str"},
    "image_variable": {"type": "str"},
    "result_file": {"type": "path"},
    "inventory_prefix": {"type": "str", "default": ""},
    "login_group": {"type": "str"},
    "login_user": {"type": "str"},
    "login_private_key_file": {"type": "path", "no_log": False},
    "owner": {"type": "str"},
    "job": {"type": "str"},
    "template": {"type": "str"},
    "ttl": {"type": "str"},
    **HAND_OVER_SPEC,
}


class Arguments(LoginOptions, OriginOptions):
    """What the argument spec gives."""

    placements: dict[str, list[Placed]] | None
    unplaced: list[Unplaced]
    group_members: dict[str, dict[str, str]]
    cached_images: dict[str, dict[str, str]]
    security_groups: list[SeenRules]
    max_attempts: int
    build_timeout_s: float
    all_or_nothing: bool
    round: Round
    stage: str | None
    outcomes_variable: str
    image_variable: str | None
    result_file: str | None
    inventory_prefix: str


def read_reports(hostvars: Mapping[str, t.Any], hosts: list[str], *variables: str) -> list[Reports]:
    """What each host registered under each of these variables."""
    found = {host: HostVariables(hostvars, host, variables) for host in hosts}
    return [{host: plain(found[host].get(variable) or {}) for host in hosts} for variable in variables]


class ActionModule(ControllerAction):
    """Begins the rounds of a run, and turns what the hosts reported into the next one."""

    SPEC = ARGUMENT_SPEC
    CONDITIONS: t.ClassVar[dict[str, object]] = {
        "required_one_of": [("placements", "round")],
        "mutually_exclusive": [("placements", "round")],
        "required_by": {"round": ("outcomes_variable",)},
    }
    TAKEN = ("placements", "unplaced", "group_members", "cached_images", "security_groups", *LARGE_OF_ROUND)
    LARGE = (*LARGE_OF_ROUND, "report", "stats")

    def answer(self, args: Arguments, variables: dict[str, t.Any]) -> dict[str, object]:
        """{round} and its summary; the result file is written."""
        placements = args["placements"]
        following = self._first(args, placements, variables) if placements is not None else self._next(args, variables["hostvars"])
        names = InventoryNames(args["inventory_prefix"], *names_of(variables), lambda host: server_id(variables, host))
        told = run_result.summary(following, self._task.check_mode, names, args)
        if args["result_file"] and not self._task.check_mode:
            write_result(args["result_file"], told["report"])
        # What set_stats would return: the next job of a workflow gets the servers.
        stats: dict[str, object] = {"data": {"kvmfleet": {"servers": told["stats"]}}, "per_host": False, "aggregate": True}
        return {
            "round": following,
            **told,
            "ansible_stats": stats,
            "msg": rounds.progress(following) or run_result.sentence(told["report"]),
        }

    @staticmethod
    def _first(args: Arguments, placements: dict[str, list[Placed]], variables: Mapping[str, t.Any]) -> Round:
        max_attempts = args["max_attempts"]
        if max_attempts < 1:
            raise AnsibleActionFail(f"max_attempts: {max_attempts} must be 1 or more")
        lease_s = args["build_timeout_s"]
        if not 1 <= lease_s <= MOST_LEASE_S:
            raise AnsibleActionFail(f"build_timeout_s: {lease_s} must be from 1 to {MOST_LEASE_S}")
        try:
            origin = origin_of(args, variables, os.environ, time.time())
        except ValueError as error:
            raise AnsibleActionFail(f"ttl: {error}") from None
        return rounds.first(
            [placed for servers in placements.values() for placed in servers],
            args["unplaced"],
            run=this_run(str(uuid.uuid4()), lease_s),
            max_attempts=max_attempts,
            origin=origin,
            all_or_nothing=args["all_or_nothing"],
            group_members=args["group_members"],
            cached_images=args["cached_images"],
            security_groups=args["security_groups"],
        )

    @staticmethod
    def _next(args: Arguments, hostvars: Mapping[str, t.Any]) -> Round:
        state = args["round"]
        if args["stage"] not in (None, state["stage"]):
            return state
        hosts = list(state["placements"])
        if not args["image_variable"]:
            (reports,) = read_reports(hostvars, hosts, args["outcomes_variable"])
            return rounds.conduct(state, read_outcomes(state, reports))
        reports, images = read_reports(hostvars, hosts, args["outcomes_variable"], args["image_variable"])
        return rounds.conduct(state, with_image_seconds(read_outcomes(state, without_images(reports, images)), state, images))
