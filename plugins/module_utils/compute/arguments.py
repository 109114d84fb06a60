# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Options that the host-side modules share; kept in step with the doc fragment ``libvirt_host``."""

from __future__ import annotations

import typing as t


def host_argument_spec() -> dict[str, t.Any]:
    """How to reach libvirt on the host, and where things lie there."""
    return {
        "libvirt_uri": {"type": "str", "default": "qemu:///system"},
        "instances_path": {"type": "path", "default": "/var/lib/libvirt/kvmfleet/instances"},
        "image_cache_path": {"type": "path", "default": "/var/lib/libvirt/kvmfleet/images"},
        "state_path": {"type": "path", "default": "/var/lib/kvmfleet"},
    }


def capacity_argument_spec() -> dict[str, t.Any]:
    """What of a host may be given away."""
    return {
        "cpu_allocation_ratio": {"type": "float", "default": 4.0},
        "ram_allocation_ratio": {"type": "float", "default": 1.0},
        "disk_allocation_ratio": {"type": "float", "default": 1.0},
        "reserved_host_cpus": {"type": "int", "default": 0},
        "reserved_host_memory_mb": {"type": "int", "default": 512},
        "reserved_host_disk_mb": {"type": "int", "default": 0},
    }


def reserved_and_ratio(params: dict[str, t.Any]) -> tuple[dict[str, int], dict[str, float]]:
    """The capacity options per resource class; reserved disk rounds up to whole GB."""
    reserved = {
        "VCPU": params["reserved_host_cpus"],
        "MEMORY_MB": params["reserved_host_memory_mb"],
        "DISK_GB": -(-params["reserved_host_disk_mb"] // 1024),
    }
    ratio = {"VCPU": params["cpu_allocation_ratio"], "MEMORY_MB": params["ram_allocation_ratio"], "DISK_GB": params["disk_allocation_ratio"]}
    return reserved, ratio
