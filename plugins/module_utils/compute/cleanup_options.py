# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options of the module ``host_cleanup``, typed, and what is made of them."""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.kvmfleet.compute.plugins.module_utils.compute.arguments import HostOptions
from ansible_collections.kvmfleet.compute.plugins.module_utils.compute.builder import Builder, Host
from ansible_collections.kvmfleet.compute.plugins.module_utils.compute.cleanup import UUID, Cleanup
from ansible_collections.kvmfleet.compute.plugins.module_utils.compute.server_options import own_run
from ansible_collections.kvmfleet.compute.plugins.module_utils.errors import ServerError
from ansible_collections.kvmfleet.compute.plugins.module_utils.hypervisor import HypervisorLike


@dataclasses.dataclass(frozen=True)
class CleanupOptions:
    """As in the module's documentation."""

    host: HostOptions
    folders: t.List[str]
    elsewhere: t.List[str]

    @classmethod
    def of(cls, params: t.Dict[str, t.Any]) -> CleanupOptions:
        """From the module's parameters; ServerError (InvalidInput) if a folder is not named by a server's id."""
        folders: t.List[str] = params["folders"]
        for name in folders:
            if not UUID.match(name):
                raise ServerError("InvalidInput", f"folders: {name!r} is not the id of a server")
        return cls(HostOptions.of(params), folders, params["elsewhere"])


def bare_builder(paths: HostOptions, hypervisor: HypervisorLike, *, check_mode: bool) -> Builder:
    """What only removes builds nothing, so that nothing of the host is given away, and claims nothing, so that its run is nobody's."""
    found = hypervisor.host()
    host = Host(
        name=found["node"],
        instances_path=paths.instances_path,
        state_path=paths.state_path,
        image_cache_path=paths.image_cache_path,
        virt_type="",
        arch=found["arch"],
        resources={"vcpus": 0, "memory_mb": 0, "disk_gb": 0, "reserved": {}, "allocation_ratio": {}},
        key=b"",
        images={},
    )
    return Builder(hypervisor, host, own_run(found["node"]), check_mode=check_mode)


def make_cleanup(options: CleanupOptions, hypervisor: HypervisorLike, *, now: float, check_mode: bool) -> Cleanup:
    """The cleanup of this host."""
    builder = bare_builder(options.host, hypervisor, check_mode=check_mode)
    return Cleanup(builder, folders=options.folders, elsewhere=options.elsewhere, now=now)
