# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Of a plan everything is built, or nothing: what becomes of the others when one server can't be, before the first build; pure."""

from __future__ import annotations

from ansible_collections.kvmfleet.compute.plugins.module_utils.shapes import Error
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.lines import named
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.shapes import Round


def all_or_nothing(state: Round) -> Round:
    """The round, which is changed: if a server of it is lost, no other one is built. Its stage is the caller's to set anew."""
    lost = [server for server in state["servers"].values() if server["status"] in ("failed", "unknown")]
    if not state["all_or_nothing"] or not lost:
        return state
    names = [placed["instance"]["display_name"] for server in lost if (placed := server["placed"] or server["unplaced"])]
    message = f"it is not built, because {named(names)} can't be, and a plan is built whole or not at all"
    error: Error = {"error_class": "PlanNotBuilt", "message": message, "reschedule": False}
    reserved = state["reserved"]
    for uuid, server in state["servers"].items():
        placed = server["placed"]
        if placed is None or placed["action"] == "none" or server["status"] not in ("placed", "claimed"):
            continue
        server["error"] = error
        # What a dead run has left stays as it was found.
        server["status"] = "releasing" if server["status"] == "claimed" and placed["action"] == "build" else "failed"
        if server["status"] == "failed" and uuid in reserved["open"]:
            reserved["open"].remove(uuid)
            reserved["absent"].append(uuid)
    return state
