# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The controller's part of ``kvmfleet.compute.security_groups``: it says which host is asked, and what the round has placed there. The module does the rest."""

from __future__ import annotations

import typing as t
from collections.abc import Mapping

from ansible.errors import AnsibleActionFail

from ansible_collections.kvmfleet.compute.plugins.plugin_utils.conductor.named_groups import named_groups
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.edge import run_file
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.edge.host_answer import HostAction, is_for_others
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.edge.plain import NotPlain, plain
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.edge.verbosity import brief
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.shapes import Placed, Round, RoundServer, SeenRules

MODULE = "kvmfleet.compute.security_groups"


def share_of_round(conducted: object, host: str) -> dict[str, object]:
    """The options ``wanted`` and ``staying`` of the host, from what ``server_conduct`` registered."""
    if not isinstance(conducted, Mapping) or not isinstance(conducted.get("round"), Mapping):
        raise AnsibleActionFail("round_variable: this is not what server_conduct has registered")
    state: Round = conducted["round"]
    uuids = state["placements"].get(host) or []
    if not uuids:
        return {}
    servers: Mapping[str, RoundServer] = run_file.value_of(state["servers"], "round.servers")
    placed: list[Placed] = [plain(servers[uuid]["placed"]) for uuid in uuids]
    groups: list[SeenRules] = plain(run_file.value_of(state["security_groups"], "round.security_groups"))
    return {"wanted": named_groups(placed, groups), "staying": [str(uuid) for uuid in uuids]}


class ActionModule(HostAction):
    """Runs the module on the host."""

    TRANSFERS_FILES = False

    def run(self, tmp: str | None = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        result: dict[str, t.Any] = super().run(tmp, task_vars)
        variables = task_vars or {}
        args = self.plain_arguments()
        round_variable = args.pop("round_variable", None)
        host = str(variables["inventory_hostname"])
        if is_for_others(args, host):
            result["skipped"] = True
            brief(result, self._display.verbosity)
            return result
        try:
            if round_variable:
                args.update(share_of_round(variables.get(round_variable), host))
        except (NotPlain, run_file.NoRunFile) as error:
            raise AnsibleActionFail(str(error)) from error
        args.setdefault("host_name", host)
        result.update(self._execute_module(module_name=MODULE, module_args=args, task_vars=task_vars))
        brief(result, self._display.verbosity)
        return result
