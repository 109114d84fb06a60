# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a batch module reports of each server, and how its task ends."""

from __future__ import annotations

import typing as t

from ansible_collections.kvmfleet.compute.plugins.module_utils.ansible_module import Module
from ansible_collections.kvmfleet.compute.plugins.module_utils.shapes import Error, Outcome


def outcome(
    uuid: str,
    display_name: t.Optional[str],
    what: str,
    stage: str,
    *,
    error: t.Optional[Error] = None,
    changed: bool = False,
    power_state: t.Optional[str] = None,
) -> Outcome:
    """One outcome."""
    return {
        "uuid": uuid,
        "display_name": display_name,
        "outcome": what,
        "stage": stage,
        "changed": changed,
        "error": error,
        "power_state": power_state,
        "seconds": {},
    }


def _sentence(result: Outcome, error: Error) -> str:
    return f"{result['display_name'] or result['uuid']}: {error['message']}"


def finish(module: Module, outcomes: t.Sequence[Outcome], on_error: str, diff: object = None, lost: t.Optional[str] = None) -> t.NoReturn:
    """End the task: failed only if the caller wants that (``on_error: fail``), with one sentence for each lost server; ``lost``: why libvirt is."""
    result: t.Dict[str, object] = {"changed": any(item["changed"] for item in outcomes), "servers": outcomes}
    if diff:
        result["diff"] = diff
    if lost:
        result["lost"] = lost
    failed = [(item, item["error"]) for item in outcomes if item["error"]]
    if failed and on_error == "fail":
        traces = [error["exception"] for _item, error in failed if error and "exception" in error]
        if traces:
            result["exception"] = "\n".join(traces)
        module.fail_json(msg="; ".join(_sentence(item, error) for item, error in failed if error), **result)
    module.exit_json(**result)
