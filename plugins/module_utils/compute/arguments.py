# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Options that the host-side modules share; kept in step with the doc fragment ``libvirt_host``."""

from __future__ import annotations

import dataclasses
import typing as t

Spec = t.Dict[str, t.Dict[str, object]]


def libvirt_argument_spec() -> Spec:
    """How to reach libvirt on the host."""
    return {"libvirt_uri": {"type": "str", "default": "qemu:///system"}, "libvirt_timeout_s": {"type": "float", "default": 60}}


def host_argument_spec() -> Spec:
    """How to reach libvirt on the host, and where things lie there."""
    return {
        **libvirt_argument_spec(),
        "instances_path": {"type": "path", "default": "/var/lib/libvirt/kvmfleet/instances"},
        "image_cache_path": {"type": "path", "default": "/var/lib/libvirt/kvmfleet/images"},
        "state_path": {"type": "path", "default": "/var/lib/kvmfleet"},
    }


def capacity_argument_spec() -> Spec:
    """What of a host may be given away."""
    return {
        "cpu_allocation_ratio": {"type": "float", "default": 4.0},
        "ram_allocation_ratio": {"type": "float", "default": 1.0},
        "disk_allocation_ratio": {"type": "float", "default": 1.0},
        "reserved_host_cpus": {"type": "int", "default": 0},
        "reserved_host_memory_mb": {"type": "int", "default": 512},
        "reserved_host_disk_mb": {"type": "int", "default": 0},
    }


def network_argument_spec() -> Spec:
    """What a host has for networks of the types flat, vlan and vxlan."""
    return {"bridge_mappings": {"type": "dict", "default": {}}, "tunnel_address": {"type": "str"}}


@dataclasses.dataclass(frozen=True)
class HostOptions:
    """The options of ``host_argument_spec``."""

    libvirt_uri: str
    libvirt_timeout_s: float
    instances_path: str
    image_cache_path: str
    state_path: str

    @classmethod
    def of(cls, params: t.Dict[str, t.Any]) -> HostOptions:
        """From a module's parameters."""
        given: t.Dict[str, t.Any] = {field.name: params[field.name] for field in dataclasses.fields(cls)}
        return cls(**given)


@dataclasses.dataclass(frozen=True)
class Capacity:
    """The options of ``capacity_argument_spec`` by resource class."""

    reserved: t.Dict[str, int]
    allocation_ratio: t.Dict[str, float]

    @classmethod
    def of(cls, params: t.Dict[str, t.Any]) -> Capacity:
        """From a module's parameters; reserved disk rounds up to whole GB."""
        reserved: t.Dict[str, int] = {name: params[f"reserved_host_{name}"] for name in ("cpus", "memory_mb", "disk_mb")}
        ratio: t.Dict[str, float] = {name: params[f"{name}_allocation_ratio"] for name in ("cpu", "ram", "disk")}
        return cls(
            reserved={"VCPU": reserved["cpus"], "MEMORY_MB": reserved["memory_mb"], "DISK_GB": -(-reserved["disk_mb"] // 1024)},
            allocation_ratio={"VCPU": ratio["cpu"], "MEMORY_MB": ratio["ram"], "DISK_GB": ratio["disk"]},
        )


@dataclasses.dataclass(frozen=True)
class NetworkOptions:
    """The options of ``network_argument_spec``."""

    bridge_mappings: t.Dict[str, str]
    tunnel_address: t.Optional[str]

    @classmethod
    def of(cls, params: t.Dict[str, t.Any]) -> NetworkOptions:
        """From a module's parameters."""
        mappings: t.Dict[str, object] = params["bridge_mappings"]
        tunnel_address: t.Optional[str] = params["tunnel_address"]
        return cls({str(name): str(device) for name, device in mappings.items()}, tunnel_address)
