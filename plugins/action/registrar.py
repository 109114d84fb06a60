# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The controller's part of ``kvmfleet.compute.registrar``: it says which host is asked, and notes when it has answered. The module does the rest."""

from __future__ import annotations

import time
import typing as t
from collections.abc import Mapping

from ansible.errors import AnsibleActionFail

from ansible_collections.kvmfleet.compute.plugins.plugin_utils.edge import run_file
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.edge.host_answer import HostAction
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.edge.plain import plain
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.edge.verbosity import brief
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.fleet.runs import this_process

MODULE = "kvmfleet.compute.registrar"


def offer_of(agreed: object, host: str) -> dict[str, t.Any] | None:
    """What the host is offered by what ``registrar_agree`` registered; None if it is offered nothing."""
    agreement = agreed.get("agreement") if isinstance(agreed, Mapping) else None
    if not isinstance(agreement, Mapping):
        raise AnsibleActionFail("agreed_variable: this is not what registrar_agree has registered")
    try:
        offers: Mapping[str, t.Any] = run_file.value_of(agreement["offers"], "agreement.offers")
    except run_file.NoRunFile as error:
        raise AnsibleActionFail(str(error)) from error
    return plain(offers[host]) if host in offers else None


class ActionModule(HostAction):
    """Runs the module on the host."""

    TRANSFERS_FILES = False

    def run(self, tmp: str | None = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        result: dict[str, t.Any] = super().run(tmp, task_vars)
        variables = task_vars or {}
        args = self.plain_arguments()
        agreed_variable = args.pop("agreed_variable", None)
        if agreed_variable:
            args["offer"] = offer_of(variables.get(agreed_variable), str(variables["inventory_hostname"]))
        # A task that was delegated has the variables of the host that it was delegated for.
        args.setdefault("host_name", str(self._task.delegate_to or variables["inventory_hostname"]))
        if args.get("operation") == "begin" and isinstance(args.get("request"), dict):
            # By this a later run on this machine sees that this one is no more.
            args["request"] = {**args["request"], "process": this_process()}
        result.update(self._execute_module(module_name=MODULE, module_args=args, task_vars=task_vars))
        # No clock of two machines is compared: what the host's showed was before this.
        result["answered_at"] = time.monotonic()
        brief(result, self._display.verbosity)
        return result
