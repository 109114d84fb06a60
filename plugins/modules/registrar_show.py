#!/usr/bin/python
# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: registrar_show
short_description: Say who is the registrar of a fleet, and what is wrong with it
version_added: 0.2.0
author:
  - The kvmfleet.compute authors (@kvmfleet)
description:
  - Reads what each host of the play has answered to V(reservations) of M(kvmfleet.compute.registrar), and says which epoch is in force, where the ledger is,
    and what each host holds.
  - It runs on the controller and changes nothing. The role P(kvmfleet.compute.registrar#role) uses it.
extends_documentation_fragment:
  - kvmfleet.compute.attributes
  - kvmfleet.compute.attributes.reads
  - kvmfleet.compute.attributes.controller
options:
  registrar_variable:
    description: The name of the variable under which each host of the play has what M(kvmfleet.compute.registrar) returned.
    type: str
    required: true
  hosts_variable:
    description:
      - The name of the variable under which each host of the play has what M(kvmfleet.compute.host_info) returned. With it what is there twice, such as an
        address, is named too.
    type: str
  dsn:
    description: The PostgreSQL database that has the ledger, as the role's C(compute_registrar_dsn).
    type: str
  fleet_size:
    description: How many hosts the fleet has, or a list of them.
    type: raw
requirements:
  - jsonschema >= 4.17 on the controller
seealso:
  - module: kvmfleet.compute.registrar
"""

EXAMPLES = r"""
- name: Ask the hosts
  kvmfleet.compute.registrar:
    operation: reservations
  register: held

- name: Say who is the registrar
  kvmfleet.compute.registrar_show:
    registrar_variable: held
  run_once: true
  register: shown
"""

RETURN = r"""
table:
  description: Who is the registrar, and a line for each host.
  returned: success
  type: list
  elements: str
wrong:
  description: A sentence for each thing that is wrong.
  returned: success
  type: list
  elements: str
cut:
  description: Which hosts of the fleet the play leaves out, in a sentence; empty if it leaves out none.
  returned: success
  type: str
seconds:
  description: How long it took, in seconds.
  returned: success
  type: float
"""
