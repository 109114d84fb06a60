# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The secrets of a run by server, on the controller; documented in plugins/modules/server_secrets.py."""

from __future__ import annotations

import json
import typing as t

from ansible_collections.kvmfleet.compute.plugins.plugin_utils.api import flat_request
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.api.secrets import WrongRequest, secrets_by_server
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.edge.action import ControllerAction
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.edge.servers_file import UnclearRequests, requests_of

ARGUMENT_SPEC: dict[str, dict[str, object]] = {
    "servers": {"type": "raw", "no_log": True},
    "servers_file": {"type": "path"},
    "instances": {"type": "list", "elements": "dict", "required": True},
    "admin_password_file": {"type": "path", "no_log": False},
}


class UnreadableFile(ValueError):
    """The password file can't be read; the message names it."""


def read_passwords(path: str | None) -> dict[str, str]:
    """{"<project>/<name>": password} of the file with the generated passwords; nothing if there is none."""
    if not path:
        return {}
    try:
        with open(path, encoding="utf-8") as file:
            passwords: dict[str, str] = json.load(file)
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise UnreadableFile(f"admin_password_file {path}: {error}") from error
    return passwords


class ActionModule(ControllerAction):
    """Gives each server its own secrets, by its id."""

    SPEC = ARGUMENT_SPEC
    TAKEN = ("instances",)
    REFUSALS: t.ClassVar[tuple[type[Exception], ...]] = (WrongRequest, UnreadableFile, UnclearRequests)

    def answer(self, args: dict[str, t.Any], variables: dict[str, t.Any]) -> dict[str, object]:
        """{secrets}."""
        requests = requests_of(args, flat_request.request_of(self.given(variables, flat_request.VARIABLES)))
        return {"secrets": secrets_by_server(requests, args["instances"], read_passwords(args["admin_password_file"]))}
