# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Image properties as Nova knows them: their types, their values, their older names; pure.

Follows ``nova/objects/image_meta.py: ImageMetaProps`` and ``nova/objects/fields.py``. Unknown properties are ignored, as in Nova, and can be named in a note.
"""

from __future__ import annotations

import re
import typing as t
from collections.abc import Iterator, Mapping

from ansible_collections.kvmfleet.compute.plugins.plugin_utils.schema.fault import Fault
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.schema.suggestion import nearest


class Property(t.NamedTuple):
    """What Nova takes for one property."""

    kind: str  # text, whole number, switch, choice, version, list
    values: tuple[str, ...] = ()  # of a choice
    folds: bool = False  # upper case counts as lower case
    aliases: Mapping[str, str] = {}  # other spellings of a choice
    idle: bool = False  # known to Nova, without effect here yet


DISK_BUSES = ("fdc", "ide", "sata", "scsi", "usb", "virtio", "xen", "lxc", "uml")
CPU_POLICIES = ("dedicated", "shared", "mixed")
THREAD_POLICIES = ("prefer", "isolate", "require")
PCI_AFFINITIES = ("required", "legacy", "preferred", "socket")
ENCRYPTION_MODELS = ("amd-sev", "amd-sev-es", "amd-sev-snp", "intel-tdx")
_ARCHITECTURES = (
    "alpha armv6 armv7l armv7b aarch64 cris i686 ia64 lm32 m68k microblaze microblazeel mips mipsel mips64 mips64el openrisc parisc parisc64 ppc ppcle ppc64"
    " ppc64le ppcemb s390 s390x sh4 sh4eb sparc sparc64 unicore32 x86_64 xtensa xtensaeb"
)
_HYPERVISORS = "baremetal bhyve docker fake hyperv ironic kqemu kvm lxc lxd openvz parallels phyp qemu test uml vbox vz vmware xen zvm prsm"
_NICS = "virtio ne2k_pci pcnet rtl8139 e1000 e1000e netfront spapr-vlan lan9118 sriov vmxnet vmxnet3 igb"
_OLD_NICS = {
    "virtuale1000": "e1000",
    "virtuale1000e": "e1000e",
    "virtualpcnet32": "pcnet",
    "virtualsriovethernetcard": "sriov",
    "virtualvmxnet": "vmxnet",
    "virtualvmxnet3": "vmxnet3",
}

TEXT, NUMBER, SWITCH, VERSION, LIST = (Property(kind) for kind in ("text", "whole number", "switch", "version", "list"))
_IDLE_TEXT, _IDLE_NUMBER, _IDLE_SWITCH = (Property(kind, idle=True) for kind in ("text", "whole number", "switch"))
_ARCHITECTURE = Property(
    "choice", tuple(_ARCHITECTURES.split()), True, {**dict.fromkeys(("i386", "i486", "i586", "x86_32", "x86_32p"), "i686"), "amd64": "x86_64"}
)
_BUS = Property("choice", DISK_BUSES)


def _choice(values: str, *, idle: bool = False, folds: bool = False, aliases: Mapping[str, str] | None = None) -> Property:
    return Property("choice", tuple(values.split()), folds, aliases or {}, idle)


PROPERTIES: dict[str, Property] = {
    "hw_architecture": _ARCHITECTURE,
    "hw_emulation_architecture": _ARCHITECTURE._replace(idle=True),
    "hw_auto_disk_config": TEXT,
    "hw_boot_menu": _IDLE_SWITCH,
    "hw_cdrom_bus": _BUS,
    "hw_cpu_cores": NUMBER,
    "hw_cpu_sockets": NUMBER,
    "hw_cpu_max_cores": NUMBER,
    "hw_cpu_max_sockets": NUMBER,
    "hw_cpu_max_threads": NUMBER,
    "hw_cpu_policy": Property("choice", CPU_POLICIES),
    "hw_cpu_thread_policy": Property("choice", THREAD_POLICIES),
    "hw_cpu_realtime_mask": TEXT,
    "hw_cpu_threads": NUMBER,
    "hw_device_id": _IDLE_NUMBER,
    "hw_disk_bus": _BUS,
    "hw_disk_type": _IDLE_TEXT,
    "hw_floppy_bus": _BUS._replace(idle=True),
    "hw_firmware_type": _choice("uefi bios"),
    "hw_firmware_stateless": SWITCH,
    "hw_input_bus": _choice("usb virtio", idle=True),
    "hw_ipxe_boot": _IDLE_SWITCH,
    "hw_locked_memory": SWITCH,
    "hw_machine_type": TEXT,
    "hw_mem_encryption": SWITCH,
    "hw_mem_encryption_model": Property("choice", ENCRYPTION_MODELS),
    "hw_mem_page_size": TEXT,
    "hw_numa_nodes": NUMBER,
    "hw_pci_numa_affinity_policy": Property("choice", PCI_AFFINITIES),
    "hw_pointer_model": _choice("usbtablet", idle=True),
    "hw_pmu": _IDLE_SWITCH,
    "hw_qemu_guest_agent": SWITCH,
    "hw_rescue_bus": _BUS._replace(idle=True),
    "hw_rescue_device": _choice("cdrom disk floppy fs lun", idle=True),
    "hw_rng_model": _choice("virtio"),
    "hw_time_hpet": _IDLE_SWITCH,
    "hw_serial_port_count": NUMBER,
    "hw_scsi_model": _choice(
        "buslogic ibmvscsi lsilogic lsisas1068 lsisas1078 virtio-scsi vmpvscsi",
        folds=True,
        aliases={"lsilogicsas": "lsisas1068", "paravirtual": "vmpvscsi"},
    ),
    "hw_video_model": _choice("cirrus qxl vga vmvga xen virtio gop none bochs"),
    "hw_video_ram": _IDLE_NUMBER,
    "hw_vif_model": _choice(_NICS, folds=True, aliases=_OLD_NICS),
    "hw_viommu_model": _choice("intel smmuv3 virtio auto", idle=True),
    "hw_vm_mode": _choice("hvm xen uml exe", folds=True, aliases={"pv": "xen", "hv": "hvm", "baremetal": "hvm"}),
    "hw_watchdog_action": _choice("none pause poweroff reset disabled", idle=True),
    "hw_vif_multiqueue_enabled": SWITCH,
    "hw_tpm_model": _choice("tpm-tis tpm-crb", idle=True),
    "hw_tpm_version": _choice("1.2 2.0", idle=True),
    "hw_ephemeral_encryption": _IDLE_SWITCH,
    "hw_ephemeral_encryption_format": _choice("plain luks luksv2", idle=True),
    "hw_ephemeral_encryption_secret_uuid": _IDLE_TEXT,
    "hw_virtio_packed_ring": _IDLE_SWITCH,
    "hw_maxphysaddr_mode": _choice("passthrough emulate"),
    "hw_maxphysaddr_bits": NUMBER,
    "hw_sound_model": _choice("sb16 es1370 pcspk ac97 ich6 ich9 usb virtio", idle=True),
    "hw_usb_model": _choice("none nec-xhci qemu-xhci", idle=True),
    "hw_redirected_usb_ports": _IDLE_NUMBER,
    "img_bittorrent": _IDLE_SWITCH,
    "img_bdm_v2": SWITCH,
    "img_block_device_mapping": LIST,
    "img_cache_in_nova": _IDLE_SWITCH,
    "img_compression_level": _IDLE_NUMBER,
    "img_hv_requested_version": VERSION,
    "img_hv_type": _choice(_HYPERVISORS, folds=True, aliases={"xapi": "xen"}),
    "img_config_drive": _choice("optional mandatory"),
    "img_linked_clone": _IDLE_SWITCH,
    "img_mappings": LIST,
    "img_owner_id": TEXT,
    "img_root_device_name": TEXT,
    "img_use_agent": _IDLE_SWITCH,
    "img_version": NUMBER,
    "img_signature": _IDLE_TEXT,
    "img_signature_hash_method": _choice("SHA-224 SHA-256 SHA-384 SHA-512", idle=True),
    "img_signature_certificate_uuid": _IDLE_TEXT,
    "img_signature_key_type": _choice("DSA ECC_SECP384R1 ECC_SECP521R1 ECC_SECT409K1 ECC_SECT409R1 ECC_SECT571K1 ECC_SECT571R1 RSA-PSS", idle=True),
    "img_hide_hypervisor_id": _IDLE_SWITCH,
    "os_admin_user": TEXT,
    "os_command_line": _IDLE_TEXT,
    "os_distro": TEXT,
    "os_require_quiesce": _IDLE_SWITCH,
    "os_secure_boot": _choice("required disabled optional", idle=True),
    "os_skip_agent_inject_files_at_boot": _IDLE_SWITCH,
    "os_skip_agent_inject_ssh": _IDLE_SWITCH,
    "os_type": _choice("linux windows", folds=True),
}
# hw_numa_cpus.0, hw_numa_mem.0, …: one for each of the guest's NUMA cells; a mask is read where the cells are.
PER_CELL = {"hw_numa_cpus": TEXT, "hw_numa_mem": NUMBER}
OLDER_NAMES = {
    "architecture": "hw_architecture",
    "owner_id": "img_owner_id",
    "vmware_disktype": "hw_disk_type",
    "vmware_image_version": "img_version",
    "vmware_ostype": "os_distro",
    "auto_disk_config": "hw_auto_disk_config",
    "ipxe_boot": "hw_ipxe_boot",
    "xenapi_device_id": "hw_device_id",
    "xenapi_image_compression_level": "img_compression_level",
    "vmware_linked_clone": "img_linked_clone",
    "xenapi_use_agent": "img_use_agent",
    "xenapi_skip_agent_inject_ssh": "os_skip_agent_inject_ssh",
    "xenapi_skip_agent_inject_files_at_boot": "os_skip_agent_inject_files_at_boot",
    "cache_in_nova": "img_cache_in_nova",
    "vm_mode": "hw_vm_mode",
    "bittorrent": "img_bittorrent",
    "mappings": "img_mappings",
    "block_device_mapping": "img_block_device_mapping",
    "bdm_v2": "img_bdm_v2",
    "root_device_name": "img_root_device_name",
    "hypervisor_version_requires": "img_hv_requested_version",
    "hypervisor_type": "img_hv_type",
}
# Properties of Glance's, of these prefixes, that Nova does not look at or reads elsewhere.
_NOT_NOVA_S = re.compile(r"os_version|os_shutdown_timeout|os_hidden|os_hash_\w+|os_glance_\w+")
_PREFIX = re.compile(r"(?:hw|os|img)[_:-]", re.IGNORECASE)
_PREDICATE = re.compile(r"\s*(?:<=|>=|<|>|!=|==)\s*\d+(?:\.\d+)*\s*")
_SWITCHES = ("1", "t", "true", "on", "y", "yes", "0", "f", "false", "off", "n", "no")


def _property(name: str) -> Property | None:
    stem, dot, cell = name.partition(".")
    if dot:
        return PER_CELL.get(stem) if cell.isdigit() else None
    return PROPERTIES.get(OLDER_NAMES.get(name, name))


def _canonical(known: Property, value: t.Any) -> t.Any:
    """A choice as Nova spells it; anything else as it is."""
    if known.kind != "choice" or isinstance(value, (dict, list)):
        return value
    text = str(value).lower() if known.folds else str(value)
    return known.aliases.get(text, text)


def known(properties: Mapping[str, t.Any]) -> dict[str, t.Any]:
    """The properties that Nova knows, by their present names and in its spelling; a present name wins over an older one, and null is none."""
    found = {OLDER_NAMES[name]: value for name, value in properties.items() if name in OLDER_NAMES}
    adapter = properties.get("vmware_adaptertype")
    if adapter:
        found.update({"hw_disk_bus": "ide"} if adapter == "ide" else {"hw_disk_bus": "scsi", "hw_scsi_model": adapter})
    found.update({name: value for name, value in properties.items() if name in PROPERTIES})
    return {name: _canonical(PROPERTIES[name], value) for name, value in found.items() if value is not None}


def _rule(known: Property, value: t.Any) -> str | None:
    """What a value breaks; None if Nova takes it."""
    if known.kind == "list":
        is_list = isinstance(value, list) and all(isinstance(item, dict) for item in value)
        return None if is_list else "must be a list of mappings"
    if isinstance(value, (dict, list)):
        return "must be " + {"choice": "text", "whole number": "a whole number", "switch": "true or false", "version": "text"}.get(known.kind, "text")
    text = str(value)
    if known.kind == "whole number":
        try:
            int(text)
        except ValueError:
            return "must be a whole number"
    elif known.kind == "choice":
        if _canonical(known, value) not in known.values:
            near = nearest(text.lower(), known.values)
            return f"must be one of {', '.join(known.values)}" + (f"; did you mean {near}?" if near else "")
    elif known.kind == "version" and not all(_PREDICATE.fullmatch(part) for part in text.split(",")):
        return "must be versions such as >=6.0,<9.0"
    return None


def faults(properties: Mapping[str, t.Any]) -> Iterator[Fault]:
    """Every value that Nova's ImageMetaProps would not take; a fault's path is the property's name."""
    for name, value in properties.items():
        found = _property(str(name))
        rule = _rule(found, value) if found and value is not None else None
        if rule:
            yield Fault(str(name), value, rule, "InvalidRequest")
    adapter = properties.get("vmware_adaptertype")
    if adapter and adapter != "ide":
        rule = _rule(PROPERTIES["hw_scsi_model"], adapter)
        if rule:
            yield Fault("vmware_adaptertype", adapter, rule, "InvalidRequest")


def notes(properties: Mapping[str, t.Any]) -> Iterator[str]:
    """What of an image's properties has no effect: unknown names, values that Nova reads as false, and what is not built here yet."""
    idle = []
    for name, value in properties.items():
        found = _property(str(name))
        if found is None:
            plain = str(name).lower().replace(":", "_").replace("-", "_")
            if plain in PROPERTIES or (_PREFIX.match(str(name)) and not _NOT_NOVA_S.fullmatch(str(name))):
                near = plain if plain in PROPERTIES else nearest(plain, PROPERTIES)
                yield f"{name} is not known to Nova and has no effect" + (f"; did you mean {near}?" if near else "")
        elif found.kind == "switch" and value is not None and str(value).strip().lower() not in _SWITCHES:
            yield f"{name} {value!r} is neither true nor false, and counts as false as in Nova"
        elif found.idle and value is not None:
            idle.append(str(name))
    if idle:
        yield f"no effect yet: {', '.join(sorted(idle))}"
