# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Scheduler stage on the controller: thin edge over plugin_utils/scheduler; documented in plugins/modules/server_schedule.py."""

from __future__ import annotations

import random
import typing as t
import uuid
from collections.abc import Iterable, Mapping

from ansible.errors import AnsibleActionFail

from ansible_collections.kvmfleet.compute.plugins.plugin_utils.allocation.addresses import AddressBook
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.allocation.place import by_host, cached_images, group_members, place
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.edge import garbage_collection
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.edge.action import ControllerAction
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.edge.run_file import HAND_OVER_SPEC
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.edge.verbosity import WHOLE
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.fleet.addresses import with_addresses
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.fleet.fleet import FleetError
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.fleet.source import fleet_of
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.lines import wrapped
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.scheduler import explain, registry
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.scheduler.config import ConfigError, with_lists
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.scheduler.expression import ExpressionError
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.scheduler.schedule import Members, schedule
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.schema.libraries import MISSING
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.shapes import (
    Aggregate,
    Agreement,
    BuildRequest,
    FleetHost,
    RequestSpec,
    ScheduleResult,
    SpecGroup,
    Unplaced,
)

Occupied = Iterable[tuple[RequestSpec, Mapping[str, str]]]
ARGUMENT_SPEC: dict[str, dict[str, object]] = {
    "instances": {"type": "list", "elements": "dict", "required": True},
    "request_specs": {"type": "list", "elements": "dict", "required": True},
    "groups": {"type": "list", "elements": "dict", "default": []},
    "kept_ports": {"type": "list", "elements": "dict", "default": []},
    "agreement": {"type": "dict"},
    "joined_fleet": {"type": "path"},
    "hosts_variable": {"type": "str"},
    "fleet_file": {"type": "path"},
    "aggregates": {"type": "dict", "default": {}},
    "filters": {"type": "list", "elements": "raw"},
    "weighers": {"type": "list", "elements": "raw"},
    "options": {"type": "dict", "default": {}},
    "max_attempts": {"type": "int", "default": 3},
    "seed": {"type": "int"},
    "on_error": {"type": "str", "choices": ["fail", "report"], "default": "fail"},
    **HAND_OVER_SPEC,
}


def _config(args: Mapping[str, t.Any]) -> dict[str, t.Any]:
    config = with_lists(args["options"], args["filters"], args["weighers"])
    config.setdefault("scheduler", {}).setdefault("max_attempts", args["max_attempts"])
    return config


def scheduled(
    args: Mapping[str, t.Any], specs: list[RequestSpec], hosts: list[FleetHost], aggregates: list[Aggregate], members: Members, occupied: Occupied = ()
) -> list[ScheduleResult]:
    """What the scheduler says with these arguments: ``groups``, ``filters``, ``weighers``, ``options``, ``max_attempts`` and ``seed``, if there is one."""
    if _asks_for_addresses(args, specs):
        with_addresses(hosts)
    groups: list[SpecGroup] = args["groups"]
    try:
        with garbage_collection.paused():
            rng = random.Random(args.get("seed"))
            return schedule(specs, hosts, aggregates, groups, _config(args), rng=rng, members=members, occupied=occupied)["results"]
    except ConfigError as error:
        raise AnsibleActionFail(f"compute_scheduler_options: {error}") from error
    except (registry.UnknownFilter, ExpressionError) as error:
        raise AnsibleActionFail(f"compute_scheduler_filters or compute_scheduler_weighers: {error}") from error


def reserved_members(agreement: Agreement | None) -> dict[str, dict[str, str]]:
    """The hosts of group members that other runs have reserved and no facts need show, by group id and server id."""
    members: dict[str, dict[str, str]] = {}
    for held in agreement["reservations"] if agreement else []:
        if held["group"]:
            members.setdefault(held["group"], {})[held["server"]] = held["host"]
    return members


class ActionModule(ControllerAction):
    """Places instances on the hosts of the play and gives them their addresses."""

    SPEC = ARGUMENT_SPEC
    CONDITIONS: t.ClassVar[dict[str, object]] = {"required_one_of": [("joined_fleet", "hosts_variable", "fleet_file")]}
    REFUSALS: t.ClassVar[tuple[type[Exception], ...]] = (FleetError,)
    TAKEN = ("instances", "request_specs", "groups", "kept_ports")
    LARGE = ("placements", "unplaced", "group_members", "cached_images", "scheduled")

    def answer(self, args: dict[str, t.Any], variables: dict[str, t.Any]) -> dict[str, object]:
        """Who goes where, and why."""
        for sentence in MISSING:
            raise AnsibleActionFail(sentence)
        max_attempts: int = args["max_attempts"]
        if max_attempts < 1:
            raise AnsibleActionFail(f"max_attempts: {max_attempts} must be 1 or more")
        specs: list[RequestSpec] = args["request_specs"]
        requests: list[BuildRequest] = args["instances"]
        fleet = fleet_of(self._task, variables, args, args["aggregates"])
        hosts = [host["state"] for host in fleet["hosts"].values() if host["state"]]
        planned = scheduled(args, specs, hosts, fleet["aggregates"], reserved_members(args["agreement"]))
        book = AddressBook(hosts, lambda: random.SystemRandom().getrandbits(24), lambda: str(uuid.uuid4()), args["kept_ports"])
        results = list(zip(specs, planned, strict=True))
        placed, unplaced = place(requests, results, fleet, book, lambda result: (result["message"], explain.reasons(result)))
        whole: bool = self._display.verbosity >= WHOLE
        answer: dict[str, object] = {
            "placements": by_host(placed),
            "unplaced": unplaced,
            "group_members": group_members(fleet, placed),
            "cached_images": cached_images(fleet, placed),
            "scheduled": planned,
            "msg": [part for line in explain.table(((spec["display_names"], result) for spec, result in results), whole) for part in wrapped(line)],
        }
        if unplaced and args["on_error"] == "fail":
            asked_for = _asked_hosts(specs)
            sentences = (f"{item['instance']['display_name']}: {item['error']['error_class']}: {_why(item, asked_for)}" for item in unplaced)
            answer.update(failed=True, msg="; ".join(sentences))
        return answer


def _asked_hosts(specs: list[RequestSpec]) -> dict[str, str]:
    """The host that each server is asked for on, by its id, of those that are."""
    found: dict[str, str] = {}
    for spec in specs:
        host = spec["requested_destination"]["host"] if spec["requested_destination"] else None
        found.update((uuid, host) for uuid in spec["instance_uuids"] if host)
    return found


def _why(item: Unplaced, asked_for: Mapping[str, str]) -> str:
    """Why a server has no host: of the one that it is asked for on the reason, else the sentence on all of them."""
    host = asked_for.get(item["instance"]["uuid"], "")
    reason = item["error"]["reasons"].get(host)
    return f"host {host}, which is asked for, is out: {reason}" if reason else item["error"]["message"]


def _asks_for_addresses(args: Mapping[str, t.Any], specs: list[RequestSpec]) -> bool:
    """True if the hosts' addresses count: a request is to be near one, or an expression names them. Only then are names resolved."""
    near = any("build_near_host_ip" in spec["scheduler_hints"] for spec in specs)
    return near or "host_ip" in str([args["filters"], args["weighers"], args["options"]])
