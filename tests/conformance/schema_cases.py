"""Is a body accepted exactly where Nova accepts it? (The deviations that count as a pass are in the cases' README.)"""

from __future__ import annotations

import base64
import binascii
import typing as t

from ansible_collections.kvmfleet.compute.plugins.plugin_utils.api.body import check_controller, check_schema
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.api.problems import gathered
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.schema.fault import Fault

# Where a trailing newline passes in Nova, and must not here.
NO_NEWLINE = ("name", "key_name", "availability_zone", "host", "hypervisor_hostname", "hostname", "min_count", "max_count")


def faults_of(body: dict[str, t.Any]) -> list[Fault]:
    """What the collection says of a body, by the same two functions that validate() calls."""
    found = list(check_schema(body))
    if found:
        return found
    whole: t.Any = body
    return gathered(check_controller(whole))[1]


def _refusal_is_right(body: dict[str, t.Any]) -> bool:
    server = body.get("server") or {}
    texts = [server.get(key) for key in NO_NEWLINE] + [group.get("name") for group in server.get("security_groups") or [] if isinstance(group, dict)]
    if any(isinstance(text, str) and text.endswith("\n") for text in texts):
        return True
    user_data = server.get("user_data")
    if isinstance(user_data, str):
        try:
            base64.b64decode("".join(user_data.split()), validate=True)
        except (binascii.Error, ValueError):
            return True
    return False


def compare(case: dict[str, t.Any]) -> tuple[str, str | None]:
    """(id, None where the verdicts agree, else the difference)."""
    expect = case["expect"]
    controller = expect.get("controller") or {}
    wanted = expect["verdict"] == "accept" and controller.get("verdict") != "reject"
    faults = faults_of(case["body"])
    if wanted and faults and _refusal_is_right(case["body"]):
        return case["id"], None
    if wanted == (not faults):
        return case["id"], None
    what = "; ".join(f"{fault.path}: {fault.rule}" for fault in faults) or "accepted"
    return case["id"], f"{case['field']} ({case['why']}): wanted {'accept' if wanted else 'reject'}, got {what}"
