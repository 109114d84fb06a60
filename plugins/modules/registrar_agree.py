#!/usr/bin/python
# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: registrar_agree
short_description: Say which epoch the hosts of a fleet are to take next
version_added: 0.2.0
author:
  - The kvmfleet.compute authors (@kvmfleet)
description:
  - Reads what each host of the play has answered to V(begin) of M(kvmfleet.compute.registrar), and says which epoch the fleet is at, or what each host is to
    be offered on the way to one. A new fleet is enrolled, hosts that are new join, and what another run has left half done is finished.
  - To move, rebuild or take off the registrar it says the way to an epoch with a new ledger.
  - Where the ledger is in PostgreSQL it draws the run's ticket there.
  - It fails if there is no way to an epoch for these hosts, or if there was none in ten rounds.
  - It runs on the controller and changes nothing on any host. The roles P(kvmfleet.compute.create_server#role) and P(kvmfleet.compute.registrar#role) use it;
    it is of little use alone.
extends_documentation_fragment:
  - kvmfleet.compute.attributes
  - kvmfleet.compute.attributes.reads
  - kvmfleet.compute.attributes.controller
  - kvmfleet.compute.hand_over
attributes:
  idempotent:
    details: The id of a new fleet is random.
options:
  registrar_variable:
    description: The name of the variable under which each host of the play has what M(kvmfleet.compute.registrar) returned.
    type: str
    required: true
  operation:
    description:
      - V(enrol) is what a run needs before it builds.
      - V(move), V(rebuild) and V(off) give the fleet an epoch with a new ledger, as the playbook C(kvmfleet.compute.registrar) does.
    type: str
    choices: [enrol, move, rebuild, 'off']
    default: enrol
  registrar_host:
    description: The host that V(move) moves the ledger to. If it is left out that is PostgreSQL where O(dsn) is set, else where the ledger is, if it can stay.
    type: str
  give_up:
    description: Hosts that leave the fleet with the new ledger.
    type: list
    elements: str
    default: []
  dsn:
    description: The PostgreSQL database that has the ledger, as the role's C(compute_registrar_dsn).
    type: str
  request:
    description: Of the ticket in PostgreSQL, C(run), a text that names the run, and C(lasts_s), how long it lasts, in seconds.
    type: dict
    default: {run: "", lasts_s: 0}
  on_error:
    description: Whether what is refused fails the task, or stands in RV(refused).
    type: str
    choices: [fail, report]
    default: fail
  previous:
    description: What this module returned in the round before.
    type: dict
requirements:
  - jsonschema >= 4.17 on the controller
seealso:
  - module: kvmfleet.compute.registrar
"""

EXAMPLES = r"""
- name: Agree on an epoch
  kvmfleet.compute.registrar_agree:
    registrar_variable: begun
  run_once: true
  register: agreed
"""

RETURN = r"""
agreement:
  description: The epoch, and what each host is to be offered, in the shape of C(docs/data.md) (Agreement). Null if nothing is to be done, or if it was refused.
  returned: success
  type: dict
drawn:
  description: What PostgreSQL has answered, C(ticket) or C(refused). Null if it was not asked.
  returned: success
  type: dict
goal:
  description: The epoch with a new ledger, in the shape of C(docs/data.md) (Epoch). Null for V(enrol).
  returned: success
  type: dict
refused:
  description: Null, or error_class and message of what was refused.
  returned: success
  type: dict
round:
  description: How many rounds there were.
  returned: success
  type: int
offered:
  description: The id of the epoch that each host is to be offered, by host.
  returned: success
  type: dict
msg:
  description: The same in a sentence.
  returned: always
  type: str
seconds:
  description: How long it took, in seconds.
  returned: success
  type: float
"""
