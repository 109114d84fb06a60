#!/usr/bin/python
# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: server_plan
short_description: Keep where servers are to be, so that exactly that is built later
version_added: 0.2.0
author:
  - The kvmfleet.compute authors (@kvmfleet)
description:
  - Writes the hosts, ids, ports and addresses that the scheduler has chosen into a file on the controller, with what they rest on. It is written whole or
    not at all, with mode 0600.
  - M(kvmfleet.compute.server_validate) takes the file as O(kvmfleet.compute.server_validate#module:plan_file), and lets a run build that or nothing.
  - No secret is in the file. User data is there as a salted digest, a password is not there at all.
  - It needs a round in which every server has its place. The role P(kvmfleet.compute.create_server#role) uses it in its entry point C(plan).
extends_documentation_fragment:
  - kvmfleet.compute.attributes
  - kvmfleet.compute.attributes.controller
attributes:
  check_mode:
    support: full
    details: O(plan_file) is not written.
  diff_mode:
    support: none
  idempotent:
    support: none
    details: The ids and MAC addresses of new servers are random, so that each plan is another one.
options:
  plan_file:
    description: The file to write, in the shape of C(docs/data.md) (Plan).
    type: path
    required: true
  conducted_variable:
    description: The name of the variable under which M(kvmfleet.compute.server_conduct) was registered when it began the round.
    type: str
    required: true
  joined_fleet:
    description: RV(kvmfleet.compute.server_validate#module:joined_fleet).
    type: path
    required: true
  servers:
    description: The requests, as M(kvmfleet.compute.server_validate) got them.
    type: raw
  servers_file:
    description: The file with the requests, as M(kvmfleet.compute.server_validate) got it.
    type: path
seealso:
  - module: kvmfleet.compute.server_validate
  - module: kvmfleet.compute.server_conduct
"""

EXAMPLES = r"""
- name: Keep the plan
  kvmfleet.compute.server_plan:
    plan_file: plan.json
    conducted_variable: conducted
    joined_fleet: "{{ validated.joined_fleet }}"
    servers: "{{ compute_servers }}"
  run_once: true
"""

RETURN = r"""
digest:
  description: The digest of the plan, which stands in the file, too.
  returned: success
  type: str
  sample: sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08
msg:
  description: How many servers are planned.
  returned: success
  type: str
  sample: 3 servers to build; kept in plan.json for create_server with compute_plan_file and the same requests
seconds:
  description: How long it took, in seconds.
  returned: success
  type: float
"""
