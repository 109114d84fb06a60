# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Scheduler stage on the controller: thin edge over plugin_utils/scheduler; documented in plugins/modules/server_schedule.py."""

from __future__ import annotations

import random
import time
import typing as t
import uuid

from ansible.errors import AnsibleActionFail
from ansible.module_utils.basic import missing_required_lib
from ansible.plugins.action import ActionBase

from ansible_collections.kvmfleet.compute.plugins.plugin_utils.allocation.addresses import AddressBook
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.allocation.place import cached_images, group_members, place
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.edge.plain import NotPlain, plain
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.edge.play_hosts import play_hosts
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.fleet.fleet import HOST_VARIABLES, FleetError, read_fleet, read_fleet_file, refuse_partial_plays
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.scheduler import explain, registry
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.scheduler.config import ConfigError, with_lists
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.scheduler.expression import ExpressionError
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.scheduler.schedule import schedule
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.schema.libraries import MISSING
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.shapes import ScheduleResult

ARGUMENT_SPEC: dict[str, t.Any] = {
    "instances": {"type": "list", "elements": "dict", "required": True},
    "request_specs": {"type": "list", "elements": "dict", "required": True},
    "groups": {"type": "list", "elements": "dict", "default": []},
    "hosts_variable": {"type": "str"},
    "fleet_file": {"type": "path"},
    "aggregates": {"type": "dict", "default": {}},
    "filters": {"type": "list", "elements": "raw"},
    "weighers": {"type": "list", "elements": "raw"},
    "options": {"type": "dict", "default": {}},
    "max_attempts": {"type": "int", "default": 3},
    "seed": {"type": "int"},
    "on_error": {"type": "str", "choices": ["fail", "report"], "default": "fail"},
}


def _config(args: dict[str, t.Any]) -> dict[str, t.Any]:
    config = with_lists(args["options"], args["filters"], args["weighers"])
    config.setdefault("scheduler", {}).setdefault("max_attempts", args["max_attempts"])
    return config


class ActionModule(ActionBase):
    """Places instances on the hosts of the play and gives them their addresses."""

    _requires_connection = False
    TRANSFERS_FILES = False

    def run(self, tmp: str | None = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        result: dict[str, t.Any] = super().run(tmp, task_vars)
        variables = task_vars or {}
        begin = time.monotonic()
        for library in MISSING:
            raise AnsibleActionFail(missing_required_lib(library))
        _checked, arguments = self.validate_argument_spec(argument_spec=ARGUMENT_SPEC, required_one_of=[("hosts_variable", "fleet_file")])
        try:
            args = plain(arguments)
            if args["max_attempts"] < 1:
                raise AnsibleActionFail(f"max_attempts: {args['max_attempts']} must be 1 or more")
            if args["fleet_file"]:
                fleet = read_fleet_file(args["fleet_file"], args["aggregates"])
            else:
                refuse_partial_plays(variables, getattr(self._task.get_play(), "strategy", None))
                hosts_of_play = play_hosts(variables, (args["hosts_variable"], *HOST_VARIABLES))
                fleet = read_fleet(hosts_of_play, args["hosts_variable"], args["aggregates"])
        except (NotPlain, FleetError) as error:
            raise AnsibleActionFail(str(error)) from error
        hosts = [host["state"] for host in fleet["hosts"].values() if host["state"]]
        rng = random.Random(args["seed"])
        try:
            planned = schedule(args["request_specs"], hosts, fleet["aggregates"], args["groups"], _config(args), rng=rng)
        except ConfigError as error:
            raise AnsibleActionFail(f"compute_scheduler_options: {error}") from error
        except (registry.UnknownFilter, ExpressionError) as error:
            raise AnsibleActionFail(f"compute_scheduler_filters or compute_scheduler_weighers: {error}") from error
        book = AddressBook(hosts, lambda: random.SystemRandom().getrandbits(24), lambda: str(uuid.uuid4()))

        def explained(scheduled: ScheduleResult) -> tuple[str, dict[str, str]]:
            return scheduled["message"], explain.reasons(scheduled)

        placed, unplaced = place(args["instances"], list(zip(args["request_specs"], planned["results"], strict=True)), fleet, book, explained)
        placements: dict[str, list[dict[str, t.Any]]] = {}
        for server in placed:
            placements.setdefault(server["host"], []).append(server)
        groups = {server["instance"]["group"]["id"] for server in placed if server["instance"]["group"]}
        result["placements"] = placements
        result["unplaced"] = unplaced
        result["group_members"] = {group: members for group, members in group_members(fleet).items() if group in groups}
        result["cached_images"] = cached_images(fleet)
        verbosity = self._display.verbosity
        result["msg"] = [
            line
            for spec, scheduled in zip(args["request_specs"], planned["results"], strict=True)
            for line in explain.table(scheduled, spec["display_names"], verbosity)
        ]
        result["scheduled"] = planned["results"]
        result["seconds"] = round(time.monotonic() - begin, 3)
        result["changed"] = False
        if unplaced and args["on_error"] == "fail":
            result["failed"] = True
            result["msg"] = "; ".join(f"{item['instance']['display_name']}: {item['error']['error_class']}: {item['error']['message']}" for item in unplaced)
        return result
