# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The controller's part of ``kvmfleet.compute.server_reap``: it tells the host its own time, by which the host's clock is judged."""

from __future__ import annotations

import time
import typing as t

from ansible_collections.kvmfleet.compute.plugins.plugin_utils.edge.host_answer import HostAction

MODULE = "kvmfleet.compute.server_reap"


class ActionModule(HostAction):
    """Runs the module on the host."""

    TRANSFERS_FILES = False

    def run(self, tmp: str | None = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        result: dict[str, t.Any] = super().run(tmp, task_vars)
        args = self.plain_arguments()
        # A host that answers late seems to be ahead, and is skipped rather than believed.
        args.setdefault("controller_time", time.time())
        result.update(self._execute_module(module_name=MODULE, module_args=args, task_vars=task_vars))
        return result
