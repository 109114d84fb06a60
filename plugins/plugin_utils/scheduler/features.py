# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the features of a flavor and its image ask of a host: traits, and a few resources; pure.

Follows ``nova/scheduler/utils.py: ResourceRequest._translate_*`` and ``nova/scheduler/request_filter.py``.
"""

from __future__ import annotations

import re
import typing as t

from ansible_collections.kvmfleet.compute.plugins.plugin_utils.hardware.constraints import is_true
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.hardware.image_properties import DISK_BUSES
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.scheduler.config import Config

Data = dict[str, t.Any]

# (extra spec, its value, trait); an image property of the same name with an underscore asks the same.
WANTED = (
    ("os:secure_boot", "required", "COMPUTE_SECURITY_UEFI_SECURE_BOOT"),
    ("hw:maxphysaddr_mode", "passthrough", "COMPUTE_ADDRESS_SPACE_PASSTHROUGH"),
    ("hw:maxphysaddr_mode", "emulate", "COMPUTE_ADDRESS_SPACE_EMULATED"),
    ("hw:pci_numa_affinity_policy", "socket", "COMPUTE_SOCKET_PCI_NUMA_AFFINITY"),
    ("hw:sound_model", "virtio", "COMPUTE_SOUND_MODEL_VIRTIO"),
)
# For image_metadata_prefilter: (image property, first part of the trait, the values that have a trait).
_BUSES = " ".join(DISK_BUSES)
METADATA = (
    ("hw_cdrom_bus", "COMPUTE_STORAGE_BUS", _BUSES),
    ("hw_disk_bus", "COMPUTE_STORAGE_BUS", _BUSES),
    ("hw_video_model", "COMPUTE_GRAPHICS_MODEL", "bochs cirrus gop none qxl vga virtio vmvga xen"),
    ("hw_vif_model", "COMPUTE_NET_VIF_MODEL", "e1000 e1000e igb lan9118 ne2k_pci netfront pcnet rtl8139 spapr_vlan sriov virtio vmxnet vmxnet3"),
    (
        "hw_architecture",
        "HW_ARCH",
        "aarch64 alpha armv6 armv7 armv7b cris i686 ia64 lm32 m68k microblaze microblazeel mips mips64 mips64el mipsel openrisc parisc parisc64 ppc ppc64"
        " ppc64le ppcemb ppcle s390 s390x sh4 sh4eb sparc sparc64 unicore32 x86_64 xtensa xtensaeb",
    ),
    ("hw_emulation_architecture", "COMPUTE_ARCH", "aarch64 mipsel ppc64le riscv64 s390x x86_64"),
    ("hw_viommu_model", "COMPUTE_VIOMMU", "model_auto model_intel model_smmuv3 model_virtio"),
)
IMAGE_TYPES = ("aki", "ami", "ari", "iso", "ploop", "qcow2", "raw", "vdi", "vhd", "vhdx", "vmdk")


class Features:
    """``specs``: extra specs; ``properties``: image properties."""

    def __init__(self, specs: Data, properties: Data) -> None:
        self._specs, self._properties = specs, properties

    def _either(self, spec: str) -> str | None:
        found = self._specs.get(spec) or self._properties.get(spec.replace(":", "_", 1))
        return None if found is None else str(found)

    def _is_wanted(self, spec: str) -> bool:
        return any(is_true(value) for value in (self._specs.get(spec), self._properties.get(spec.replace(":", "_", 1))) if value is not None)

    def resources(self) -> dict[str, int]:
        """A slot for encrypted memory, and persistent memory by its label."""
        found = {"MEM_ENCRYPTION_CONTEXT": 1} if self._is_wanted("hw:mem_encryption") else {}
        for label in filter(None, (part.strip() for part in str(self._specs.get("hw:pmem") or "").split(","))):
            name = "CUSTOM_PMEM_NAMESPACE_" + re.sub("[^0-9A-Z]", "_", label.upper())
            found[name] = found.get(name, 0) + 1
        return found

    def traits(self) -> set[str]:
        """The traits that hosts must have for the features to work."""
        found = {trait for spec, value, trait in WANTED if (self._either(spec) or "").lower() == value}
        if self._properties.get("hw_firmware_type") == "uefi" and is_true(self._properties.get("hw_firmware_stateless") or ""):
            found.add("COMPUTE_SECURITY_STATELESS_FIRMWARE")
        if self._specs.get("accel:device_profile"):
            found.add("COMPUTE_ACCELERATORS")
        if self._is_wanted("hw:virtio_packed_ring"):
            found.add("COMPUTE_NET_VIRTIO_PACKED")
        if self._is_wanted("hw:mem_encryption"):
            model = self._either("hw:mem_encryption_model") or "amd-sev"
            found.add(f"HW_CPU_X86_{model.replace('-', '_').upper()}")
        return found | self._tpm() | self._ephemeral_encryption()

    def _tpm(self) -> set[str]:
        version = self._either("hw:tpm_version")
        if not version:
            return set()
        return {
            "COMPUTE_SECURITY_TPM_CRB" if self._either("hw:tpm_model") == "tpm-crb" else "COMPUTE_SECURITY_TPM_TIS",
            "COMPUTE_SECURITY_TPM_2_0" if version == "2.0" else "COMPUTE_SECURITY_TPM_1_2",
            f"COMPUTE_SECURITY_TPM_SECRET_SECURITY_{str(self._specs.get('hw:tpm_secret_security') or 'user').upper()}",
        }

    def _ephemeral_encryption(self) -> set[str]:
        if not self._is_wanted("hw:ephemeral_encryption"):
            return set()
        kind = self._either("hw:ephemeral_encryption_format")
        return {"COMPUTE_EPHEMERAL_ENCRYPTION", *([f"COMPUTE_EPHEMERAL_ENCRYPTION_{kind.upper()}"] if kind else [])}

    def asked_by_options(self, config: Config, disk_format: str | None, is_bfv: bool) -> set[str]:
        """The traits that image_metadata_prefilter and query_placement_for_image_type_support add."""
        found = set()
        if config.get("scheduler", "image_metadata_prefilter"):
            given = [
                (prefix, str(self._properties[name]).replace("-", "_").lower(), known.split()) for name, prefix, known in METADATA if name in self._properties
            ]
            # As in Nova one value without a trait leaves all of them out.
            if all(value in known for _prefix, value, known in given):
                found = {f"{prefix}_{value.upper()}" for prefix, value, _known in given}
        if config.get("scheduler", "query_placement_for_image_type_support") and not is_bfv and disk_format in IMAGE_TYPES:
            found.add(f"COMPUTE_IMAGE_TYPE_{disk_format.upper()}")
        return found
