# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The controller's part of ``kvmfleet.compute.server_info``: it keeps of the host's answer what is the host's to say. The module does the rest."""

from __future__ import annotations

import typing as t

from ansible_collections.kvmfleet.compute.plugins.plugin_utils.edge.host_answer import ModuleAction
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.edge.verbosity import brief


class ActionModule(ModuleAction):
    """Runs the module on the host."""

    def run(self, tmp: str | None = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        result = super().run(tmp, task_vars)
        brief(result, self._display.verbosity)
        return result
