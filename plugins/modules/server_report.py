#!/usr/bin/python
# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: server_report
short_description: Write what became of the servers of a run into files
version_added: 0.2.0
author:
  - The kvmfleet.compute authors (@kvmfleet)
description:
  - Makes files of a plan or of a run for those who want to look at it. They are written on the controller, whole or not at all, with mode 0644. No secret is in
    them.
  - A page for people, and files for pipelines (JUnit, GitLab, GitHub).
  - It reads what M(kvmfleet.compute.server_conduct) and M(kvmfleet.compute.server_schedule) have registered. The role
    P(kvmfleet.compute.create_server#role) uses it.
extends_documentation_fragment:
  - kvmfleet.compute.attributes
  - kvmfleet.compute.attributes.controller
  - kvmfleet.compute.pipeline
attributes:
  check_mode:
    support: full
    details: O(report_file) is not written. The reports for pipelines are, as they say what a check has found.
  diff_mode:
    support: none
  idempotent:
    support: full
options:
  conducted_variable:
    description: The name of the variable under which M(kvmfleet.compute.server_conduct) was registered.
    type: str
    required: true
  schedule_variable:
    description: The name of the variable under which M(kvmfleet.compute.server_schedule) was registered. Without it O(report_file) doesn't say why.
    type: str
  joined_fleet:
    description: RV(kvmfleet.compute.server_validate#module:joined_fleet). Without it O(report_file) has no hosts.
    type: path
  report_file:
    description:
      - A page of HTML with the hosts' capacity (reserved, used, taken by new servers, free), every server, why it is where it is, and why other hosts are out.
      - It needs nothing of a network and can be read without JavaScript, which searches and sorts.
    type: path
  servers_file:
    description:
      - The file that M(kvmfleet.compute.server_validate) got the requests from. Without it errors have a line with ansible-core 2.19 and later, if
        C(compute_servers) was read from a file.
    type: path
seealso:
  - module: kvmfleet.compute.server_conduct
"""

EXAMPLES = r"""
- name: Make a page of the run
  kvmfleet.compute.server_report:
    conducted_variable: conducted
    schedule_variable: placement
    joined_fleet: "{{ validated.joined_fleet }}"
    report_file: report.html
  run_once: true
"""

RETURN = r"""
files:
  description: The files that were written.
  returned: success
  type: list
  elements: str
  sample: [report.html]
seconds:
  description: How long it took, in seconds.
  returned: success
  type: float
"""
