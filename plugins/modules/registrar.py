#!/usr/bin/python
# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: registrar
short_description: Ask a KVM host what it holds of the fleet's registrar, and its ledger if it is the registrar
version_added: 0.1.0
author:
  - The kvmfleet.compute authors (@kvmfleet)
description:
  - Each host of a fleet holds an epoch, which says who grants what must be unique or counted over the fleet. One host, the registrar, has the ledger of
    what was granted, unless that is in PostgreSQL.
  - The role P(kvmfleet.compute.create_server#role) and the playbook C(kvmfleet.compute.registrar) use it; it is of little use alone.
  - What the registrar refuses is no failure of the task but stands in RV(refused).
extends_documentation_fragment:
  - kvmfleet.compute.attributes
  - kvmfleet.compute.attributes.host
attributes:
  check_mode:
    support: partial
    details: No epoch is taken, no ticket is ended, and the ledger is asked for its content only.
  diff_mode:
    support: none
  idempotent:
    support: partial
    details: An epoch is taken once. Each V(begin) draws a ticket.
options:
  operation:
    description:
      - V(show) says what the host holds, and nothing more.
      - V(begin) draws a ticket for a run, if the host is the registrar by the epoch that it holds.
      - V(end) has the host take no claim of these tickets any more, because their runs were killed. It waits for the host's lock of claims, so that the facts
        that are read after it show what the tickets came to.
      - V(reserve) grants what a run wants for its claims, and V(settle) ends what was granted once they are over. Both are refused on a host that is not
        the registrar.
      - V(reservations) reads the ledger, if the host is the registrar.
    type: str
    choices: [show, begin, end, reserve, settle, reservations]
    default: show
  offer:
    description:
      - An epoch for the host to take before the operation, in the shape of C(docs/data.md) (EpochOffer). It takes one only in place of what it was seen to
        hold, and only a later one.
      - Not taken in check mode.
    type: dict
  agreed_variable:
    description: The name of the variable under which M(kvmfleet.compute.registrar_agree) was registered, which has the O(offer) of this host if there is one.
    type: str
  request:
    description:
      - What O(operation) needs, in the shape of C(docs/data.md) - for V(begin) BeginRequest without C(epoch) and C(highest_ticket), which are the host's
        own, and without C(process), which the action plugin fills in, for V(end) EndRequest, for V(reserve) ReserveRequest, for V(settle) SettleRequest.
    type: dict
    default: {}
  host_name:
    description: The host's name in the inventory, by which it knows whether it is the registrar. The action plugin fills it in.
    type: str
  state_path:
    description: The folder on the host for what has no domain (locks, journals, counters, the epoch and the ledger). It is made with mode 0700.
    type: path
    default: /var/lib/kvmfleet
requirements:
  - Python >= 3.9 on the host
seealso:
  - module: kvmfleet.compute.host_info
  - module: kvmfleet.compute.server
"""

EXAMPLES = r"""
- name: See what the hypervisors hold
  hosts: hypervisors
  gather_facts: false
  tasks:
    - name: Ask the host
      kvmfleet.compute.registrar:
      register: registrar

    - name: Show who is the registrar
      ansible.builtin.debug:
        msg: "{{ registrar.held.epoch.registrar | default('nobody') }}"
"""

RETURN = r"""
held:
  description: What the host holds, after an epoch was taken.
  returned: success
  type: dict
  contains:
    epoch:
      description: The epoch, in the shape of C(docs/data.md) (Epoch). Null if the host was never given one.
      type: dict
    highest_ticket:
      description: The highest ticket of the epoch's ledger of which the host has taken a claim, 0 if it has taken none.
      type: int
    ended:
      description: The tickets of which the host takes no claim any more, because their runs were killed.
      type: list
      elements: int
    clock:
      description: The host's own time, as boot_id of its kernel and seconds since that boot.
      type: dict
  sample:
    epoch:
      number: 2
      id: 6f70656e-7374-6163-6b20-342065766572
      fleet: 0b1e8f6c-6c7a-4a52-9a53-2f1b1b6f3a10
      store: sqlite
      registrar: kvm1
      is_carried: true
      hosts: [kvm1, kvm2]
      replaces: [[kvm1, kvm2]]
    highest_ticket: 41
    ended: []
    clock:
      boot_id: 3b5a6a0e-8f0d-4b0f-8f0a-3d6f3a6b1c2d
      seconds: 86400.25
answer:
  description:
    - For V(begin) C(ticket), C(oldest), C(reservations), C(tickets) and C(registrar), the host's name. For V(reserve) C(ticket), C(granted), C(lost) and
      C(members).
      For V(reservations) C(epoch), C(sequence), C(outrun), C(tickets) and C(reservations). The shapes are in C(docs/data.md) (Begun, ReserveAnswer,
      LedgerContent).
    - Null for the other operations, on a host that is not the registrar, if there is no ledger, and if the operation was refused.
  returned: success
  type: dict
refused:
  description: Null, or error_class and message of what the registrar has refused.
  returned: success
  type: dict
answered_at:
  description: When the host's answer had come, in seconds of the controller's own monotonic clock.
  returned: success
  type: float
"""

import time
import traceback

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.kvmfleet.compute.plugins.module_utils.ansible_module import Module
from ansible_collections.kvmfleet.compute.plugins.module_utils.compute.host_time import host_clock
from ansible_collections.kvmfleet.compute.plugins.module_utils.compute.locks import host_lock
from ansible_collections.kvmfleet.compute.plugins.module_utils.errors import KvmfleetError
from ansible_collections.kvmfleet.compute.plugins.module_utils.registrar.call import OPERATIONS, Call, Result

ARGUMENT_SPEC = {
    "operation": {"type": "str", "choices": list(OPERATIONS), "default": "show"},
    "offer": {"type": "dict"},
    "agreed_variable": {"type": "str"},
    "request": {"type": "dict", "default": {}},
    "host_name": {"type": "str"},
    "state_path": {"type": "path", "default": "/var/lib/kvmfleet"},
}


def answer(result: Result) -> dict[str, object]:
    refused = result.refused
    return {
        "changed": result.changed,
        "held": result.held,
        "answer": result.answer,
        "refused": refused and {"error_class": refused.error_class, "message": refused.message},
    }


def main() -> None:
    module: Module = AnsibleModule(argument_spec=ARGUMENT_SPEC, supports_check_mode=True)
    state_path: str = module.params["state_path"]
    call = Call(
        state_path,
        module.params["host_name"] or "",
        lock=lambda: host_lock(state_path),
        clock=host_clock,
        now=lambda: int(time.time()),
        check_mode=module.check_mode,
    )
    try:
        result = call.result(module.params["operation"], module.params["offer"], module.params["request"])
    except (KvmfleetError, OSError) as error:
        module.fail_json(msg=str(error), exception=traceback.format_exc())
    module.exit_json(**answer(result))


if __name__ == "__main__":
    main()
