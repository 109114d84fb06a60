#!/usr/bin/python
# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: host_cleanup
short_description: Remove what killed runs and cut calls have left on a KVM host
version_added: 0.1.0
author:
  - The kvmfleet.compute authors (@kvmfleet)
description:
  - Finds what nobody can need any more, and removes exactly that. In check mode it finds the same and removes nothing.
  - C(claim) - a server that a dead run has claimed and that never ran. The claim must have run out by the host's clock; what its build has made goes with it.
  - C(journal) - what a build has made that was cut off before its guest ran, if its server has no domain any more.
  - C(temporary) - what a killed process has left beside a server's disks, or beside the key of the host.
  - C(partial) - a download that nobody is at any more and that can't be gone on with, or that has waited for a day.
  - C(lock) - the lock file of a server that is gone, if nobody holds it.
  - C(network) - the bridge, or the VLAN or VXLAN link, of a network with a C(provider:network_type) on which no domain of the host is any more. One with a port
    of somebody else is left. Since 0.3.0 also what answers guests on a bridge (C(dhcp_server) of a subnet), by the name of its link, if no domain needs it.
  - C(folder) - the folder of a server without domain and journal. It is only listed, because a guest may have written what is in it. The domain may have been
    undefined to be defined again, it may have been migrated, or the path may be shared with another host. It is removed if its id is in O(folders), and only
    if it holds nothing that this collection has not made.
  - What another process works on is left, with the reason. So it may run at any time, beside other runs.
extends_documentation_fragment:
  - kvmfleet.compute.attributes
  - kvmfleet.compute.attributes.host
  - kvmfleet.compute.libvirt_host
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
    details: The paths that are removed, and those that are left.
  idempotent:
    support: full
options:
  folders:
    description: The ids of servers without a domain whose folders are given up, with all that their guests have written.
    type: list
    elements: str
    default: []
  elsewhere:
    description:
      - The ids of domains of other hosts. Journals and folders with these ids are left, because the instances path may be shared.
      - The role C(kvmfleet.compute.cleanup) finds them in RV(domains) of a first call in check mode.
    type: list
    elements: str
    default: []
seealso:
  - module: kvmfleet.compute.server
  - module: kvmfleet.compute.image
"""

EXAMPLES = r"""
- name: See what could be removed
  kvmfleet.compute.host_cleanup:
  check_mode: true
  register: cleanup

- name: Remove it, and the folder of a server that is given up
  kvmfleet.compute.host_cleanup:
    folders:
      - 6f70656e-7374-6163-6b20-342065766572
"""

RETURN = r"""
removed:
  description: What was removed, or would be in check mode.
  returned: always
  type: list
  elements: dict
  contains:
    kind:
      description: V(claim), V(journal), V(temporary), V(partial), V(lock), V(network) or V(folder).
      type: str
    id:
      description: The id of the server that it was for, or null.
      type: str
    path:
      description: Where it lies; of a claim the folder of its server, of a network the name of the device.
      type: str
    bytes:
      description: The disk space that it takes.
      type: int
    why:
      description: Why it is due.
      type: str
  sample:
    - kind: journal
      id: 6f70656e-7374-6163-6b20-342065766572
      path: /var/lib/kvmfleet/journal/6f70656e-7374-6163-6b20-342065766572
      bytes: 204800
      why: it names what a build has made that was cut off before its guest ran, and its server has no domain any more
left:
  description: What was found and stays, in the shape of RV(removed); C(why) says why it stays.
  returned: always
  type: list
  elements: dict
domains:
  description: The ids of all domains of the host.
  returned: always
  type: list
  elements: str
msg:
  description: What was found, a line each; one sentence if nothing was.
  returned: always
  type: list
  elements: str
"""

import time
import traceback

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.kvmfleet.compute.plugins.module_utils.ansible_module import Module
from ansible_collections.kvmfleet.compute.plugins.module_utils.compute.arguments import host_argument_spec
from ansible_collections.kvmfleet.compute.plugins.module_utils.compute.cleanup import Cleanup
from ansible_collections.kvmfleet.compute.plugins.module_utils.compute.cleanup_options import CleanupOptions, make_cleanup
from ansible_collections.kvmfleet.compute.plugins.module_utils.errors import KvmfleetError
from ansible_collections.kvmfleet.compute.plugins.module_utils.libvirt import Hypervisor, require_libvirt

ARGUMENT_SPEC = {
    **host_argument_spec(),
    "folders": {"type": "list", "elements": "str", "default": []},
    "elsewhere": {"type": "list", "elements": "str", "default": []},
}


def answer(cleanup: Cleanup) -> dict[str, object]:
    before = [item["path"] for item in (*cleanup.removed, *cleanup.left)]
    return {
        "changed": bool(cleanup.removed),
        "removed": cleanup.removed,
        "left": cleanup.left,
        "domains": cleanup.domains,
        "diff": {"before": {"left": before}, "after": {"left": [item["path"] for item in cleanup.left]}},
    }


def main() -> None:
    module: Module = AnsibleModule(argument_spec=ARGUMENT_SPEC, supports_check_mode=True)
    require_libvirt(module)
    try:
        options = CleanupOptions.of(module.params)
        with Hypervisor(options.host.libvirt_uri, options.host.libvirt_timeout_s) as hypervisor:
            cleanup = make_cleanup(options, hypervisor, now=time.time(), check_mode=module.check_mode)
            cleanup.run()
    except (KvmfleetError, OSError) as error:
        module.fail_json(msg=str(error), exception=traceback.format_exc(), removed=[], left=[], domains=[])
    result = answer(cleanup)
    if cleanup.failed:
        module.fail_json(msg="; ".join(cleanup.failed), **result)
    module.exit_json(msg=cleanup.sentences(module.check_mode), **result)


if __name__ == "__main__":
    main()
