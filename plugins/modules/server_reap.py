#!/usr/bin/python
# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: server_reap
short_description: Delete the servers of a KVM host whose time has passed
version_added: 0.2.0
author:
  - The kvmfleet.compute authors (@kvmfleet)
description:
  - A server that was created with a time to live (C(compute_ttl)) has the end of its time in its record. Those whose end has passed by the host's clock are
    deleted, each looked at again under its lock. A server without such a time is never deleted, whatever else is asked for.
  - In check mode it finds the same and deletes nothing.
  - If the clocks of host and controller differ by more than O(max_skew_s), nothing of the host is deleted.
  - O(project), O(owner), O(job), O(tags) and O(older_than) take fewer servers. All that are given must match.
  - What another process works on, or a run is building, is left, with the reason.
extends_documentation_fragment:
  - kvmfleet.compute.attributes
  - kvmfleet.compute.attributes.host
  - kvmfleet.compute.libvirt_host
attributes:
  check_mode:
    support: full
  diff_mode:
    support: none
  idempotent:
    support: full
options:
  project:
    description: Only servers of this project.
    type: str
  owner:
    description: Only servers that were created for this owner.
    type: str
  job:
    description: Only servers that this job has created.
    type: str
  tags:
    description: Only servers that carry all of these tags.
    type: list
    elements: str
  older_than:
    description: Only servers that were created that long ago, in seconds, or with a unit, such as V(2h) or V(3d).
    type: str
  max_skew_s:
    description: How far the host's clock may be from the controller's, in seconds.
    type: float
    default: 300
  controller_time:
    description: The controller's time, as Unix time in seconds. The action plugin sets it.
    type: float
seealso:
  - module: kvmfleet.compute.server
"""

EXAMPLES = r"""
- name: See whose time has passed
  kvmfleet.compute.server_reap:
  check_mode: true

- name: Delete what a job has left
  kvmfleet.compute.server_reap:
    job: "4711"
"""

RETURN = r"""
servers:
  description: The servers whose time has passed; on a host whose clock is wrong, all that have a time.
  returned: success
  type: list
  elements: dict
  contains:
    uuid:
      description: The server's id.
      type: str
    display_name:
      description: The server's name.
      type: str
    project_id:
      description: Its project.
      type: str
    owner:
      description: For whom it was created.
      type: str
    job:
      description: The job that has created it, or null.
      type: str
    expires_at:
      description: The end of its time, in UTC.
      type: str
    outcome:
      description: V(deleted) (in check mode it would be), V(left), V(skipped) because of the host's clock, V(failed) or V(unknown).
      type: str
    why:
      description: Why it was not deleted, or what of it stays; else null.
      type: str
  sample:
    - uuid: 6f70656e-7374-6163-6b20-342065766572
      display_name: ci-1
      project_id: default
      owner: ops
      job: "4711"
      expires_at: "2026-01-01T12:00:00Z"
      outcome: deleted
      why: null
skew_s:
  description: How far the host's clock is ahead of the controller's, in seconds.
  returned: success
  type: float
msg:
  description: What was found, a line each; one sentence if nothing is due.
  returned: always
  type: list
  elements: str
"""

import time
import traceback

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.kvmfleet.compute.plugins.module_utils.ansible_module import Module
from ansible_collections.kvmfleet.compute.plugins.module_utils.compute.arguments import HostOptions, host_argument_spec
from ansible_collections.kvmfleet.compute.plugins.module_utils.compute.cleanup_options import bare_builder
from ansible_collections.kvmfleet.compute.plugins.module_utils.compute.reap_query import ReapQuery
from ansible_collections.kvmfleet.compute.plugins.module_utils.compute.reaper import Reaper, sentences
from ansible_collections.kvmfleet.compute.plugins.module_utils.errors import KvmfleetError
from ansible_collections.kvmfleet.compute.plugins.module_utils.libvirt import Hypervisor, require_libvirt

ARGUMENT_SPEC = {
    **host_argument_spec(),
    "project": {"type": "str"},
    "owner": {"type": "str"},
    "job": {"type": "str"},
    "tags": {"type": "list", "elements": "str"},
    "older_than": {"type": "str"},
    "max_skew_s": {"type": "float", "default": 300},
    "controller_time": {"type": "float"},
}


def reap(module: Module, query: ReapQuery) -> Reaper:
    options, given = HostOptions.of(module.params), module.params["controller_time"]
    with Hypervisor(options.libvirt_uri, options.libvirt_timeout_s) as hypervisor:
        builder = bare_builder(options, hypervisor, check_mode=module.check_mode)
        controller_time: float = time.time() if given is None else given
        reaper = Reaper(builder, query, controller_time=controller_time, max_skew_s=module.params["max_skew_s"])
        reaper.run()
    return reaper


def main() -> None:
    module: Module = AnsibleModule(argument_spec=ARGUMENT_SPEC, supports_check_mode=True)
    require_libvirt(module)
    try:
        reaper = reap(module, ReapQuery.of(module.params))
    except (KvmfleetError, OSError) as error:
        module.fail_json(msg=str(error), exception=traceback.format_exc(), servers=[])
    outcomes = {server["outcome"] for server in reaper.reaped}
    if reaper.is_skewed:
        module.warn(f"the host's clock is {reaper.skew_s:+.0f} s from the controller's: no server's time can be told, so none is deleted")
    lines = sentences(reaper, module.check_mode)
    result = {"changed": "deleted" in outcomes, "servers": reaper.reaped, "skew_s": round(reaper.skew_s, 3)}
    if outcomes & {"failed", "unknown"}:
        module.fail_json(msg="; ".join(lines), **result)
    module.exit_json(msg=lines, **result)


if __name__ == "__main__":
    main()
