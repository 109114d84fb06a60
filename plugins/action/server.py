# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The controller's part of ``kvmfleet.compute.server``: it picks the host's share of the round and of the secrets, and waits for SSH.

The module on the host does the rest.
"""

from __future__ import annotations

import json
import typing as t
from collections.abc import Mapping

from ansible.errors import AnsibleActionFail

from ansible_collections.kvmfleet.compute.plugins.module_utils import ssh_banner
from ansible_collections.kvmfleet.compute.plugins.module_utils.compute.arguments import host_argument_spec
from ansible_collections.kvmfleet.compute.plugins.module_utils.compute.orders import BUILD, FINISH
from ansible_collections.kvmfleet.compute.plugins.module_utils.network import ways_in
from ansible_collections.kvmfleet.compute.plugins.module_utils.shapes import Diff, Grant, GroupRules, Origin, Outcome, Port, Run
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.api.group_numbers import rules_for
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.conductor.answer_shape import faults_of_outcomes
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.conductor.drift_diff import drift_diffs
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.conductor.orders import orders_of
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.edge import run_file
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.edge.host_answer import HostAction
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.edge.plain import NotPlain, plain
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.edge.verbosity import brief
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.edge.watch import is_wanted, watched
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.progress.servers import ServerProgress
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.shapes import Placed, Round, SeenRules

MODULE = "kvmfleet.compute.server"


def share_of_round(conducted: object, host: str) -> tuple[list[Placed], Run]:
    """(what is placed on the host in this stage, the run), from what ``server_conduct`` registered; only the host's own share is read."""
    whole = conducted.get("round") if isinstance(conducted, Mapping) else None
    if not isinstance(whole, Mapping):
        raise AnsibleActionFail("round_variable: this is not what server_conduct has registered")
    servers: Mapping[str, t.Any] = run_file.value_of(whole["servers"], "round.servers")
    return [plain(servers[uuid]["placed"]) for uuid in whole["placements"].get(host) or []], plain(whole["run"])


def share_of_grants(conducted: Mapping[str, t.Any], host: str) -> Grant | None:
    """What the host has to be shown for its claims in this stage; None if nothing was reserved, or if it has none to take that need it."""
    state: Round = conducted["round"]
    grants = state.get("grants") or {}
    return plain(grants[host]) if host in grants else None


def groups_of_round(conducted: Mapping[str, t.Any], host: str) -> list[GroupRules]:
    """The rules of the run's security groups for a host: which of them a server has that is there already, it knows."""
    state: Round = conducted["round"]
    groups: list[SeenRules] = plain(run_file.value_of(state["security_groups"], "round.security_groups"))
    return list(rules_for(groups, host))


def origin_of_round(conducted: Mapping[str, t.Any]) -> Origin | None:
    """What the claims of the run are recorded with."""
    state: Round = conducted["round"]
    origin = state["origin"]
    return plain(origin) if origin else None


def share_of_secrets(registered: object, servers: list[t.Any]) -> str | None:
    """The argument ``secrets``, from what ``server_secrets`` registered: those of these servers, by id; None if there are none."""
    secrets = registered.get("secrets") if isinstance(registered, Mapping) else None
    uuids = [str((server.get("instance") or server).get("uuid")) for server in servers]
    own = {uuid: plain(secrets[uuid]) for uuid in uuids if uuid in secrets} if isinstance(secrets, Mapping) else {}
    # As one text: a value in a list would be blanked wherever an equal string stands in the result.
    return json.dumps(own) if own else None


def _ports(server: Placed) -> list[Port]:
    return server["instance"].get("ports") or []


def progress_of(args: Mapping[str, t.Any], host: str) -> ServerProgress | None:
    """How far the builds are that these arguments ask for, by the files of those that are made anew; None if there are none."""
    defaults = host_argument_spec()
    paths = {name: str(args.get(name) or defaults[name]["default"]) for name in ("state_path", "instances_path")}
    orders = [order for order in args.get("servers") or [] if isinstance(order, dict) and (order.get("action") or BUILD) in (BUILD, FINISH)]
    instances = [instance for order in orders for instance in [order.get("instance") or order] if isinstance(instance, dict)]
    names = {str(instance.get("uuid")): str(instance.get("display_name") or instance.get("uuid")) for instance in instances}
    return ServerProgress(host, names, **paths, wait_for=str(args.get("wait_for") or "active")) if names else None


