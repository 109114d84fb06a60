#!/usr/bin/python
# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: server_secrets
short_description: Give each server its own secrets
version_added: 0.1.0
author:
  - The kvmfleet.compute authors (@kvmfleet)
description:
  - User data and admin passwords are in no instance, record or report. This module takes them from the requests and registers them by server id, and
    M(kvmfleet.compute.server) then takes those of its host's servers, so that no host gets another's.
  - A list of requests that is not the one that the instances were made of is refused.
  - It runs on the controller and changes nothing. Run it once, with C(no_log), since what it returns is secret.
extends_documentation_fragment:
  - kvmfleet.compute.attributes
  - kvmfleet.compute.attributes.reads
  - kvmfleet.compute.attributes.controller
options:
  servers:
    description: The requests as M(kvmfleet.compute.server_validate) got them.
    type: raw
  servers_file:
    description: The file that M(kvmfleet.compute.server_validate) got them from, in place of O(servers).
    type: path
  instances:
    description: RV(kvmfleet.compute.server_validate#module:instances).
    type: list
    elements: dict
    required: true
  admin_password_file:
    description: The file on the controller with the generated admin passwords.
    type: path
seealso:
  - module: kvmfleet.compute.server_validate
  - module: kvmfleet.compute.server
"""

EXAMPLES = r"""
- name: Keep the secrets by server
  kvmfleet.compute.server_secrets:
    servers: "{{ compute_servers }}"
    instances: "{{ api.instances }}"
  run_once: true
  no_log: true
  register: secrets
"""

RETURN = r"""
secrets:
  description: By server id C(user_data) (base64) and C(admin_pass) of each server that has any.
  returned: success
  type: dict
seconds:
  description: How long it took, in seconds.
  returned: success
  type: float
"""
