# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The names of the extra specs that a flavor of Nova's can have for a libvirt host (``nova/api/validation/extra_specs``); pure."""

from __future__ import annotations

import re
from collections.abc import Iterable

from ansible_collections.kvmfleet.compute.plugins.plugin_utils.schema.suggestion import nearest

_NAMES = {
    "accel": "device_profile",
    "hw": "boot_menu cpu_dedicated_mask cpu_policy cpu_realtime cpu_realtime_mask cpu_thread_policy emulator_threads_policy ephemeral_encryption"
    " ephemeral_encryption_format hide_hypervisor_id locked_memory maxphysaddr_bits maxphysaddr_mode mem_encryption mem_encryption_model mem_page_size"
    " numa_nodes pci_numa_affinity_policy pmem pmu redirected_usb_ports serial_port_count sound_model tpm_model tpm_version usb_model"
    " vif_multiqueue_enabled viommu_model virtio_packed_ring watchdog_action",
    "hw_rng": "allowed rate_bytes rate_period",
    "hw_video": "ram_max_mb",
    "os": "secure_boot",
    "pci_passthrough": "alias",
    "quota": "cpu_period cpu_quota cpu_shares",
}
NAMES = frozenset(
    [
        *(f"{scope}:{name}" for scope, names in _NAMES.items() for name in names.split()),
        *(f"hw:cpu_{most}{part}" for most in ("", "max_") for part in ("sockets", "cores", "threads")),
        *(f"quota:disk_{way}_{unit}_sec" for way in ("read", "write", "total") for unit in ("bytes", "iops")),
        *(f"quota:vif_{way}_{rate}" for way in ("inbound", "outbound") for rate in ("average", "peak", "burst")),
    ]
)
# One for each of the guest's NUMA cells.
_PER_CELL = re.compile(r"hw:numa_(?:cpus|mem)\.\d+")
# What Nova knows in these scopes stands above; others may be a site's own.
_SCOPES = tuple(f"{scope}:" for scope in _NAMES)


def idle(specs: Iterable[str]) -> str:
    """The names of specs without an effect, and what those that Nova does not know may have meant."""
    return ", ".join(f"{spec}{_meant(spec)}" for spec in sorted(specs))


def _meant(spec: str) -> str:
    if spec in NAMES or _PER_CELL.fullmatch(spec) or not spec.startswith(_SCOPES):
        return ""
    near = nearest(spec, sorted(NAMES))
    return f" (not known to Nova{f'; did you mean {near}?' if near else ''})"
