# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a host gets for a placed server; pure."""

from __future__ import annotations

import typing as t

from ansible_collections.kvmfleet.compute.plugins.plugin_utils.shapes import Placed

# Of a server that is claimed the host has the record: the id finds it, and the name stands in sentences. Its addresses are where it is waited for.
CLAIMED = ("uuid", "display_name")


def orders_of(placed: list[Placed], *, claimed: bool) -> list[dict[str, t.Any]]:
    """The Order of each; ``claimed``: the host has their records already."""
    orders = []
    for server in placed:
        instance = {key: value for key, value in server["instance"].items() if not claimed or key in CLAIMED}
        orders.append(
            {
                "version": 1,
                "instance": instance,
                "action": server["action"],
                "group_hosts": server["group_hosts"],
                "gone_run": server["gone_run"],
            }
        )
    return orders
