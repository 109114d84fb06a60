# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a batch module reports of each server, and how its task ends."""

from __future__ import annotations

import typing as t

from ansible.module_utils.basic import AnsibleModule


def outcome(
    server: dict[str, t.Any],
    what: str,
    stage: str,
    *,
    error: t.Optional[dict[str, t.Any]] = None,
    changed: bool = False,
    power_state: t.Optional[str] = None,
) -> dict[str, t.Any]:
    """One outcome, in the shape of docs/data.md."""
    return {
        "uuid": server.get("uuid"),
        "display_name": server.get("display_name"),
        "outcome": what,
        "stage": stage,
        "changed": changed,
        "error": error,
        "power_state": power_state,
        "seconds": {},
    }


def finish(module: AnsibleModule, outcomes: list[dict[str, t.Any]], diff: t.Any = None) -> None:
    """End the task: failed only where the caller wants that (``on_error: fail``), with one sentence for each lost server."""
    result: dict[str, t.Any] = {"changed": any(item["changed"] for item in outcomes), "servers": outcomes}
    if diff:
        result["diff"] = diff
    lost = [item for item in outcomes if item["error"]]
    if lost and module.params["on_error"] == "fail":
        module.fail_json(msg="; ".join(f"{item['display_name'] or item['uuid']}: {item['error']['message']}" for item in lost), **result)
    module.exit_json(**result)
