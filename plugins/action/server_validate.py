# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Api stage on the controller: thin edge over plugin_utils/api; documented in plugins/modules/server_validate.py."""

from __future__ import annotations

import getpass
import json
import os
import random
import typing as t
import uuid

from ansible.errors import AnsibleActionFail

from ansible_collections.kvmfleet.compute.plugins.module_utils.registrar.epoch import POSTGRESQL, SQLITE
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.api import catalogue_elsewhere, error_text, flat_request
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.api.catalogue import KINDS
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.api.microversions import NEWEST
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.api.registrar import NO_PROMISE, is_to_build, refuse_without, settled
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.api.secrets import generate_password
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.api.validate import validate
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.edge import json_file
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.edge.action import ControllerAction
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.edge.collection_version import collection_version
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.edge.inventory import names_of, server_id, set_elsewhere
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.edge.origin import Origins
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.edge.run_file import HAND_OVER_SPEC
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.edge.servers_file import UnclearRequests, requests_of
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.fleet import one_for_all
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.fleet.agreement import Inventory, check_size
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.fleet.fleet import FleetError, read_fleet, read_fleet_file
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.fleet.inventory_names import InventoryNames
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.fleet.left_out import left_out
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.fleet.runs import is_killed
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.fleet.source import begun_of_play, hosts_of_play, write_joined
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.plan import file as plan_file
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.plan.apply import Now, apply
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.plan.file import PlanFileError
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.report import pipeline
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.report.cases import cases_of_faults, cases_of_instances
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.schema import answers
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.schema.libraries import MISSING
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.shapes import Agreement, BuildRequest, Fleet, Validation

CATALOGUE = (*KINDS, "quotas", "policy")

ARGUMENT_SPEC: dict[str, dict[str, object]] = {
    "servers": {"type": "raw", "no_log": True},
    "servers_file": {"type": "path"},
    **{kind: {"type": "dict"} for kind in CATALOGUE},
    "aggregates": {"type": "dict"},
    "hosts_variable": {"type": "str"},
    "fleet_file": {"type": "path"},
    "project": {"type": "str", "default": "default"},
    "user": {"type": "str"},
    "roles": {"type": "list", "elements": "str", "default": ["member"]},
    "unreachable_hosts": {"type": "str", "choices": ["fail", "ignore"], "default": "fail"},
    "take_over": {"type": "bool", "default": False},
    "duplicates": {"type": "str", "choices": ["warn", "fail"], "default": "warn"},
    "inventory_prefix": {"type": "str", "default": ""},
    "admin_password_file": {"type": "path", "no_log": False},
    "registrar_variable": {"type": "str"},
    "registrar": {"type": "str", "choices": ["host", "none"], "default": "host"},
    "registrar_dsn": {"type": "str", "no_log": True},
    "registrar_drawn": {"type": "dict"},
    "plan_file": {"type": "path"},
    "fleet_size": {"type": "raw"},
    # Not text by its type: a number would become the text of another version (2.90 is 2.9 in YAML).
    "api_microversion": {"type": "raw"},
    **pipeline.PIPELINE_SPEC,
    **HAND_OVER_SPEC,
}
RESERVATION_SYMBOLS = "0123456789abcdefghijklmnopqrstuvwxyz"


def _reservation_id(rng: random.Random) -> str:
    """As ``nova.utils.generate_uid``: r- and eight symbols."""
    return "r-" + "".join(rng.choice(RESERVATION_SYMBOLS) for _count in range(8))


