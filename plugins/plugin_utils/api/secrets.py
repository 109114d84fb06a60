# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The secrets of a request, and the passwords that are generated for it; pure but for the random source that is passed in."""

from __future__ import annotations

import typing as t

from ansible_collections.kvmfleet.compute.plugins.module_utils.shapes import Secrets
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.api.body import user_data_of
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.random_source import RandomSource
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.shapes import BuildRequest

# nova/utils.py: DEFAULT_PASSWORD_SYMBOLS: no characters that are mistaken for each other.
PASSWORD_SYMBOLS = ("23456789", "ABCDEFGHJKLMNPQRSTUVWXYZ", "abcdefghijkmnopqrstuvwxyz")
PASSWORD_LENGTH = 12


def _body(request: dict[str, t.Any]) -> dict[str, t.Any]:
    """The server's fields, which may stand below ``server`` as in Nova's body."""
    server: dict[str, t.Any] = request["server"] if isinstance(request.get("server"), dict) else request
    return server


def secrets_of(request: dict[str, t.Any]) -> Secrets:
    """The user data (base64) and the password of a request, each None if it is not given."""
    server = _body(request)
    password = server.get("adminPass")
    return {"user_data": user_data_of(server), "admin_pass": password if isinstance(password, str) else None}


class WrongRequest(ValueError):
    """A request is not the one that a server was made of; the message names both, and no secret."""


def secrets_by_server(requests: list[dict[str, t.Any]], made: list[BuildRequest], generated: dict[str, str]) -> dict[str, Secrets]:
    """{server id: its secrets} of the servers that have any; ``generated``: {"<project>/<name>": password}.

    WrongRequest if a request is another one than a server was made of: the lists must be of one run.
    """
    found: dict[str, Secrets] = {}
    for build_request in made:
        instance, index = build_request["instance"], build_request["request_index"]
        request = requests[index] if index < len(requests) else {}
        secrets = secrets_of(request)
        name = str(_body(request).get("name")).strip()
        same_name = name == instance["display_name"] or f"{name}-{instance['launch_index'] + 1}" == instance["display_name"]
        given = build_request["secrets_given"]
        same_secrets = given["user_data"] == (secrets["user_data"] is not None) and (given["admin_pass"] == "given") == (secrets["admin_pass"] is not None)
        if not same_name or not same_secrets:
            made_of = f"the request that server {instance['display_name']} was made of"
            raise WrongRequest(f"servers[{index}] ({name}) is not {made_of}: validate and build from one list")
        if given["admin_pass"] == "generated":
            secrets["admin_pass"] = generated.get(f"{instance['project_id']}/{instance['display_name']}")
        if secrets["user_data"] is not None or secrets["admin_pass"] is not None:
            found[instance["uuid"]] = secrets
    return found


def generate_password(rng: RandomSource) -> str:
    """A password with at least one symbol of each group (``nova.utils.generate_password``)."""
    symbols = [rng.choice(group) for group in PASSWORD_SYMBOLS]
    symbols += [rng.choice("".join(PASSWORD_SYMBOLS)) for _count in range(PASSWORD_LENGTH - len(symbols))]
    rng.shuffle(symbols)
    return "".join(symbols)
