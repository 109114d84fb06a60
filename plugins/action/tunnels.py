# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The controller's part of ``kvmfleet.compute.tunnels``: it says which host is asked, if it is to be. The module does the rest."""

from __future__ import annotations

import typing as t

from ansible_collections.kvmfleet.compute.plugins.plugin_utils.edge.host_answer import HostAction, is_for_others
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.edge.verbosity import brief

MODULE = "kvmfleet.compute.tunnels"


class ActionModule(HostAction):
    """Runs the module on the host."""

    TRANSFERS_FILES = False

    def run(self, tmp: str | None = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        result: dict[str, t.Any] = super().run(tmp, task_vars)
        args = self.plain_arguments()
        host = str((task_vars or {})["inventory_hostname"])
        args.setdefault("host_name", host)
        if is_for_others(args, host):
            result["skipped"] = True
        else:
            result.update(self._execute_module(module_name=MODULE, module_args=args, task_vars=task_vars))
        brief(result, self._display.verbosity)
        return result
