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
  - A build starts the libvirt networks that the server's ports need and that are not active.
  - A build that fails removes what it made, the claim too, and nothing else. Before a guest runs for the first time its record says so, on the disk; from
    then on no build stops, undefines or removes anything of it, whatever fails.
  - A start leaves the definition as it is, with snapshots and attached devices, and takes the disks from where they are.
  - Whatever fails for one server is that server's failure and never its neighbours'.
  - On the controller the action plugin of the same name adds the secrets, and waits for SSH.
extends_documentation_fragment:
  - kvmfleet.compute.attributes
  - kvmfleet.compute.attributes.host
  - kvmfleet.compute.libvirt_host
  - kvmfleet.compute.libvirt_host.capacity
  - kvmfleet.compute.libvirt_host.networks
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
    details: The domain's XML of each new claim. With O(round_variable), what is changed of servers that are there.
  idempotent:
    support: full
options:
  servers:
    description:
      - Orders, in the shape of C(docs/data.md) (Order), such as those in RV(kvmfleet.compute.server_schedule#module:placements), which say more. Read are
        C(instance), C(action) (V(build), V(finish), V(start) or V(none)), C(group_hosts) and C(gone_run).
      - Of a server that is claimed, and for O(state=released) and O(state=absent), C(uuid) of the C(instance) is enough, or C(uuid) alone.
    type: list
    elements: dict
    default: []
  state:
    description:
      - V(claimed) takes the claims.
      - V(active) builds what is claimed (claiming what is not), finishes what a dead run left, starts what is stopped.
      - V(released) deletes what is claimed by O(run) and was never built; everything else stays as it is.
      - V(absent) deletes domain, NVRAM, disks and config drive; files that this collection did not make stay.
    type: str
    choices: [claimed, active, released, absent]
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
      - JSON text, a mapping from server id to C(user_data) (base64) and C(admin_pass). The action plugin takes it from O(secrets_variable).
    type: str
  run:
    description:
      - The run that claims, as in C(run) of RV(kvmfleet.compute.server_conduct#module:round). One of its own for this task if left out.
      - Its claims hold for its C(lease_s) after each call, by the host's clock. Until then no other run finishes them, unless the controller has seen that the
        run's process is gone (C(gone_run) of an order).
    type: dict
  grant:
    description:
      - What the run shows for the claims of new servers on a host of a fleet with a registrar, in the shape of C(docs/data.md) (Grant).
      - A host that holds an epoch takes a claim only with a grant of exactly that epoch, and until its deadline. A host that holds none takes claims
        without one.
    version_added: 0.2.0
    type: dict
    suboptions:
      epoch:
        description: The epoch that it was granted in.
        type: dict
        required: true
        suboptions:
          number:
            description: The epoch's number.
            type: int
            required: true
          id:
            description: The epoch's id.
            type: str
            required: true
      ticket:
        description: The run's ticket, which the host records.
        type: int
        required: true
      deadline:
        description: Past it, by the host's own clock, nothing is claimed.
        type: dict
        required: true
        suboptions:
          boot_id:
            description: The boot id of the host's kernel.
            type: str
            required: true
          ends_at:
            description: In seconds since that boot.
            type: int
            required: true
  origin:
    description:
      - Who asks, from where and for how long, in the shape of C(docs/data.md) (Origin). It is recorded with what is claimed. The action plugin takes it
        from the round.
    version_added: 0.2.0
    type: dict
  take_over:
    description: Finish a server whose claim another run holds, or that a process of the host is building.
    type: bool
    default: false
  blank_missing_disks:
    description:
      - The ids of servers that may start with a new root disk (from the image) or an empty ephemeral disk in place of one that is lost.
      - A server that is not named is never started without a disk that its guest has written; its error says which file is missing. Swap and the config
        drive hold nothing of the guest's and are made again for every server.
    type: list
    elements: str
    default: []
  probe_addresses:
    description:
      - Before a guest is made, its host asks on each bridge for the addresses that it will have (an ARP probe, a neighbour solicitation). If somebody answers,
        the server fails with that one's MAC address. It finds what the fleet does not know of, such as a printer within an allocation pool.
      - It takes 1.5 seconds for each port, and the right to open packet sockets. A network whose router answers for every address (proxy ARP) can't be asked.
    version_added: 0.2.0
    type: bool
    default: false
  vif_plugging_timeout_s:
    description:
      - How long a new guest is kept paused until the frames of its ports pass, in seconds, as Nova's C(vif_plugging_timeout). A bridge with a spanning
        tree lets them pass after twice its forward delay. The kernel's news of its links are waited for; no lock but the server's own is held, and other
        servers are built meanwhile.
      - With V(0) nothing is waited for. Neither is it where a server that is there is started. What will not pass by itself is told in C(warnings)
        of RV(servers).
      - A port that is on another bridge than it should be, has another MTU or is not filtered as it must be fails the server at once.
    version_added: 0.3.0
    type: float
    default: 300
  vif_plugging_is_fatal:
    description:
      - Whether a port whose frames don't pass after O(vif_plugging_timeout_s) fails the build, which is undone and may be tried on another host. If not,
        the guest runs, and C(warnings) of RV(servers) say so. As Nova's option of this name.
    version_added: 0.3.0
    type: bool
    default: true
  security_groups:
    description:
      - The rules of security groups, as C(GroupRules) of the collection's C(docs/data.md). Set by the action plugin from O(round_variable).
      - Who is a member of a group that a rule names is what M(kvmfleet.compute.security_groups) was told before.
      - A server whose ports have port security is built or started with those of its groups. A group that is not given stays as the host has it from other
        servers; without either, the server fails.
    version_added: 0.3.0
    type: list
    elements: dict
    default: []
  virt_type:
    description: The virtualisation type of the guests. If left out, C(kvm) if it works, else C(qemu).
    type: str
    choices: [kvm, qemu]
  max_concurrent_builds:
    description: How many servers are built at once on the host.
    type: int
    default: 10
  wait_for:
    description:
      - When a server counts as there. V(active) - its guest runs. V(cloud_init) - its console says that cloud-init has finished.
        V(ssh) - the controller gets an SSH banner from one of its fixed IPs (done by the action plugin). A server that is only on networks without privileges
        its host asks, at the port of its loopback address that leads there.
      - A time-out fails the server with the end of its console log; it is left running.
    type: str
    choices: [active, ssh, cloud_init]
    default: active
  wait_from:
    description: From where SSH is asked for. V(host) is for servers that only their host reaches.
    version_added: 0.2.0
    type: str
    choices: [controller, host]
    default: controller
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
  progress:
    description:
      - Show on the controller, while servers are built, a line for each stage that servers have come to. What takes less than two seconds is not shown, nor is
        anything in check mode or with C(no_log), nor that a server that was off is started.
      - The host is asked for the names and times of files, over a second session of the connection. That works with the connections
        P(ansible.builtin.ssh#connection) and P(ansible.builtin.local#connection); with others nothing is shown. The lines go to the standard error.
    type: bool
    default: true
    version_added: 0.2.0
  round_variable:
    description:
      - The name of the variable under which M(kvmfleet.compute.server_conduct) or M(kvmfleet.compute.server_reserve) was registered. O(servers), O(run) and
        O(host_name) are then those of the host in this round, and what the registrar has granted is shown to the host.
    type: str
  secrets_variable:
    description: The name of the variable under which M(kvmfleet.compute.server_secrets) was registered. Each host gets those of its own servers.
    type: str
  console_of:
    description: For these server ids only return the end of the console log, in RV(consoles). The action plugin asks for it after a time-out.
    type: list
    elements: str
    default: []
  console_lines:
    description: How many lines of each console O(console_of) returns at most, up to 1000.
    version_added: 0.2.0
    type: int
    default: 20
seealso:
  - module: kvmfleet.compute.server_conduct
  - module: kvmfleet.compute.server_secrets
  - module: kvmfleet.compute.server_info
"""

EXAMPLES = r"""
- name: Take the claims of this host's servers
  kvmfleet.compute.server:
    state: claimed
    round_variable: conducted
    secrets_variable: secrets

- name: Build them
  kvmfleet.compute.server:
    round_variable: conducted
    secrets_variable: secrets
    images: "{{ image.images }}"
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
        - V(claimed), V(built), V(started), V(deleted), V(unchanged), V(refused), V(failed) (a build is undone then, unless the stage is V(wait)) or
          V(unknown) (libvirt went away, the undo is not proven, or the guest had run - nothing is undone, and no other host may try).
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
      description:
        - Null, or error_class (Nova's if there is one), message and reschedule (whether another host may do better). The failure that nobody expected
          has its traceback in exception.
      type: dict
    drift:
      description: For a server that was there, the secrets that differ from what was asked, as path, wanted, actual and remedy; never their values.
      type: list
      elements: dict
    console:
      description: The end of the console log, after a time-out.
      type: list
      elements: str
    ssh_ports:
      description: The TCP port of the host's loopback address that leads to the server's SSH, by the id of its port, if it is on a network by passt.
      returned: when the server was built or started on such a network
      version_added: 0.3.0
      type: dict
    warnings:
      description: What is not as it was asked for though the server runs, such as a port whose frames don't pass yet, as sentences. Only if there is any.
      type: list
      elements: str
      version_added: 0.3.0
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
lost:
  description: Why nothing more is to be sent to this host - libvirt did not answer a call within O(libvirt_timeout_s), or went away and did not come back.
  returned: when libvirt was lost
  type: str
consoles:
  description: The end of the console logs asked for by O(console_of), by server id.
  returned: when O(console_of) is given
  type: dict
"""

import os
import traceback

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.kvmfleet.compute.plugins.module_utils.ansible_module import Module
from ansible_collections.kvmfleet.compute.plugins.module_utils.compute import console
from ansible_collections.kvmfleet.compute.plugins.module_utils.compute.arguments import capacity_argument_spec, host_argument_spec, network_argument_spec
from ansible_collections.kvmfleet.compute.plugins.module_utils.compute.batch import Batch, not_begun
from ansible_collections.kvmfleet.compute.plugins.module_utils.compute.outcome import finish
from ansible_collections.kvmfleet.compute.plugins.module_utils.compute.server_options import ServerOptions, make_builder
from ansible_collections.kvmfleet.compute.plugins.module_utils.errors import HypervisorError, KvmfleetError
from ansible_collections.kvmfleet.compute.plugins.module_utils.hypervisor import HypervisorLike
from ansible_collections.kvmfleet.compute.plugins.module_utils.libvirt import Hypervisor, require_libvirt
from ansible_collections.kvmfleet.compute.plugins.module_utils.storage.instance_files import InstanceFiles

GRANT_SPEC = {
    "epoch": {
        "type": "dict",
        "required": True,
        "options": {"number": {"type": "int", "required": True}, "id": {"type": "str", "required": True}},
    },
    "ticket": {"type": "int", "required": True},
    "deadline": {
        "type": "dict",
        "required": True,
        "options": {"boot_id": {"type": "str", "required": True}, "ends_at": {"type": "int", "required": True}},
    },
}
ARGUMENT_SPEC = {
    **host_argument_spec(),
    **capacity_argument_spec(),
    **network_argument_spec(),
    "servers": {"type": "list", "elements": "dict", "default": []},
    "state": {"type": "str", "choices": ["claimed", "active", "released", "absent"], "default": "active"},
    "host_name": {"type": "str"},
    "images": {"type": "list", "elements": "dict", "default": []},
    "secrets": {"type": "str", "no_log": True},
    "run": {"type": "dict"},
    "grant": {"type": "dict", "options": GRANT_SPEC},
    "origin": {"type": "dict"},
    "take_over": {"type": "bool", "default": False},
    "blank_missing_disks": {"type": "list", "elements": "str", "default": []},
    "probe_addresses": {"type": "bool", "default": False},
    "vif_plugging_timeout_s": {"type": "float", "default": 300},
    "vif_plugging_is_fatal": {"type": "bool", "default": True},
    "security_groups": {"type": "list", "elements": "dict", "default": []},
    "virt_type": {"type": "str", "choices": ["kvm", "qemu"]},
    "max_concurrent_builds": {"type": "int", "default": 10},
    "wait_for": {"type": "str", "choices": ["active", "ssh", "cloud_init"], "default": "active"},
    "wait_from": {"type": "str", "choices": ["controller", "host"], "default": "controller"},
    "wait_timeout_s": {"type": "float", "default": 300},
    "on_error": {"type": "str", "choices": ["fail", "report"], "default": "fail"},
    "progress": {"type": "bool", "default": True},
    "round_variable": {"type": "str"},
    "secrets_variable": {"type": "str", "no_log": False},
    "console_of": {"type": "list", "elements": "str", "default": []},
    "console_lines": {"type": "int", "default": 20},
}


def work(module: Module, options: ServerOptions, hypervisor: HypervisorLike) -> None:
    if not module.check_mode:
        os.makedirs(options.host.instances_path, mode=0o711, exist_ok=True)
    builder = make_builder(options, hypervisor, module.check_mode)
    batch = Batch(builder)
    if options.state == "absent":
        outcomes = batch.delete(options.orders, options.max_concurrent_builds)
    elif options.state == "released":
        outcomes = batch.release(options.orders, options.max_concurrent_builds)
    elif options.state == "claimed":
        outcomes = batch.claim(options.orders)
    else:
        outcomes = batch.activate(
            options.orders,
            max_concurrent_builds=options.max_concurrent_builds,
            wait_for=options.wait_for,
            wait_from=options.wait_from,
            wait_timeout_s=options.wait_timeout_s,
        )
    for warning in batch.warnings:
        module.warn(warning)
    finish(module, outcomes, options.on_error, builder.diffs, hypervisor.lost)


def main() -> None:
    module: Module = AnsibleModule(argument_spec=ARGUMENT_SPEC, supports_check_mode=True)
    require_libvirt(module)
    try:
        options = ServerOptions.of(module.params)
        if options.console_of:
            logs = {uuid: InstanceFiles(os.path.join(options.host.instances_path, uuid)).console_log for uuid in options.console_of}
            module.exit_json(changed=False, servers=[], consoles={uuid: console.tail(log, options.console_lines) for uuid, log in logs.items()})
        try:
            with Hypervisor(options.host.libvirt_uri, options.host.libvirt_timeout_s) as hypervisor:
                work(module, options, hypervisor)
        except HypervisorError as error:
            # What goes wrong with a server is its outcome, so that this was before the first one's turn.
            finish(module, not_begun(options.orders, options.state, error), options.on_error, lost=error.message)
    except (KvmfleetError, OSError) as error:
        module.fail_json(msg=str(error), exception=traceback.format_exc(), servers=[])


if __name__ == "__main__":
    main()