def _user_of_process() -> str:
    """The user on the controller; a container may have no name for it."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return str(os.getuid())


def _has_secrets(request: BuildRequest) -> bool:
    given = request["secrets_given"]
    return given["user_data"] or given["admin_pass"] is not None


def write_passwords(path: str, requests: list[BuildRequest], rng: random.Random) -> None:
    """Add a password for each new server that is to have one to the file {"<project>/<name>": password}, mode 0600; one that is there stays."""
    new = [item["instance"] for item in requests if item["secrets_given"]["admin_pass"] == "generated" and not item["existing"]]
    if not new:
        return
    with json_file.locked(path):
        known: dict[str, str] = {}
        if os.path.exists(path):
            with open(path, encoding="utf-8") as file:
                known = json.load(file)
        for instance in new:
            known.setdefault(f"{instance['project_id']}/{instance['display_name']}", generate_password(rng))
        json_file.write(path, known, 0o600)


class ActionModule(ControllerAction):
    """Checks requests, catalogue and fleet together."""

    SPEC = ARGUMENT_SPEC
    REFUSALS: t.ClassVar[tuple[type[Exception], ...]] = (FleetError, UnclearRequests, PlanFileError, pipeline.NotWritten)
    # An empty name would be a project of its own.
    EMPTY_IS_A_VALUE = frozenset({"project"})
    LARGE = ("instances", "request_specs", "groups", "kept_ports", "security_groups", "agreement.offers")

    def answer(self, args: dict[str, t.Any], variables: dict[str, t.Any]) -> dict[str, object]:
        """The validation; the joined fleet and the generated passwords are written into their files."""
        for sentence in MISSING:
            raise AnsibleActionFail(sentence)
        rng = random.SystemRandom()
        plan = plan_file.read(args["plan_file"]) if args["plan_file"] else None
        catalogue = {kind: args[kind] if args[kind] is not None else self._variable(variables, kind) for kind in CATALOGUE}
        fleet = self._fleet(args, variables)
        # Read here: a template makes text of a number before ansible-core 2.19.
        version = args["api_microversion"] if args["api_microversion"] is not None else self._variable(variables, "api_microversion")
        user = args["user"] or variables.get("awx_user_name") or variables.get("tower_user_name") or _user_of_process()
        flat = flat_request.request_of(self.given(variables, flat_request.VARIABLES))
        requests = requests_of(args, flat)
        validated = validate(
            requests,
            catalogue,
            fleet=fleet,
            context={"project_id": args["project"], "user_id": str(user), "roles": args["roles"]},
            options={
                "unreachable_hosts": args["unreachable_hosts"],
                "take_over": args["take_over"],
                "duplicates": args["duplicates"],
                "admin_password_file": args["admin_password_file"],
                "api_microversion": NEWEST if version in (None, "") else version,
            },
            inventory=InventoryNames(args["inventory_prefix"], *names_of(variables), lambda host: server_id(variables, host)),
            new_uuid=lambda: str(uuid.uuid4()),
            new_reservation_id=lambda: _reservation_id(rng),
        )
        elsewhere = self._elsewhere(args, variables)
        host = str(variables.get("inventory_hostname"))
        if validated["errors"]:
            validated["errors"] = catalogue_elsewhere.named(validated["errors"], elsewhere, host)
        else:
            validated["warnings"] += catalogue_elsewhere.warnings(elsewhere, host)
        if plan:
            apply(plan, validated, Now(requests, args["project"], fleet, collection_version()))
        agreement = self._agreement(args, variables, validated, fleet)
        missing = left_out(fleet) if fleet and not validated["errors"] else ""
        if missing:
            validated["notes"].append(missing)
        if flat is not None:
            for error in validated["errors"]:
                error["path"], error["message"] = flat_request.in_own_words(error["path"]), flat_request.in_own_words(error["message"])
        origins = Origins(self._task.args, variables, args["servers_file"])
        self._tell_pipeline(args, requests, validated, fleet, origins)
        answer: dict[str, object] = {
            **validated,
            "joined_fleet": None,
            "has_secrets": any(map(_has_secrets, validated["instances"])),
            "agreement": agreement,
        }
        if validated["warnings"]:
            answer["warnings"] = validated["warnings"]
        if validated["errors"]:
            told = {key: answer[key] for key in ("errors", "warnings", "notes") if answer[key]}
            return {**told, "failed": True, "msg": error_text.text(validated["errors"], origins.of)}
        if fleet is not None:
            answer["joined_fleet"] = write_joined(fleet)
        if args["admin_password_file"] and not self._task.check_mode:
            try:
                write_passwords(args["admin_password_file"], validated["instances"], rng)
            except (OSError, ValueError) as error:
                raise AnsibleActionFail(f"admin_password_file {args['admin_password_file']}: {error}") from error
        return answer

    def _agreement(self, args: dict[str, t.Any], variables: dict[str, t.Any], validated: Validation, fleet: Fleet | None) -> Agreement | None:
        """What the hosts' answers to begin come to, if there is something to build; None if nobody has asked them. What is wrong is added."""
        if not is_to_build(validated):
            return None
        if args["registrar"] == "none":
            if fleet:
                refuse_without(validated, fleet)
            return None
        begun = begun_of_play(variables, args["registrar_variable"]) if args["registrar_variable"] and fleet and not self._task.check_mode else None
        if not begun or not fleet or not begun.is_asked:
            validated["notes"].append(NO_PROMISE)
            return None
        inventory = Inventory(list(fleet["hosts"]), POSTGRESQL if args["registrar_dsn"] else SQLITE)
        leaves_out = args["unreachable_hosts"] == "ignore"
        return settled(validated, fleet, begun, inventory, str(uuid.uuid4()), args["registrar_drawn"], leaves_out=leaves_out, is_killed=is_killed)

    def _tell_pipeline(self, args: dict[str, t.Any], requests: list[t.Any], validated: Validation, fleet: Fleet | None, origins: Origins) -> None:
        """Write the reports of what is refused; and of all, if there is nothing to come: with a fleet the servers are still to be placed."""
        options: pipeline.Pipeline = {
            "junit_file": args["junit_file"],
            "code_quality_file": args["code_quality_file"],
            "github_annotations": args["github_annotations"],
        }
        if not pipeline.is_asked(options) or (fleet is not None and not validated["errors"]):
            return
        if validated["errors"]:
            names = [str(request["name"]) if isinstance(request, dict) and "name" in request else None for request in requests]
            cases = cases_of_faults(names, validated["errors"], args["project"], pipeline.place_of(origins.of))
        else:
            cases = cases_of_instances(validated["instances"])
        pipeline.write(cases, options, self._display.display)

    def _fleet(self, args: dict[str, t.Any], variables: dict[str, t.Any]) -> Fleet | None:
        """The fleet that the requests are checked against; None if there is none to check against."""
        aggregates = args["aggregates"] if args["aggregates"] is not None else self._variable(variables, "aggregates")
        if args["fleet_file"]:
            return read_fleet_file(args["fleet_file"], aggregates)
        if not args["hosts_variable"]:
            return None
        catalogue = tuple(f"compute_{kind}" for kind in (*CATALOGUE, "aggregates"))
        options = (*one_for_all.OPTIONS, *flat_request.VARIABLES)
        hosts = hosts_of_play(self._task, variables, args["hosts_variable"], (*catalogue, *options))
        cut = check_size(args["fleet_size"], hosts)
        if cut:
            raise FleetError(cut)
        # A catalogue that is an argument of the task is one.
        given = {f"compute_{kind}" for kind in (*CATALOGUE, "aggregates") if args.get(kind) is not None}
        wrong = one_for_all.difference([name for name in (*catalogue, *options) if name not in given], {name: host.raw for name, host in hosts.items()})
        if wrong:
            raise FleetError(wrong)
        return read_fleet(hosts, args["hosts_variable"], aggregates)

    def _elsewhere(self, args: dict[str, t.Any], variables: dict[str, t.Any]) -> dict[str, str]:
        """Where that of the catalogue is set that the controller does not see, if it checks without the hosts of the play."""
        if args["hosts_variable"] and not args["fleet_file"]:
            return {}
        kinds = {f"compute_{kind}": kind for kind in CATALOGUE if args[kind] is None}
        return {kinds[name]: where for name, where in set_elsewhere(variables, kinds).items()}

    def _variable(self, variables: dict[str, t.Any], kind: str) -> t.Any:
        """A ``compute_*`` variable, templated; None if it is not set, or to nothing."""
        name = f"compute_{kind}"
        value: object = self.given(variables, (name,)).get(name)
        if value == "":
            return None
        return answers.mapping(name, value) if kind in (*CATALOGUE, "aggregates") else value
