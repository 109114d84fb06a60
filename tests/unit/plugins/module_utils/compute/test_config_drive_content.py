# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a config drive is told of the domain that it belongs to."""

from __future__ import annotations

import json

from ansible_collections.kvmfleet.compute.plugins.module_utils.compute.transitions.base import Work
from ansible_collections.kvmfleet.compute.plugins.module_utils.compute.transitions.files import DiskSources, config_source
from ansible_collections.kvmfleet.compute.tests.unit import make
from ansible_collections.kvmfleet.compute.tests.unit.plugins.module_utils.compute.lab import Lab


def test_a_tagged_nic_is_told_with_the_address_that_libvirt_has_chosen(lab: Lab) -> None:
    web = lab.web(ports=[make.port(binding=make.libvirt_network(), tag="front")])
    lab.claim(web)
    builder, uuid = lab.builder(), web["uuid"]
    # As libvirt does when a domain is defined.
    address = "<address type='pci' domain='0x0000' bus='0x01' slot='0x00' function='0x0'/></interface>"
    lab.hypervisor.xml[uuid] = lab.hypervisor.xml[uuid].replace("</interface>", address)
    owned = builder.look_up(uuid)
    assert owned is not None
    work = Work(builder, make.order(web), owned.record, domain=owned.domain)
    tree = DiskSources(work, config_source(builder.secrets(uuid))).config_drive()
    [device] = json.loads(tree["openstack/latest/meta_data.json"])["devices"]
    assert (device["bus"], device["address"], device["tags"]) == ("pci", "0000:01:00.0", ["front"])
