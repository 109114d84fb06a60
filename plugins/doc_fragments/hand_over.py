# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How a stage returns what is large, and only later stages of the run read."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  hand_over:
    description:
      - How the values are returned that grow with servers and hosts. What a task returns goes to the log and to every callback whole.
      - V(value) returns them as they are.
      - V(file) puts each into a file in Ansible's temporary folder on the controller, which only its user may read and which Ansible removes at the end of the
        run, and returns a mapping with its path as C(run_file) in the value's place. The later stages of the same run take that for the value.
    type: str
    choices: [value, file]
    default: value
"""
