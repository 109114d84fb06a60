# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the module ``server`` is given for one server, as an order; pure.

A placement says more than an order, and is taken as one. Of a server that is claimed, or that is to be deleted, the uuid is enough.
"""

from __future__ import annotations

import typing as t

from ansible_collections.kvmfleet.compute.plugins.module_utils.errors import ServerError
from ansible_collections.kvmfleet.compute.plugins.module_utils.record import KEYS
from ansible_collections.kvmfleet.compute.plugins.module_utils.shapes import Order

BUILD, FINISH, START, NONE = "build", "finish", "start", "none"


def read_order(server: t.Dict[str, t.Any]) -> Order:
    """The order of one element of ``servers``; ServerError (InvalidInput) if it names no server or an action that nobody knows."""
    instance: t.Dict[str, t.Any] = server["instance"] if isinstance(server.get("instance"), dict) else server
    if not isinstance(instance.get("uuid"), str) or not instance["uuid"]:
        raise ServerError("InvalidInput", "an element of servers has no uuid")
    action: str = server.get("action") or BUILD
    if action not in (BUILD, FINISH, START, NONE):
        raise ServerError("InvalidInput", f"unknown action {action!r} of server {instance['uuid']}; known: {BUILD}, {FINISH}, {START}, {NONE}")
    # The edge: what Ansible gives has no type.
    whole: t.Any = {**instance, "display_name": instance.get("display_name")}
    return {"version": 1, "instance": whole, "action": action, "group_hosts": server.get("group_hosts") or [], "gone_run": server.get("gone_run")}


def missing_fields(order: Order) -> t.List[str]:
    """What an order lacks for a claim; a server that is claimed needs none of it."""
    return [key for key in KEYS if key not in order["instance"]]
