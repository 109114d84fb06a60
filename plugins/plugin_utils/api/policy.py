# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who may ask for what: ``compute_policy``, roles by rule; pure.

Follows ``nova/policies/servers.py`` and where ``ServersController.create`` asks it. A guard rail against mistakes and no security boundary:
whoever runs the playbook sets these variables.
"""

from __future__ import annotations

from collections.abc import Iterator

from ansible_collections.kvmfleet.compute.plugins.plugin_utils.api.server_body import ServerBody
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.fleet import target
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.schema import shape_check
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.schema.catalogue import POLICY
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.schema.fault import Fault
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.schema.suggestion import suggestion

ANYBODY = "@"
PREFIXES = ("os_compute_api:servers:", "compute:servers:")
# rule: the roles that Nova grants it to
DEFAULTS: dict[str, list[str]] = {name: rule["default"] for name, rule in POLICY["properties"].items()}

Rules = dict[str, list[str]]


def _short(name: str) -> str:
    for prefix in PREFIXES:
        name = name.removeprefix(prefix)
    return name


def faults(raw: object) -> Iterator[Fault]:
    """What is wrong with ``compute_policy``."""
    if raw is None:
        return
    if not isinstance(raw, dict):
        yield Fault("", raw, "must be a mapping from a rule to a list of roles")
        return
    first: dict[str, str] = {}
    for name, roles in raw.items():
        rule = _short(str(name))
        if rule not in DEFAULTS:
            yield Fault(str(name), name, f"unknown rule{suggestion(rule, DEFAULTS)}")
        elif first.setdefault(rule, str(name)) != str(name):
            yield Fault(str(name), name, f"the rule {rule} is given twice, also as {first[rule]}")
        elif roles is None:
            # Nobody, or Nova's roles? A guard rail must not guess.
            yield Fault(str(name), None, f"must be a list of roles; [] is nobody, [{ANYBODY}] is anybody")
        else:
            yield from (fault.below(str(name)) for fault in shape_check.faults(POLICY["properties"][rule], roles))


def rules(raw: dict[str, list[str]] | None) -> Rules | None:
    """``compute_policy`` with Nova's roles for the rules that it leaves out; None if there is no policy, or a faulty one."""
    if raw is None or any(faults(raw)):
        return None
    return {**DEFAULTS, **{_short(name): roles for name, roles in raw.items()}}


class Policy:
    """The rules, asked by one user; without rules all is allowed."""

    def __init__(self, rules: Rules | None, user: str, roles: list[str]) -> None:
        self._rules, self._user, self._roles = rules, user, roles

    def allows(self, rule: str) -> bool:
        """True if the user has one of the rule's roles; role names know no case, as in oslo.policy."""
        if self._rules is None or ANYBODY in self._rules[rule]:
            return True
        return not {role.lower() for role in self._rules[rule]}.isdisjoint(role.lower() for role in self._roles)

    def denial(self, rule: str) -> str:
        """Why not, in words."""
        wanted = " or ".join((self._rules or {}).get(rule) or ["nobody"])
        return f"policy {rule} needs the role {wanted}; user {self._user} has {', '.join(self._roles) or 'none'}"

    def check(self, server: ServerBody) -> Iterator[Fault]:
        """What a body asks for that the user may not have, in the order of ``ServersController.create``."""
        for rule, path, value in _asked(server):
            if value and not self.allows(rule):
                yield Fault(path, value, self.denial(rule), "PolicyNotAuthorized", 403)


def _asked(server: ServerBody) -> Iterator[tuple[str, str, object]]:
    """(rule, field, its value) of what a body can ask for; a value that is empty asks for nothing."""
    yield "create", "", server["name"]
    yield "create:trusted_certs", "trusted_image_certificates", server.get("trusted_image_certificates")
    zone = server.get("availability_zone")
    yield "create:forced_host", "availability_zone", zone if _forces_host(zone) else None
    yield "create:requested_destination", "host", server.get("host")
    yield "create:requested_destination", "hypervisor_hostname", server.get("hypervisor_hostname")
    # Nova asks for any device, be it a volume or not.
    yield "create:attach_volume", "block_device_mapping", server.get("block_device_mapping")
    yield "create:attach_volume", "block_device_mapping_v2", server.get("block_device_mapping_v2")
    networks = server.get("networks")
    yield "create:attach_network", "networks", None if networks == "none" else networks


def _forces_host(zone: str | None) -> bool:
    try:
        return target.is_forced(target.parse(zone))
    except target.InvalidTarget:
        return False  # reported as what it is
