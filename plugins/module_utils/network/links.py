# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a host says of the devices that ports are plugged by: the kernel, and Open vSwitch of its own."""

from __future__ import annotations

from ansible_collections.kvmfleet.compute.plugins.module_utils.network.bridges import bridge_of, exists, is_up, mtu_of, port_state
from ansible_collections.kvmfleet.compute.plugins.module_utils.network.open_vswitch import switch_port

__all__ = ("bridge_of", "exists", "is_up", "mtu_of", "port_state", "switch_port")
