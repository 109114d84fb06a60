# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""ImagePropertiesWeigher: servers with the same image properties (Nova: ``weights/image_props.py``)."""

from __future__ import annotations

from ansible_collections.kvmfleet.compute.plugins.plugin_utils.scheduler.config import Config, parse_weight_setting
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.scheduler.host_state import HostState
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.scheduler.request import Request
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.scheduler.weighers.base import HostWeigher


class ImagePropertiesWeigher(HostWeigher):
    """More servers with the same image properties are better; those placed by the same request don't count. Off by default."""

    option = "image_props_weight_multiplier"

    def __init__(self, config: Config) -> None:
        super().__init__(config)
        self._is_off = float(config.filter(self.option)) == 0.0
        self._setting = dict(parse_weight_setting(config.filter("image_props_weight_setting")))

    def raw(self, host: HostState, request: Request) -> float:
        # As in Nova an aggregate's multiplier does not switch it on.
        if self._is_off:
            return 0.0
        wanted = {(key, str(value)) for key, value in request.image_properties.items()}
        weight = 0.0
        for properties in host.image_properties():
            for item in wanted & {(key, str(value)) for key, value in properties.items()}:
                weight += self._setting.get(item[0], 0.0) if self._setting else 1.0
        return weight
