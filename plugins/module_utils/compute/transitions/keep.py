# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Keep: a server that is there and runs stays as it is; only its drift is reported."""

from __future__ import annotations

from ansible_collections.kvmfleet.compute.plugins.module_utils.compute.builder import Builder
from ansible_collections.kvmfleet.compute.plugins.module_utils.compute.drift import secrets_drift
from ansible_collections.kvmfleet.compute.plugins.module_utils.compute.transitions.base import Transition
from ansible_collections.kvmfleet.compute.plugins.module_utils.errors import ServerError
from ansible_collections.kvmfleet.compute.plugins.module_utils.shapes import Order, Outcome


class Keep(Transition):
    """It takes no lock and changes nothing."""

    name = "keep"
    stage = "build"
    starts_from = ("active",)
    ends_in = "active"
    done = "unchanged"

    def run(self, builder: Builder, order: Order) -> Outcome:
        """Read the record and the power state; ServerError (InstanceNotFound) if the server was deleted meanwhile."""
        uuid = order["instance"]["uuid"]
        owned = builder.look_up(uuid)
        if owned is None:
            raise ServerError("InstanceNotFound", f"server {uuid} is not on the host any more: it was deleted meanwhile")
        result = self.outcome(order, power_state=owned.domain["power_state"])
        result["drift"] = secrets_drift(builder, owned.record)
        return result