def _add_drift(result: dict[str, t.Any], servers: list[Placed]) -> None:
    """Show what was changed of servers that were there."""
    reported: list[Outcome] = result["servers"]
    found: object = result.get("diff")
    own: list[Diff] = found if isinstance(found, list) else []
    result["diff"] = own + drift_diffs(servers, {outcome["uuid"] for outcome in reported if outcome["changed"]})


class ActionModule(HostAction):
    """Runs the module on the host with the orders and the secrets of its servers."""

    TRANSFERS_FILES = False

    def run(self, tmp: str | None = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        result: dict[str, t.Any] = super().run(tmp, task_vars)
        variables = task_vars or {}
        args = self.plain_arguments()
        try:
            round_variable, secrets_variable = args.pop("round_variable", None), args.pop("secrets_variable", None)
            to_start = args.get("state", "active") == "active"
            to_build = to_start and not self._task.check_mode
            servers: list[t.Any] = args.get("servers") or []
            if round_variable:
                host = str(variables["inventory_hostname"])
                servers, run = share_of_round(variables.get(round_variable), host)
                # In check mode nothing was claimed, so that the host has no record to read.
                args.update(
                    servers=orders_of(servers, claimed=to_build or args.get("state") == "released"), run=run, origin=origin_of_round(variables[round_variable])
                )
                args.setdefault("host_name", host)
                grant = share_of_grants(variables[round_variable], host) if args.get("state") == "claimed" else None
                if grant:
                    args["grant"] = grant
                if to_build:
                    args["security_groups"] = groups_of_round(variables[round_variable], host)
            secrets = share_of_secrets(variables.get(secrets_variable or ""), servers)
        except (NotPlain, run_file.NoRunFile) as error:
            raise AnsibleActionFail(str(error)) from error
        if secrets:
            args["secrets"] = secrets
        with watched(self, progress_of(args, str(variables.get("inventory_hostname"))) if to_build and is_wanted(self) else None):
            result.update(self._execute_module(module_name=MODULE, module_args=args, task_vars=task_vars))
        if args.get("wait_for") == "ssh" and args.get("wait_from", "controller") == "controller" and to_build:
            self._wait_for_ssh(args, servers, result, task_vars)
        if round_variable:
            # The conductor says what became of them.
            brief(result, self._display.verbosity)
        if not self._task.diff:
            # It is kilobytes for each server.
            result.pop("diff", None)
        elif round_variable and to_start and not faults_of_outcomes(result.get("servers")):
            _add_drift(result, servers)
        return result

    def _wait_for_ssh(self, args: dict[str, t.Any], servers: list[Placed], result: dict[str, t.Any], task_vars: dict[str, t.Any] | None) -> None:
        reported: list[Outcome] = result.get("servers") or []
        outcomes = {outcome["uuid"]: outcome for outcome in reported if not outcome["error"]}
        timeout_s = float(args.get("wait_timeout_s") or 300)
        # Those that only their host reaches it has waited for.
        asked = {s["instance"]["uuid"]: ways_in.direct(_ports(s)) for s in servers if not ways_in.is_only_by_host(_ports(s))}
        answered = ssh_banner.wait_all({uuid: ways for uuid, ways in asked.items() if uuid in outcomes}, timeout_s)
        silent = [uuid for uuid, (ok, _seconds) in answered.items() if not ok]
        for uuid, (_ok, seconds) in answered.items():
            outcomes[uuid]["seconds"]["wait"] = round(seconds, 3)
        if not silent:
            return
        for_consoles = dict(args, console_of=silent, servers=[])
        consoles: dict[str, list[str]] = self._execute_module(module_name=MODULE, module_args=for_consoles, task_vars=task_vars).get("consoles") or {}
        message = f"no SSH banner from the controller within {timeout_s:.0f} s; the server is left as it is"
        for uuid in silent:
            outcome = outcomes[uuid]
            outcome["outcome"], outcome["stage"] = "failed", "wait"
            outcome["error"] = {"error_class": "WaitTimeout", "message": message, "reschedule": False}
            outcome["console"] = consoles.get(uuid) or []
        if args.get("on_error", "fail") == "fail":
            result["failed"] = True
            result["msg"] = "; ".join(f"{outcomes[uuid]['display_name']}: {message}" for uuid in silent)
