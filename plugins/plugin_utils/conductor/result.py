# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The result of a run, and the sentences that say it; pure."""

from __future__ import annotations

import typing as t

STATES = {"placed": "PLANNED", "claimed": "PLANNED", "active": "ACTIVE", "failed": "ERROR", "unknown": "UNKNOWN"}


def _addresses(instance: dict[str, t.Any]) -> dict[str, list[dict[str, t.Any]]]:
    """As Nova shows them: {network: [{version, addr, mac_addr}]}."""
    addresses: dict[str, list[dict[str, t.Any]]] = {}
    for port in instance.get("ports") or []:
        for ip in port.get("fixed_ips") or []:
            shown = {"version": ip["version"], "addr": ip["ip_address"], "mac_addr": port["mac_address"]}
            addresses.setdefault(port["network_name"], []).append(shown)
    return addresses


def report_row(server: dict[str, t.Any], check_mode: bool) -> dict[str, t.Any]:
    """One server of the result, in the shape of ReportRow."""
    placed, error = server["placed"], server["error"]
    instance = (placed or server["unplaced"])["instance"]
    state = STATES.get(server["status"], "UNKNOWN")
    if server["status"] == "active" and check_mode and server["changed"]:
        state = "PLANNED"
    elif server["status"] in ("placed", "claimed") and placed["action"] == "none":
        state = "ACTIVE"
    return {
        "id": instance["uuid"],
        "name": instance["display_name"],
        "hostname": instance["hostname"],
        "domain": instance["domain_name"],
        "project": instance["project_id"],
        "reservation_id": instance["reservation_id"],
        "host": placed["host"] if placed else None,
        "zone": instance["availability_zone"],
        "addresses": _addresses(instance),
        "state": state,
        "changed": server["changed"],
        "attempts": placed["attempts"] if placed else [],
        "seconds": server["seconds"],
        "drift": [*(placed["drift"] if placed else []), *server["drift"]],
        "error": {key: error[key] for key in ("error_class", "message", "reasons") if key in error} if error else None,
        "console": server["console"],
    }


def first_address(result: dict[str, t.Any]) -> str | None:
    """The address to log in to: the first IPv4 of the first network, else the first at all."""
    shown = [address for network in result["addresses"].values() for address in network]
    for version in (4, 6):
        for address in shown:
            if address["version"] == version:
                return t.cast(str, address["addr"])
    return None


def lost_sentence(result: dict[str, t.Any]) -> str:
    """One sentence for a server that did not come to be."""
    tried = "".join(f"; tried {attempt['host']} ({attempt['stage']})" for attempt in result["attempts"])
    return f"{result['name']}: {result['error']['error_class']}: {result['error']['message']}{tried if len(result['attempts']) > 1 else ''}"


def summary(state: dict[str, t.Any], check_mode: bool, hosts: t.Collection[str] = ()) -> dict[str, t.Any]:
    """What a round tells its play: ``report`` (every server), ``lost`` (sentences), ``logins`` (for the inventory), ``stats`` (for a workflow).

    ``hosts``: the play's hosts, whose names no server may take in the inventory.
    """
    report = [report_row(server, check_mode) for server in state["servers"].values()]
    logins = [{"name": item["name"], "host": item["host"], "id": item["id"], "address": first_address(item)} for item in report if item["state"] == "ACTIVE"]
    return {
        "report": report,
        "lost": [lost_sentence(item) for item in report if item["error"]],
        "logins": [] if check_mode else [login for login in logins if login["address"] and login["name"] not in hosts],
        "table": table(report),
        "stats": [{key: item[key] for key in ("id", "name", "host", "state", "reservation_id", "addresses")} for item in report],
    }


def table(results: list[dict[str, t.Any]]) -> list[str]:
    """The servers as lines of text: name, state, host, zone, addresses, seconds."""
    head = ("SERVER", "STATE", "HOST", "ZONE", "ADDRESSES", "SECONDS")
    rows = [head]
    for result in results:
        addresses = ", ".join(address["addr"] for network in result["addresses"].values() for address in network)
        seconds = f"{sum(result['seconds'].values()):.1f}" if result["seconds"] else "-"
        rows.append((result["name"], result["state"], result["host"] or "-", result["zone"] or "-", addresses or "-", seconds))
    widths = [max(len(str(row[column])) for row in rows) for column in range(len(head))]
    lines = ["  ".join(str(cell).ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    for result in results:
        for drift in result["drift"]:
            lines.append(f"{result['name']} differs from the request: {drift['path']} is {drift['actual']!r}, asked {drift['wanted']!r}")
    return lines
