# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who is the registrar: thin edge over plugin_utils/fleet/registrar_review.py; documented in plugins/modules/registrar_show.py."""

from __future__ import annotations

import typing as t

from ansible.errors import AnsibleActionFail
from ansible.module_utils.basic import missing_required_lib

from ansible_collections.kvmfleet.compute.plugins.module_utils.registrar.epoch import POSTGRESQL
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.allocation.postgres_begin import content
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.api.duplicates import find
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.edge.action import ControllerAction
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.fleet.agreement import check_size
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.fleet.begun import Begun
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.fleet.census import records
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.fleet.fleet import FleetError, read_fleet
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.fleet.registrar_review import Read, cut, review
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.fleet.source import begun_of_play, hosts_of_play
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.fleet.upkeep import latest
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.schema.libraries import MISSING

ARGUMENT_SPEC: dict[str, dict[str, object]] = {
    "registrar_variable": {"type": "str", "required": True},
    "hosts_variable": {"type": "str"},
    "dsn": {"type": "str", "no_log": True},
    "fleet_size": {"type": "raw"},
}


class Arguments(t.TypedDict):
    """What the argument spec gives."""

    registrar_variable: str
    hosts_variable: str | None
    dsn: str | None
    fleet_size: object


class ActionModule(ControllerAction):
    """Shows what the hosts hold, and what is wrong with it."""

    SPEC = ARGUMENT_SPEC
    REFUSALS: t.ClassVar[tuple[type[Exception], ...]] = (FleetError,)

    def answer(self, args: Arguments, variables: dict[str, t.Any]) -> dict[str, object]:
        """{table, wrong, cut}: lines of text, and a sentence."""
        for library in MISSING:
            raise AnsibleActionFail(missing_required_lib(library))
        hosts = list(map(str, variables["ansible_play_hosts_all"]))
        begun = begun_of_play(variables, args["registrar_variable"], "reservations")
        found = review(begun, hosts, _ledger(begun, args["dsn"]))
        size = check_size(args["fleet_size"], hosts)
        wrong = [*found.wrong, *([size] if size else [])]
        if args["hosts_variable"]:
            fleet = read_fleet(hosts_of_play(self._task, variables, args["hosts_variable"]), args["hosts_variable"])
            wrong += [f"host {name} can't be read: {host['error']}" for name, host in fleet["hosts"].items() if host["state"] is None and name in begun.held]
            wrong += map(str, find(fleet, records(fleet)))
        return {"table": found.table, "wrong": wrong, "cut": size or cut(begun, hosts)}


def _ledger(begun: Begun, dsn: str | None) -> Read:
    epoch = latest(begun)
    if not epoch:
        return Read(None, None)
    if epoch["store"] != POSTGRESQL:
        return Read(begun.ledgers.get(epoch["registrar"]), begun.refused.get(epoch["registrar"]))
    if not dsn:
        return Read(None, {"error_class": "RegistrarElsewhere", "message": "compute_registrar_dsn is not set"})
    return content(dsn, epoch["fleet"])
