# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who may ask for what: ``compute_policy``, roles by rule; pure.

Follows ``nova/policies/servers.py`` and where ``ServersController.create`` asks it. A guard rail against mistakes and no security boundary:
whoever runs the playbook sets these variables.
"""

from __future__ import annotations

import difflib
import typing as t
from collections.abc import Callable

from ansible_collections.kvmfleet.compute.plugins.plugin_utils.api.problems import ServerProblems
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.fleet import target

ANYBODY = "@"
PREFIXES = ("os_compute_api:servers:", "compute:servers:")
_MEMBER, _ADMIN = ["member", "admin"], ["admin"]

# rule: the roles that Nova grants it to
DEFAULTS: dict[str, list[str]] = {
    "create": _MEMBER,
    "create:trusted_certs": _MEMBER,
    "create:forced_host": _ADMIN,
    "create:requested_destination": _ADMIN,
    "create:attach_volume": _MEMBER,
    "create:attach_network": _MEMBER,
    "create:zero_disk_flavor": _ADMIN,
    "network:attach_external_network": _ADMIN,
}

Rules = dict[str, list[str]]


def _short(name: str) -> str:
    for prefix in PREFIXES:
        name = name.removeprefix(prefix)
    return name


def load(raw: t.Any, bad: Callable[[str, t.Any, str], None]) -> Rules | None:
    """``compute_policy`` with Nova's roles for the rules that it leaves out; None where there is no policy. Its faults go to ``bad(path, value, rule)``."""
    if raw is None:
        return None
    if not isinstance(raw, dict):
        bad("compute_policy", raw, "must be a mapping from a rule to a list of roles")
        return None
    found: Rules = {}
    for name, roles in raw.items():
        path, rule = f"compute_policy.{name}", _short(str(name))
        if rule not in DEFAULTS:
            near = difflib.get_close_matches(rule, DEFAULTS, 1)
            bad(path, None, "unknown rule" + (f"; did you mean {near[0]}?" if near else f"; known: {', '.join(DEFAULTS)}"))
        elif not isinstance(roles, list) or not all(isinstance(role, str) and role for role in roles):
            bad(path, roles, f"must be a list of roles, empty for nobody, {ANYBODY} for anybody")
        elif rule in found:
            bad(path, roles, f"is the rule {rule} once more")
        else:
            found[rule] = roles
    return {**DEFAULTS, **found}


class Policy:
    """The rules, asked by one user; without rules all is allowed."""

    def __init__(self, rules: Rules | None, user: str, roles: list[str]) -> None:
        self._rules, self._user, self._roles = rules, user, roles

    def allows(self, rule: str) -> bool:
        """Has the user one of the rule's roles? Role names know no case, as in oslo.policy."""
        if self._rules is None or ANYBODY in self._rules[rule]:
            return True
        return not {role.lower() for role in self._rules[rule]}.isdisjoint(role.lower() for role in self._roles)

    def denial(self, rule: str) -> str:
        """Why not, in words."""
        wanted = " or ".join((self._rules or {}).get(rule) or ["nobody"])
        return f"policy {rule} needs the role {wanted}; user {self._user} has {', '.join(self._roles) or 'none'}"

    def check(self, server: dict[str, t.Any], problems: ServerProblems) -> None:
        """What a body asks for that the user may not have, in the order of ``ServersController.create``."""
        asked: list[tuple[str, str, t.Any]] = [("create", "", server["name"])]
        if server.get("trusted_image_certificates"):
            asked.append(("create:trusted_certs", "trusted_image_certificates", server["trusted_image_certificates"]))
        zone = server.get("availability_zone")
        if _forces_host(zone):
            asked.append(("create:forced_host", "availability_zone", zone))
        asked += [("create:requested_destination", field, server[field]) for field in ("host", "hypervisor_hostname") if server.get(field)]
        # Nova asks for any device, be it a volume or not.
        asked += [("create:attach_volume", field, server[field]) for field in ("block_device_mapping", "block_device_mapping_v2") if server.get(field)]
        if server.get("networks") and server["networks"] != "none":
            asked.append(("create:attach_network", "networks", server["networks"]))
        for rule, path, value in asked:
            if not self.allows(rule):
                problems.add(path, value, self.denial(rule), "PolicyNotAuthorized", 403)


def _forces_host(zone: str | None) -> bool:
    try:
        return target.is_forced(target.parse(zone))
    except target.InvalidTarget:
        return False  # reported as what it is
