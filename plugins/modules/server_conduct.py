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
  - The conductor. It makes the first round of what was placed. Then it reads what each host reported of the last stage and returns the next round - all
    claims first, then the builds. What a host refused or failed to build goes to its next alternate, up to O(max_attempts); bad input and image errors do
    not. Servers of a host that was lost are V(unknown) and go nowhere, because their guests may be up.
  - It hands C(kvmfleet.servers) to the next job of a workflow, as M(ansible.builtin.set_stats) does.
  - It runs on the controller and changes nothing. The role P(kvmfleet.compute.create_server#role) uses it; it is of little use alone.
extends_documentation_fragment:
  - kvmfleet.compute.attributes
  - kvmfleet.compute.attributes.reads
  - kvmfleet.compute.attributes.controller
  - kvmfleet.compute.hand_over
options:
  placements:
    description:
      - RV(kvmfleet.compute.server_schedule#module:placements), for the first round.
      - One of O(placements) and O(round) is required.
    type: dict
  unplaced:
    description: RV(kvmfleet.compute.server_schedule#module:unplaced), for the first round.
    type: list
    elements: dict
    default: []
  group_members:
    description: RV(kvmfleet.compute.server_schedule#module:group_members), for the first round.
    type: dict
    default: {}
  cached_images:
    description: RV(kvmfleet.compute.server_schedule#module:cached_images), for the first round.
    type: dict
    default: {}
  security_groups:
    description: RV(kvmfleet.compute.server_validate#module:security_groups), for the first round.
    version_added: 0.3.0
    type: list
    elements: dict
    default: []
  max_attempts:
    description: On how many hosts a server may be tried. It is said in the first round.
    type: int
    default: 3
  build_timeout_s:
    description:
      - How long the claims of this run hold without another call of it, in seconds, by the clock of each host. It must be longer than the longest step between
        two calls for a server, which is the fetch of the images, and everything else that is done meanwhile on other hosts.
      - After that the run counts as dead, and another one may take the server over. A run that was killed on this controller counts as dead at once.
      - It is said in the first round.
    type: float
    default: 1800
  all_or_nothing:
    description:
      - Nothing is built unless every claim is taken. If one is refused or lost, the others are given up, in the stage V(release).
      - A build that fails fails alone. It is said in the first round.
    type: bool
    default: false
  round:
    description: The last round, RV(round).
    type: dict
  stage:
    description: Settle this stage. A round of another stage is returned as it is. Any stage if left out.
    type: str
    choices: [claim, release, build]
  outcomes_variable:
    description: The name of the variable under which each host registered M(kvmfleet.compute.server). Required with O(round).
    type: str
  image_variable:
    description: The name of the variable under which each host registered M(kvmfleet.compute.image); for the times.
    type: str
  result_file:
    description: A file on the controller for C(version) and C(servers), which is RV(report), as JSON. Not written in check mode.
    type: path
  inventory_prefix:
    description: What stands before a server's name in RV(logins).
    type: str
    default: ""
  login_group:
    description: A group for the servers of RV(logins) beside C(kvmfleet_servers).
    type: str
  login_user:
    description: The C(ansible_user) of RV(logins).
    type: str
  login_private_key_file:
    description: A private key on the controller, the C(ansible_ssh_private_key_file) of RV(logins).
    type: path
  owner:
    description: For whom the servers are, recorded with each. The user who asks, if it is left out. It is said in the first round, as are the next three.
    version_added: 0.2.0
    type: str
  job:
    description:
      - The job that creates the servers, recorded with each. If left out, C(awx_job_id) of AWX, or C(CI_JOB_URL) or C(GITHUB_RUN_ID) of the environment.
    version_added: 0.2.0
    type: str
  template:
    description:
      - The template of that job. If left out, C(awx_job_template_name) of AWX, or C(CI_JOB_NAME) or C(GITHUB_WORKFLOW) of the environment.
    version_added: 0.2.0
    type: str
  ttl:
    description:
      - How long the servers are to live, in seconds, or with a unit (s, m, h, d, w), such as V(2h) or V(3d). From then on M(kvmfleet.compute.server_reap) may
        delete them. Without it they live until they are deleted.
    version_added: 0.2.0
    type: str
seealso:
  - module: kvmfleet.compute.server_schedule
"""

EXAMPLES = r"""
- name: Begin
  kvmfleet.compute.server_conduct:
    placements: "{{ placement.placements }}"
    unplaced: "{{ placement.unplaced }}"
  run_once: true
  register: conducted

- name: Settle the claims
  kvmfleet.compute.server_conduct:
    round: "{{ conducted.round }}"
    outcomes_variable: claims
  run_once: true
  register: conducted
"""

RETURN = r"""
round:
  description: Where all servers are and who does what next, in the shape of C(docs/data.md) (Round). Its C(stage) is V(claim), V(build) or V(done).
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
      description: V(ACTIVE), V(PAUSED), V(SUSPENDED) or V(SHUTOFF) by the guest's power state, V(ERROR), V(UNKNOWN), or V(PLANNED) in check mode.
      type: str
    attempts:
      description: What was tried in vain, with host, stage and error.
      type: list
      elements: dict
    seconds:
      description: The time taken, in seconds, by stage.
      type: dict
    drift:
      description:
        - Where an existing server differs from its request, as path, wanted, actual and remedy.
        - The remedy is V(rerun) (a run applies it), V(rebuild) (only a server that is made anew has it) or V(manual) (no run applies it).
      type: list
      elements: dict
    warnings:
      description: What is not as it was asked for though the server runs, such as a port whose frames don't pass yet, as sentences.
      type: list
      elements: str
      version_added: 0.3.0
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
      warnings: []
      error: null
lost:
  description: One sentence for each server that did not come to be.
  returned: success
  type: list
  elements: str
logins:
  description: Servers that are there, each as M(ansible.builtin.add_host) takes it.
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
seconds:
  description: How long it took, in seconds.
  returned: success
  type: float
msg:
  description: Where servers go next that a host refused or failed to build. If there are none, how many servers there are in each state.
  returned: success
  type: str
  sample: "3 servers: 3 ACTIVE"
"""
