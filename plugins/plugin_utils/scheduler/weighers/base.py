# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a weigher is (``nova/weights.py: BaseWeigher``)."""

from __future__ import annotations

from ansible_collections.kvmfleet.compute.plugins.plugin_utils.scheduler.config import Config
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.scheduler.host_state import HostState
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.scheduler.request import Request


class Weigher:
    """Orders hosts: multiplier x normalised raw weight, summed over all weighers; more is better."""

    # The option with the multiplier; aggregates of a host may override it under the same name.
    option = ""
    # 0 normalises to raw / largest; None to the place of a host between the least and the largest.
    minval: float | None = None

    def __init__(self, config: Config) -> None:
        self.name = type(self).__name__
        self.config = config

    def is_local(self, request: Request) -> bool:
        """True if its raw weight of a host changes only when a server is placed on that very host; else all hosts are weighed again for each server."""
        return False

    def multiplier(self, host: HostState) -> float:
        """How much this weigher counts for a host; the same for all hosts in the same aggregates."""
        return host.number_of(self.option, float(self.config.filter(self.option)), float)

    def raw(self, host: HostState, request: Request) -> float:
        """The weight before it is normalised."""
        raise NotImplementedError


class HostWeigher(Weigher):
    """A weigher that looks at the host and the request only, so that after a pick the chosen host alone is weighed again."""

    def is_local(self, request: Request) -> bool:
        return True
