#!/usr/bin/python
# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: server
short_description: Claim, build, start and delete servers on a KVM host
version_added: 0.1.0
author:
  - The kvmfleet.compute authors (@kvmfleet)
description:
  - C(nova-compute)'s part of the chain, for all of a host's servers in one call.
  - A claim checks name, addresses, server group and capacity against what is committed on the host now, under the host's lock, and defines the domain with
    the record of the server in the state C(building).
  - A build makes the root disk (a qcow2 overlay on the cached image, grown to the flavor's size), ephemeral and swap disks and the config drive, starts the
    guest paused, checks that each port is on its bridge and up, lets it run and reads its power state back.
  - A build that fails removes what it made, the claim too, and nothing else. Once a guest has run, nothing of it is undone.
  - On the controller the action plugin of the same name adds the secrets, and waits for SSH.
extends_documentation_fragment:
  - kvmfleet.compute.attributes
  - kvmfleet.compute.attributes.host
  - kvmfleet.compute.libvirt_host
  - kvmfleet.compute.libvirt_host.capacity
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
    details: The domain's XML of each new claim.
  idempotent:
    support: full
options:
  servers:
    description:
      - Orders, in the shape of C(docs/data.md) (Order), such as those in RV(kvmfleet.compute.server_schedule#module:placements).
      - For O(state=absent) C(uuid) alone is enough.
    type: list
    elements: dict
    required: true
  state:
    description:
      - V(claimed) takes the claims.
      - V(active) builds what is claimed (claiming what is not), finishes what a dead run left, starts what is stopped.
      - V(absent) deletes domain, NVRAM, disks and config drive; files that this collection did not make stay.
    type: str
    choices: [claimed, active, absent]
    default: active
  host_name:
    description: The host's name in the inventory, which affinity groups are checked by. The hypervisor's own name if left out.
    type: str
  images:
    description: What the image stage reported, RV(kvmfleet.compute.image#module:images). An image that is not among them is looked up in the cache.
    type: list
    elements: dict
    default: []
  secrets:
    description:
      - JSON text, a mapping from server id to C(user_data) (base64) and C(admin_pass). The action plugin makes it from O(requests).
    type: str
  run:
    description: The run that claims, as in RV(kvmfleet.compute.server_schedule#module:run). One of its own for this task if left out.
    type: dict
  take_over:
    description: Finish a server that another run seems to be building still.
    type: bool
    default: false
  virt_type:
    description: The virtualisation type of the guests. If left out, C(kvm) where it works, else C(qemu).
    type: str
    choices: [kvm, qemu]
  max_concurrent_builds:
    description: How many servers are built at once on the host.
    type: int
    default: 10
  wait_for:
    description:
      - When a server counts as there. V(active) - its guest runs. V(cloud_init) - its console says that cloud-init has finished.
        V(ssh) - the controller gets an SSH banner from one of its fixed IPs (done by the action plugin).
      - A time-out fails the server with the end of its console log; it is left running.
    type: str
    choices: [active, ssh, cloud_init]
    default: active
  wait_timeout_s:
    description: How long to wait for it, in seconds.
    type: float
    default: 300
  on_error:
    description:
      - V(fail) fails the task if any server failed.
      - V(report) only says so in RV(servers), for a caller that goes on with the others.
    type: str
    choices: [fail, report]
    default: fail
  requests:
    description: The requests as M(kvmfleet.compute.server_validate) got them; user data and admin passwords are read from them. They stay on the controller.
    type: list
    elements: dict
  admin_password_file:
    description: The file on the controller with the generated admin passwords.
    type: path
  console_of:
    description: For these server ids only return the end of the console log, in RV(consoles). The action plugin asks for it after a time-out.
    type: list
    elements: str
    default: []
seealso:
  - module: kvmfleet.compute.server_schedule
  - module: kvmfleet.compute.server_info
"""

EXAMPLES = r"""
- name: Take the claims of this host's servers
  kvmfleet.compute.server:
    state: claimed
    host_name: "{{ inventory_hostname }}"
    servers: "{{ placement.placements[inventory_hostname] | default([]) }}"
    run: "{{ conducted.round.run }}"
    requests: "{{ compute_servers }}"

- name: Build them
  kvmfleet.compute.server:
    host_name: "{{ inventory_hostname }}"
    servers: "{{ placement.placements[inventory_hostname] | default([]) }}"
    images: "{{ image.images }}"
    run: "{{ conducted.round.run }}"
    requests: "{{ compute_servers }}"
    wait_for: cloud_init
"""

RETURN = r"""
servers:
  description: The outcome of each server, in the order of O(servers).
  returned: always
  type: list
  elements: dict
  contains:
    uuid:
      description: The server's id.
      type: str
    display_name:
      description: The server's name.
      type: str
    outcome:
      description:
        - V(claimed), V(built), V(started), V(deleted), V(unchanged), V(refused), V(failed) (and undone, unless in the stage V(wait)) or
          V(unknown).
      type: str
    stage:
      description: How far it got, V(claim), V(build), V(wait) or V(delete).
      type: str
    changed:
      description: Whether anything was changed for this server.
      type: bool
    power_state:
      description: The guest's power state at the end.
      type: str
    error:
      description: Null, or error_class (Nova's where there is one), message and reschedule (whether another host may do better).
      type: dict
    drift:
      description: For a server that was there, the secrets that differ from what was asked; never their values.
      type: list
      elements: dict
    console:
      description: The end of the console log, after a time-out.
      type: list
      elements: str
    foreign_files:
      description: After a deletion, files in the server's folder that this collection did not make; they stay.
      type: list
      elements: str
    seconds:
      description: The time taken, in seconds, by stage.
      type: dict
  sample:
    - uuid: 6f70656e-7374-6163-6b20-342065766572
      display_name: web-1
      outcome: built
      stage: build
      changed: true
      power_state: running
      error: null
      seconds:
        build: 0.61
consoles:
  description: The end of the console logs asked for by O(console_of), by server id.
  returned: when O(console_of) is given
  type: dict
"""

import json
import os
import time
import uuid as uuid_library

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.kvmfleet.compute.plugins.module_utils.compute import console
from ansible_collections.kvmfleet.compute.plugins.module_utils.compute.arguments import capacity_argument_spec, host_argument_spec, reserved_and_ratio
from ansible_collections.kvmfleet.compute.plugins.module_utils.compute.batch import Batch
from ansible_collections.kvmfleet.compute.plugins.module_utils.compute.build import Host, Secrets
from ansible_collections.kvmfleet.compute.plugins.module_utils.storage.disks import InstanceFiles
from ansible_collections.kvmfleet.compute.plugins.module_utils.errors import ServerError
from ansible_collections.kvmfleet.compute.plugins.module_utils.compute.host_report import totals
from ansible_collections.kvmfleet.compute.plugins.module_utils.compute.outcome import finish
from ansible_collections.kvmfleet.compute.plugins.module_utils.compute.secret_hash import host_key
from ansible_collections.kvmfleet.compute.plugins.module_utils.libvirt import Hypervisor, HypervisorError, require_libvirt

ARGUMENT_SPEC = {
    **host_argument_spec(),
    **capacity_argument_spec(),
    "servers": {"type": "list", "elements": "dict", "required": True},
    "state": {"type": "str", "choices": ["claimed", "active", "absent"], "default": "active"},
    "host_name": {"type": "str"},
    "images": {"type": "list", "elements": "dict", "default": []},
    "secrets": {"type": "str", "no_log": True},
    "run": {"type": "dict"},
    "take_over": {"type": "bool", "default": False},
    "virt_type": {"type": "str", "choices": ["kvm", "qemu"]},
    "max_concurrent_builds": {"type": "int", "default": 10},
    "wait_for": {"type": "str", "choices": ["active", "ssh", "cloud_init"], "default": "active"},
    "wait_timeout_s": {"type": "float", "default": 300},
    "on_error": {"type": "str", "choices": ["fail", "report"], "default": "fail"},
    "requests": {"type": "list", "elements": "dict", "no_log": True},
    "admin_password_file": {"type": "path", "no_log": False},
    "console_of": {"type": "list", "elements": "str", "default": []},
}


def describe_host(module: AnsibleModule, hypervisor: Hypervisor) -> Host:
    params = module.params
    found = totals(hypervisor, params["instances_path"])
    works = {virt_type for guest in found["guests"] if guest["arch"] == found["arch"] for virt_type in guest["virt_types"]}
    reserved, allocation_ratio = reserved_and_ratio(params)
    name = params["host_name"] or found["node"]
    return Host(
        name=name,
        instances_path=params["instances_path"],
        state_path=params["state_path"],
        virt_type=params["virt_type"] or ("kvm" if "kvm" in works else "qemu"),
        arch=found["arch"],
        resources={
            "name": name,
            "vcpus": found["vcpus"],
            "memory_mb": found["memory_mb"],
            "disk_gb": found["disk_gb"],
            "reserved": reserved,
            "allocation_ratio": allocation_ratio,
        },
        # In check mode nothing is written, so a key that isn't there yet stays away.
        key=b"" if module.check_mode and not os.path.exists(os.path.join(params["state_path"], "secret.key")) else host_key(params["state_path"]),
        image_cache_path=params["image_cache_path"],
        images={image["id"]: image for image in params["images"] if image.get("path") or image.get("error")},
    )


def work(module: AnsibleModule, hypervisor: Hypervisor) -> None:
    params = module.params
    host = describe_host(module, hypervisor)
    if not module.check_mode:
        os.makedirs(params["instances_path"], mode=0o711, exist_ok=True)
    given = json.loads(params["secrets"] or "{}")
    batch = Batch(
        hypervisor,
        host,
        secrets={uuid: Secrets(user_data=item.get("user_data"), admin_pass=item.get("admin_pass")) for uuid, item in given.items()},
        run=params["run"] or {"id": str(uuid_library.uuid4()), "controller": host.name, "pid": 0, "pid_start": 0, "deadline": int(time.time()) + 3600},
        force_take_over=params["take_over"],
        check_mode=module.check_mode,
    )
    if params["state"] == "absent":
        outcomes = batch.delete(params["servers"], params["max_concurrent_builds"])
    elif params["state"] == "claimed":
        outcomes = batch.claim(params["servers"])
    else:
        outcomes = batch.activate(
            params["servers"],
            max_concurrent_builds=params["max_concurrent_builds"],
            wait_for=params["wait_for"],
            wait_timeout_s=params["wait_timeout_s"],
        )
    finish(module, outcomes, batch.diffs)


def main() -> None:
    module = AnsibleModule(argument_spec=ARGUMENT_SPEC, supports_check_mode=True)
    require_libvirt(module)
    params = module.params
    if params["console_of"]:
        consoles = {uuid: console.tail(InstanceFiles(params["instances_path"], uuid).console_log) for uuid in params["console_of"]}
        module.exit_json(changed=False, servers=[], consoles=consoles)
    try:
        with Hypervisor(params["libvirt_uri"]) as hypervisor:
            work(module, hypervisor)
    except (HypervisorError, ServerError, OSError) as error:
        module.fail_json(msg=str(error), servers=[])


if __name__ == "__main__":
    main()
