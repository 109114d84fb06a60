# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a flavor or an image asks for and no host here can build yet: refused, as a guest without it would not be what was asked for. Pure."""

from __future__ import annotations

import typing as t
from collections.abc import Iterator, Mapping

from ansible_collections.kvmfleet.compute.plugins.module_utils.shapes import Flavor
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.hardware.constraints import is_true
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.schema.fault import Fault
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.shapes import CatalogueImage

ERROR_CLASS = "UnsupportedHardware"
FOREIGN_NICS = ("netfront", "vmxnet", "sriov", "sriovethernetcard")  # values of hw_vif_model that QEMU has no NIC for
# (feature, extra spec, image property, is it asked for by this value?)
FEATURES: tuple[tuple[str, str | None, str | None, t.Callable[[str], bool]], ...] = (
    ("secure boot", "os:secure_boot", "os_secure_boot", lambda value: value.strip().lower() == "required"),
    ("a TPM", "hw:tpm_version", "hw_tpm_version", bool),
    ("PCI devices", "pci_passthrough:alias", None, bool),
    ("encrypted memory", "hw:mem_encryption", "hw_mem_encryption", is_true),
    ("encrypted disks", "hw:ephemeral_encryption", "hw_ephemeral_encryption", is_true),
    ("persistent memory", "hw:pmem", None, bool),
    ("an accelerator", "accel:device_profile", None, bool),
    ("a NIC of Xen, of an older VMware or of SR-IOV", None, "hw_vif_model", lambda value: value.strip().lower().removeprefix("virtual") in FOREIGN_NICS),
    ("stateless firmware", None, "hw_firmware_stateless", is_true),
)
# Of these a value may ask for nothing; then there is nothing to say.
SPECS = frozenset(spec for _feature, spec, _name, _is_asked in FEATURES if spec)


def faults(flavor: Flavor, image: CatalogueImage) -> Iterator[Fault]:
    """A fault for each feature of the flavor, and of the image, that is not built."""
    for feature, spec, name, is_asked in FEATURES:
        if spec and _asks(flavor["extra_specs"], spec, is_asked):
            yield Fault("flavorRef", flavor["name"], f"asks for {feature} (extra spec {spec}), which can't be built yet", ERROR_CLASS)
        if name and _asks(image["properties"], name, is_asked):
            yield Fault("imageRef", image["name"], f"asks for {feature} (property {name}), which can't be built yet", ERROR_CLASS)


def _asks(given: Mapping[str, object], key: str, is_asked: t.Callable[[str], bool]) -> bool:
    value = given.get(key)
    return value is not None and is_asked(str(value))
