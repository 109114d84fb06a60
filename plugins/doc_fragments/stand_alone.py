# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options of the scheduler's functions in templates (``plugin_utils/scheduler/stand_alone.py``)."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  _input:
    description:
      - The hosts, as P(kvmfleet.compute.host_info#module) returns each under C(host).
      - A host needs C(name) or C(node), C(vcpus), C(memory_mb) and C(disk_gb). Everything else has Nova's default.
    type: list
    elements: dict
    required: true
  options:
    description: Options of nova.conf by section, as in the role's C(compute_scheduler_options).
    type: dict
    default: {}
  groups:
    description: Server groups with C(uuid), C(policy), C(rules) and C(members).
    type: list
    elements: dict
    default: []
"""
