# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The types of binding. To add one: its file, its line here, its test."""

from __future__ import annotations

import typing as t

from ansible_collections.kvmfleet.compute.plugins.module_utils.network.vif.base import Vif
from ansible_collections.kvmfleet.compute.plugins.module_utils.network.vif.bridge import Bridge
from ansible_collections.kvmfleet.compute.plugins.module_utils.network.vif.flat import Flat
from ansible_collections.kvmfleet.compute.plugins.module_utils.network.vif.libvirt_network import LibvirtNetwork
from ansible_collections.kvmfleet.compute.plugins.module_utils.network.vif.local import Local
from ansible_collections.kvmfleet.compute.plugins.module_utils.network.vif.macvtap import Macvtap
from ansible_collections.kvmfleet.compute.plugins.module_utils.network.vif.openvswitch import OpenVSwitch
from ansible_collections.kvmfleet.compute.plugins.module_utils.network.vif.user import User
from ansible_collections.kvmfleet.compute.plugins.module_utils.network.vif.vlan import Vlan
from ansible_collections.kvmfleet.compute.plugins.module_utils.network.vif.vxlan import Vxlan
from ansible_collections.kvmfleet.compute.plugins.module_utils.shapes import Binding

BINDINGS: t.Dict[str, Vif] = {vif.type: vif for vif in (Bridge(), LibvirtNetwork(), OpenVSwitch(), Macvtap(), User(), Flat(), Vlan(), Vxlan(), Local())}


def vif_of(binding: Binding) -> Vif:
    """The back end of a binding."""
    return BINDINGS[binding["type"]]
