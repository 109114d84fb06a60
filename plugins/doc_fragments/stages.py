# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the api stage hands on to those that place servers and reserve for them."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  instances:
    description: RV(kvmfleet.compute.server_validate#module:instances).
    type: list
    elements: dict
    required: true
  request_specs:
    description: RV(kvmfleet.compute.server_validate#module:request_specs).
    type: list
    elements: dict
    required: true
  groups:
    description: RV(kvmfleet.compute.server_validate#module:groups).
    type: list
    elements: dict
    default: []
  kept_ports:
    description: RV(kvmfleet.compute.server_validate#module:kept_ports); their addresses are chosen for no other port.
    type: list
    elements: dict
    default: []
requirements:
  - jsonschema >= 4.17 on the controller
  - netaddr >= 0.10 on the controller
"""
