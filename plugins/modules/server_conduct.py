#!/usr/bin/python
# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: server_conduct
short_description: Decide what happens next with the servers of a run
version_added: 0.1.0
author:
  - The kvmfleet.compute authors (@kvmfleet)
description:
  - The conductor. It reads what each host reported of the last stage and returns the next round - all claims first, then the builds. What a host refused or
    failed to build goes to its next alternate, up to C(max_attempts); bad input and image errors do not. Servers of a host that was lost are V(unknown) and
    go nowhere, because their guests may be up.
  - It runs on the controller and changes nothing. The role P(kvmfleet.compute.create_server#role) uses it; it is of little use alone.
extends_documentation_fragment:
  - kvmfleet.compute.attributes
  - kvmfleet.compute.attributes.controller
attributes:
  check_mode:
    support: full
  diff_mode:
    support: N/A
    details: It changes nothing.
  idempotent:
    support: full
options:
  round:
    description: The last round, from M(kvmfleet.compute.server_schedule) or this module.
    type: dict
    required: true
  outcomes_variable:
    description: The name of the variable under which each host registered M(kvmfleet.compute.server).
    type: str
    required: true
  image_variable:
    description: The name of the variable under which each host registered M(kvmfleet.compute.image); for the times.
    type: str
  port_variable:
    description: The name of the variable under which each host registered M(kvmfleet.compute.port); for the times.
    type: str
  result_file:
    description: A file on the controller for C(version) and C(servers), which is RV(report), as JSON. Not written in check mode.
    type: path
seealso:
  - module: kvmfleet.compute.server_schedule
"""

EXAMPLES = r"""
- name: Settle the claims
  kvmfleet.compute.server_conduct:
    round: "{{ round }}"
    outcomes_variable: claims
  run_once: true
  register: round
"""

RETURN = r"""
stage:
  description: What is next, V(claim), V(build) or V(done).
  returned: success
  type: str
placements:
  description: For each host the placed instances of the next stage.
  returned: success
  type: dict
images:
  description: For each host the images that its servers need and its cache lacks.
  returned: success
  type: dict
servers:
  description: Every server with its status.
  returned: success
  type: list
  elements: dict
version:
  description: Version of the shape.
  returned: success
  type: int
run:
  description: The run as a claim's record names it.
  returned: success
  type: dict
max_attempts:
  description: On how many hosts a server may be tried.
  returned: success
  type: int
group_members:
  description: The members of each server group that were there before, with their hosts.
  returned: success
  type: dict
cached_images:
  description: By host the digests of the images in its cache, each with the disk format.
  returned: success
  type: dict
report:
  description: Every server as the run's result has it.
  returned: success
  type: list
  elements: dict
  contains:
    id:
      description: The server's id.
      type: str
    name:
      description: The server's name.
      type: str
    host:
      description: The host in the inventory.
      type: str
    zone:
      description: The host's availability zone.
      type: str
    addresses:
      description: For each network the addresses with version and MAC address.
      type: dict
    state:
      description: V(ACTIVE), V(ERROR), V(UNKNOWN), or V(PLANNED) in check mode.
      type: str
    attempts:
      description: What was tried in vain, with host, stage and error.
      type: list
      elements: dict
    seconds:
      description: The time taken, in seconds, by stage.
      type: dict
    drift:
      description: Where an existing server differs from its request.
      type: list
      elements: dict
    error:
      description: Null, or error_class, message and reasons.
      type: dict
  sample:
    - id: 6f70656e-7374-6163-6b20-342065766572
      name: web-1
      host: kvm1
      zone: az1
      state: ACTIVE
      addresses:
        lan:
          - version: 4
            addr: 192.0.2.10
            mac_addr: fa:16:3e:01:02:03
      attempts: []
      seconds:
        claim: 0.02
        image: 1.4
        build: 0.6
      drift: []
      error: null
lost:
  description: One sentence for each server that did not come to be.
  returned: success
  type: list
  elements: str
logins:
  description: Servers that are there, with the address to log in to.
  returned: success
  type: list
  elements: dict
table:
  description: The servers as a table, in lines of text.
  returned: success
  type: list
  elements: str
stats:
  description: The servers in short, for the next job of a workflow.
  returned: success
  type: list
  elements: dict
msg:
  description: The servers as a table, in lines of text.
  returned: success
  type: list
  elements: str
"""
