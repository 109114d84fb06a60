# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import typing as t

import pytest

from ansible_collections.kvmfleet.compute.plugins.plugin_utils.scheduler.config import Config
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.scheduler.features import Features
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.scheduler.schedule import schedule
from ansible_collections.kvmfleet.compute.tests.unit import make


@pytest.mark.parametrize(
    ("specs", "properties", "traits"),
    [
        ({}, {}, set()),
        ({"os:secure_boot": "required"}, {}, {"COMPUTE_SECURITY_UEFI_SECURE_BOOT"}),
        ({}, {"os_secure_boot": "optional"}, set()),
        ({"hw:firmware_stateless": "true"}, {}, set()),
        ({}, {"hw_firmware_stateless": "true"}, set()),
        ({}, {"hw_firmware_stateless": "true", "hw_firmware_type": "uefi"}, {"COMPUTE_SECURITY_STATELESS_FIRMWARE"}),
        ({"hw:mem_encryption": "True"}, {}, {"HW_CPU_X86_AMD_SEV"}),
        ({}, {"hw_mem_encryption": "1", "hw_mem_encryption_model": "intel-tdx"}, {"HW_CPU_X86_INTEL_TDX"}),
        ({"hw:virtio_packed_ring": "yes"}, {"hw_sound_model": "virtio"}, {"COMPUTE_NET_VIRTIO_PACKED", "COMPUTE_SOUND_MODEL_VIRTIO"}),
        (
            {"hw:ephemeral_encryption": "true"},
            {"hw_ephemeral_encryption_format": "luks"},
            {"COMPUTE_EPHEMERAL_ENCRYPTION", "COMPUTE_EPHEMERAL_ENCRYPTION_LUKS"},
        ),
    ],
)
def test_features_ask_for_traits(specs: dict[str, t.Any], properties: dict[str, t.Any], traits: set[str]) -> None:
    assert Features(specs, properties).traits() == traits


def test_options_ask_for_more_traits_unless_one_of_them_is_none() -> None:
    asked = Config({"scheduler": {"image_metadata_prefilter": True, "query_placement_for_image_type_support": True}})
    properties = {"hw_disk_bus": "virtio", "hw_vif_model": "ne2k-pci"}
    both = {"COMPUTE_STORAGE_BUS_VIRTIO", "COMPUTE_NET_VIF_MODEL_NE2K_PCI"}
    assert Features({}, properties).asked_by_options(asked, "qcow2", False) == both | {"COMPUTE_IMAGE_TYPE_QCOW2"}
    assert Features({}, properties).asked_by_options(asked, "qcow2", True) == both
    assert Features({}, {**properties, "hw_video_model": "abacus"}).asked_by_options(asked, None, False) == set()
    assert Features({}, properties).asked_by_options(Config(), "qcow2", False) == set()


def test_encrypted_memory_takes_a_slot() -> None:
    flavor = make.flavor(extra_specs={"hw:mem_encryption": "true"})
    hosts = [
        make.host("plain", traits=["HW_CPU_X86_AMD_SEV"]),
        make.host("sev", traits=["HW_CPU_X86_AMD_SEV"], inventory={"MEM_ENCRYPTION_CONTEXT": {"total": 1}}),
    ]
    results = schedule([make.request_spec(id=str(number), flavor=flavor) for number in range(2)], hosts, [], [])["results"]
    assert results[0]["picks"][0]["host"] == "sev"
    assert results[1]["rejected_by_placement"]["sev"].startswith("MEM_ENCRYPTION_CONTEXT: 0 left of")
