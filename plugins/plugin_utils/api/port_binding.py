# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a port made beforehand asks of its binding and no host here can give: refused by name where a server is to get the port; pure.

The words are Neutron's (``neutron_lib/api/definitions/portbindings.py``).
"""

from __future__ import annotations

from collections.abc import Iterator

from ansible_collections.kvmfleet.compute.plugins.plugin_utils.api.not_built import ERROR_CLASS
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.schema.catalogue import NORMAL
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.schema.fault import Fault
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.shapes import CataloguePort

WHAT = {
    "direct": "an SR-IOV virtual function",
    "direct-physical": "an SR-IOV physical function",
    "macvtap": "an SR-IOV virtual function by way of macvtap",
    "baremetal": "a NIC of a machine without a hypervisor",
    "virtio-forwarder": "a virtio forwarder of a SmartNIC",
    "smart-nic": "a SmartNIC of a machine without a hypervisor",
    "vdpa": "a vDPA device",
    "accelerator-direct": "a virtual function of an accelerator",
    "accelerator-direct-physical": "a physical function of an accelerator",
    "remote-managed": "a port of a remote-managed DPU",
}


def faults(port: CataloguePort, path: str) -> Iterator[Fault]:
    """Why no server can get a port; ``path``: where the request names it."""
    kind = port["vnic_type"]
    if kind != NORMAL:
        yield Fault(path, port["name"], f"has binding:vnic_type {kind}, {WHAT[kind]}, which can't be built: only {NORMAL} can", ERROR_CLASS)
    if port["profile"]:
        keys = ", ".join(sorted(map(str, port["profile"])))
        yield Fault(path, port["name"], f"has a binding:profile ({keys}), which stands for a device of one host: no port can have one here", ERROR_CLASS)
