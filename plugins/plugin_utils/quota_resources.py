# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What quotas count of a server, by the names that limits and the registrar have for it; pure."""

from __future__ import annotations

from ansible_collections.kvmfleet.compute.plugins.module_utils.shapes import Instance


def amounts(instance: Instance) -> dict[str, int]:
    """What a new server takes, once it has its ports: a port of the catalogue was not made for it."""
    group = instance["group"]
    return {
        "instances": 1,
        "cores": instance["flavor"]["vcpus"],
        "ram": instance["flavor"]["memory_mb"],
        "ports": sum(1 for port in instance["ports"] if not port["preexisting"]),
        **({members_of(group["id"], instance["user_id"]): 1} if group else {}),
    }


def members_of(group: str, user: str) -> str:
    """The members of a server group are counted by user."""
    return f"server_group_members of {group} by {user}"
