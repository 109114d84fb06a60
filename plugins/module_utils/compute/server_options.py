# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options of the module ``server``, typed, and what is made of them."""

from __future__ import annotations

import dataclasses
import json
import os
import typing as t
import uuid as uuid_library

from ansible_collections.kvmfleet.compute.plugins.module_utils.compute import console
from ansible_collections.kvmfleet.compute.plugins.module_utils.compute.arguments import Capacity, HostOptions, NetworkOptions
from ansible_collections.kvmfleet.compute.plugins.module_utils.compute.builder import Builder, Host
from ansible_collections.kvmfleet.compute.plugins.module_utils.compute.host_report import file_system, virt_types
from ansible_collections.kvmfleet.compute.plugins.module_utils.compute.orders import read_order
from ansible_collections.kvmfleet.compute.plugins.module_utils.compute.plugging import Patience
from ansible_collections.kvmfleet.compute.plugins.module_utils.compute.secret_hash import host_key, key_path
from ansible_collections.kvmfleet.compute.plugins.module_utils.errors import ServerError
from ansible_collections.kvmfleet.compute.plugins.module_utils.hypervisor import HypervisorLike
from ansible_collections.kvmfleet.compute.plugins.module_utils.network.membership import read_rules
from ansible_collections.kvmfleet.compute.plugins.module_utils.shapes import Grant, GroupRules, ImageResult, Order, Origin, Run, Secrets

LEASE_S = 1800  # of a run of its own


def _secrets(text: t.Optional[str]) -> t.Dict[str, Secrets]:
    given: t.Dict[str, t.Dict[str, t.Optional[str]]] = json.loads(text or "{}")
    return {uuid: {"user_data": item.get("user_data"), "admin_pass": item.get("admin_pass")} for uuid, item in given.items()}


@dataclasses.dataclass(frozen=True)
class ServerOptions:
    """As in the module's documentation."""

    host: HostOptions
    capacity: Capacity
    network: NetworkOptions
    orders: t.List[Order]
    state: str
    host_name: t.Optional[str]
    images: t.List[ImageResult]
    secrets: t.Dict[str, Secrets]
    run: t.Optional[Run]
    grant: t.Optional[Grant]
    origin: t.Optional[Origin]
    take_over: bool
    blank_missing_disks: t.List[str]
    probe_addresses: bool
    patience: Patience
    virt_type: t.Optional[str]
    security_groups: t.List[GroupRules]
    max_concurrent_builds: int
    wait_for: str
    wait_from: str
    wait_timeout_s: float
    on_error: str
    console_of: t.List[str]
    console_lines: int

    @classmethod
    def of(cls, params: t.Dict[str, t.Any]) -> ServerOptions:
        """From the module's parameters; ServerError (InvalidInput) if servers, security_groups or console_lines are not what they must be."""
        console_lines: int = params["console_lines"]
        if not 1 <= console_lines <= console.MOST_LINES:
            raise ServerError("InvalidInput", f"console_lines: {console_lines} must be from 1 to {console.MOST_LINES}")
        patience = Patience(params["vif_plugging_timeout_s"], params["vif_plugging_is_fatal"])
        patience.check()
        return cls(
            host=HostOptions.of(params),
            capacity=Capacity.of(params),
            network=NetworkOptions.of(params),
            orders=[read_order(server) for server in params["servers"]],
            state=params["state"],
            host_name=params["host_name"],
            images=params["images"],
            secrets=_secrets(params["secrets"]),
            run=params["run"],
            grant=params["grant"],
            origin=params["origin"],
            take_over=params["take_over"],
            blank_missing_disks=params["blank_missing_disks"],
            probe_addresses=params["probe_addresses"],
            patience=patience,
            virt_type=params["virt_type"],
            security_groups=[read_rules(group) for group in params["security_groups"]],
            max_concurrent_builds=params["max_concurrent_builds"],
            wait_for=params["wait_for"],
            wait_from=params["wait_from"],
            wait_timeout_s=params["wait_timeout_s"],
            on_error=params["on_error"],
            console_of=params["console_of"],
            console_lines=console_lines,
        )


def own_run(host: str) -> Run:
    """The run of a task that was given none."""
    return {"id": str(uuid_library.uuid4()), "controller": host, "process": None, "lease_s": LEASE_S}


def make_builder(options: ServerOptions, hypervisor: HypervisorLike, check_mode: bool) -> Builder:
    """The builder of this host. In check mode nothing is written, so that a key that does not exist yet stays away."""
    found, paths = hypervisor.host(), options.host
    name = options.host_name or found["node"]
    works = virt_types(found)
    host = Host(
        name=name,
        instances_path=paths.instances_path,
        state_path=paths.state_path,
        image_cache_path=paths.image_cache_path,
        virt_type=options.virt_type or ("kvm" if "kvm" in works else "qemu"),
        arch=found["arch"],
        resources={
            "vcpus": found["vcpus"],
            "memory_mb": found["memory_mb"],
            "disk_gb": file_system(paths.instances_path).total_gb,
            "reserved": options.capacity.reserved,
            "allocation_ratio": options.capacity.allocation_ratio,
        },
        key=b"" if check_mode and not os.path.exists(key_path(paths.state_path)) else host_key(paths.state_path),
        images={image["id"]: image for image in options.images if image.get("path") or image.get("error")},
        bridge_mappings=options.network.bridge_mappings,
        tunnel_address=options.network.tunnel_address,
    )
    return Builder(
        hypervisor,
        host,
        options.run or own_run(name),
        grant=options.grant,
        secrets=options.secrets,
        origin=options.origin,
        force_take_over=options.take_over,
        blank_missing_disks=options.blank_missing_disks,
        probe_addresses=options.probe_addresses,
        patience=options.patience,
        groups=options.security_groups,
        check_mode=check_mode,
    )
