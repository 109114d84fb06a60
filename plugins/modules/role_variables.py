#!/usr/bin/python
# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: role_variables
short_description: Check the variables of a role, once for all hosts
version_added: 0.2.0
author:
  - The kvmfleet.compute authors (@kvmfleet)
description:
  - Compares the variables that the hosts of the play have with the argument specs of a role of this collection, and says all that is wrong with them at once.
  - Null and an empty text are as if a variable were not set, as a survey gives them where nothing was answered. C(compute_project) and what
    P(kvmfleet.compute.reap#role) selects by must not be empty. Lists and mappings may be texts of YAML or JSON.
  - It warns of variables that begin with C(compute_) and that no role of this collection has.
  - It runs on the controller and changes nothing. Each role of the collection begins with it.
extends_documentation_fragment:
  - kvmfleet.compute.attributes
  - kvmfleet.compute.attributes.reads
  - kvmfleet.compute.attributes.controller
options:
  role:
    description: The role's name, without the collection's.
    type: str
    required: true
seealso:
  - module: kvmfleet.compute.server_validate
"""

EXAMPLES = r"""
- name: Check what is set before anything is done
  kvmfleet.compute.role_variables:
    role: create_server
  run_once: true
"""

RETURN = r"""
errors:
  description: Every variable that is wrong, with C(path), C(value), C(rule), C(error_class), C(http_status) and C(message).
  returned: if there is one
  type: list
  elements: dict
seconds:
  description: How long it took, in seconds.
  returned: success
  type: float
"""
