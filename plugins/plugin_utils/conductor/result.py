# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The result of a run, and the sentences that say it; pure."""

from __future__ import annotations

from collections import Counter

from ansible_collections.kvmfleet.compute.plugins.module_utils.remedies import RERUN
from ansible_collections.kvmfleet.compute.plugins.module_utils.shapes import Drift, Instance
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.conductor.table import lost, table
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.fleet.inventory_names import GROUP, InventoryNames
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.fleet.nova_view import addresses_of, logins_of, status_of
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.shapes import (
    Login,
    LoginOptions,
    ReportRow,
    Round,
    RoundServer,
    ServerStat,
    Summary,
)

STATES = {"placed": "PLANNED", "claimed": "PLANNED", "active": "ACTIVE", "failed": "ERROR", "unknown": "UNKNOWN"}


def _state(server: RoundServer, check_mode: bool) -> str:
    if server["status"] == "active" and check_mode and server["changed"]:
        return "PLANNED"
    placed = server["placed"]
    if placed and (server["status"] == "active" or (server["status"] in ("placed", "claimed") and placed["action"] == "none")):
        return status_of(placed["power_state"])
    return STATES.get(server["status"], "UNKNOWN")


def _error(server: RoundServer) -> dict[str, object] | None:
    error, unplaced = server["error"], server["unplaced"]
    if not error:
        return None
    reasons = {"reasons": unplaced["error"]["reasons"]} if unplaced else {}
    return {"error_class": error["error_class"], "message": error["message"], **reasons}


def _drift(server: RoundServer, check_mode: bool) -> list[Drift]:
    """What differs now: what a run applies is applied once the server is active."""
    found = [*(server["placed"]["drift"] if server["placed"] else []), *server["drift"]]
    is_applied = server["status"] == "active" and not check_mode
    return [item for item in found if not (is_applied and item["remedy"] == RERUN)]


def report_row(server: RoundServer, instance: Instance, check_mode: bool) -> ReportRow:
    """One server of the result."""
    placed = server["placed"]
    return {
        "id": instance["uuid"],
        "name": instance["display_name"],
        "hostname": instance["hostname"],
        "domain": instance["domain_name"],
        "project": instance["project_id"],
        "reservation_id": instance["reservation_id"],
        "host": placed["host"] if placed else None,
        "zone": instance["availability_zone"],
        "addresses": addresses_of(instance["ports"]),
        "state": _state(server, check_mode),
        "changed": server["changed"],
        "attempts": placed["attempts"] if placed else [],
        "seconds": server["seconds"],
        "drift": _drift(server, check_mode),
        "warnings": server["warnings"],
        "error": _error(server),
        "console": server["console"],
    }


def _logins(report: list[ReportRow], names: InventoryNames, options: LoginOptions) -> list[Login]:
    groups = [GROUP, *([options["login_group"]] if options["login_group"] else [])]
    logins: list[Login] = []
    for row in report:
        way = next(iter(logins_of(row["addresses"])), None)
        if row["state"] == "ACTIVE" and way and names.rule(row["name"], row["id"]) is None:
            login: Login = {"name": names.name(row["name"]), "groups": groups, "kvmfleet_id": row["id"]}
            if not names.is_there(row["name"]):
                login.update({"kvmfleet_host": row["host"], "ansible_host": way.address})
                if way.port:
                    login["ansible_port"] = way.port
                if options["login_user"]:
                    login["ansible_user"] = options["login_user"]
                if options["login_private_key_file"]:
                    login["ansible_ssh_private_key_file"] = options["login_private_key_file"]
            logins.append(login)
    return logins


def _stat(row: ReportRow) -> ServerStat:
    return {
        "id": row["id"],
        "name": row["name"],
        "host": row["host"],
        "state": row["state"],
        "reservation_id": row["reservation_id"],
        "addresses": row["addresses"],
    }


def rows(state: Round, check_mode: bool) -> list[ReportRow]:
    """Every server of a round."""
    found = []
    for server in state["servers"].values():
        of = server["placed"] or server["unplaced"]
        if of:
            found.append(report_row(server, of["instance"], check_mode))
    return found


def sentence(report: list[ReportRow]) -> str:
    """How many servers there are in each state."""
    states = Counter(row["state"] for row in report)
    return f"{len(report)} server{'' if len(report) == 1 else 's'}: {', '.join(f'{number} {state}' for state, number in states.items())}"


def summary(state: Round, check_mode: bool, names: InventoryNames, options: LoginOptions) -> Summary:
    """What a round tells its play."""
    report = rows(state, check_mode)
    return {
        "report": report,
        "lost": lost(report),
        "logins": [] if check_mode else _logins(report, names, options),
        "table": table(report),
        "stats": [_stat(row) for row in report],
    }
