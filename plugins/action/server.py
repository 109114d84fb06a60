# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The controller's part of ``kvmfleet.compute.server``: it adds the secrets, and waits for SSH; the module on the host does the rest."""

from __future__ import annotations

import json
import typing as t

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase

from ansible_collections.kvmfleet.compute.plugins.plugin_utils.api.secrets import secrets_of
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.edge import ssh_banner
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.edge.plain import NotPlain, plain

MODULE = "kvmfleet.compute.server"


def secrets_for(servers: list[dict[str, t.Any]], requests: list[dict[str, t.Any]], generated: dict[str, str]) -> dict[str, dict[str, str | None]]:
    """{uuid: {user_data, admin_pass}} of the servers that have any; ``generated``: {"<project>/<name>": password}."""
    found: dict[str, dict[str, str | None]] = {}
    for server in servers:
        instance, index = server["instance"], server.get("request_index")
        secrets: dict[str, str | None] = secrets_of(requests[index]) if index is not None and index < len(requests) else {"user_data": None, "admin_pass": None}
        if secrets["admin_pass"] is None:
            secrets["admin_pass"] = generated.get(f"{instance['project_id']}/{instance['display_name']}")
        if any(secrets.values()):
            found[instance["uuid"]] = secrets
    return found


def _addresses(server: dict[str, t.Any]) -> list[str]:
    return [ip["ip_address"] for port in server["instance"].get("ports") or [] for ip in port.get("fixed_ips") or []]


class ActionModule(ActionBase):
    """Runs the module on the host with the secrets of its servers."""

    TRANSFERS_FILES = False
    _supports_check_mode = True

    def _passwords(self, path: str | None) -> dict[str, str]:
        if not path:
            return {}
        try:
            with open(path, encoding="utf-8") as file:
                return t.cast("dict[str, str]", json.load(file))
        except FileNotFoundError:
            return {}
        except (OSError, ValueError) as error:
            raise AnsibleActionFail(f"admin_password_file {path}: {error}") from error

    def run(self, tmp: str | None = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        result: dict[str, t.Any] = super().run(tmp, task_vars)
        try:
            args = plain(self._task.args)
        except NotPlain as error:
            raise AnsibleActionFail(str(error)) from error
        requests = args.pop("requests", None) or []
        generated = self._passwords(args.pop("admin_password_file", None))
        servers = args.get("servers") or []
        if requests and not args.get("secrets"):
            # As one text: a value in a list would be blanked wherever an equal string stands in the result.
            args["secrets"] = json.dumps(secrets_for(servers, requests, generated))
        result.update(self._execute_module(module_name=MODULE, module_args=dict(args), task_vars=task_vars))
        if args.get("wait_for") == "ssh" and args.get("state", "active") == "active" and not self._task.check_mode:
            self._wait_for_ssh(args, servers, result, task_vars)
        return result

    def _wait_for_ssh(self, args: dict[str, t.Any], servers: list[dict[str, t.Any]], result: dict[str, t.Any], task_vars: dict[str, t.Any] | None) -> None:
        outcomes = {outcome["uuid"]: outcome for outcome in result.get("servers") or [] if not outcome["error"]}
        timeout_s = float(args.get("wait_timeout_s") or 300)
        answered = ssh_banner.wait_all({s["instance"]["uuid"]: _addresses(s) for s in servers if s["instance"]["uuid"] in outcomes}, timeout_s)
        silent = [uuid for uuid, (ok, _seconds) in answered.items() if not ok]
        for uuid, (_ok, seconds) in answered.items():
            outcomes[uuid]["seconds"]["wait"] = round(seconds, 3)
        if not silent:
            return
        asked = dict(args, console_of=silent, servers=[])
        consoles = self._execute_module(module_name=MODULE, module_args=asked, task_vars=task_vars).get("consoles") or {}
        for uuid in silent:
            message = f"no SSH banner from the controller within {timeout_s:.0f} s; the server is left as it is"
            outcomes[uuid].update(
                outcome="failed",
                stage="wait",
                error={"error_class": "WaitTimeout", "message": message, "reschedule": False},
                console=consoles.get(uuid) or [],
            )
        if args.get("on_error", "fail") == "fail":
            result["failed"] = True
            result["msg"] = "; ".join(f"{outcomes[uuid]['display_name']}: {outcomes[uuid]['error']['message']}" for uuid in silent)
